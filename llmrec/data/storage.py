"""Catalogue and interactions on disk: JSON Lines and plain NumPy arrays, exact in both directions."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError
from llmrec.types import Item, ItemId, UserId

_REBUILD = "Build the recommender again."
_COLUMNS = ("users", "items", "values", "at")


def save_catalogue(catalogue: Catalogue, path: Path) -> None:
    """One JSON object per item, in catalogue order."""
    with path.open("w", encoding="utf-8") as file:
        for item in catalogue.values():
            file.write(json.dumps(asdict(item), ensure_ascii=False) + "\n")


def load_catalogue(path: Path) -> Catalogue:
    """What `save_catalogue` wrote. Raises ArtifactError."""
    try:
        with path.open(encoding="utf-8") as file:
            return Catalogue(_item(json.loads(line)) for line in file)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path} cannot be read as a catalogue.", hint=_REBUILD) from error


def save_interactions(interactions: Interactions, directory: Path) -> None:
    """User ids as JSON, columns as an uncompressed .npz; item ids are the catalogue's and not repeated."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "users.json").write_text(json.dumps(interactions.user_ids, ensure_ascii=False), encoding="utf-8")
    np.savez(directory / "columns.npz", **{name: getattr(interactions, name) for name in _COLUMNS})


def load_interactions(directory: Path, catalogue: Catalogue) -> Interactions:
    """What `save_interactions` wrote, for the catalogue it was written with. Raises ArtifactError."""
    try:
        users = json.loads((directory / "users.json").read_text(encoding="utf-8"))
        with np.load(directory / "columns.npz", allow_pickle=False) as columns:
            arrays = {name: columns[name] for name in _COLUMNS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{directory} cannot be read as interactions.", hint=_REBUILD) from error
    if len(arrays["items"]) and int(arrays["items"].max()) >= len(catalogue):
        raise ArtifactError(f"{directory} names items beyond the catalogue's {len(catalogue)}.", hint=_REBUILD)
    return Interactions(tuple(map(UserId, users)), catalogue.ids, **arrays)


def _item(row: dict[str, object]) -> Item:
    facts = row.pop("facts")
    if not isinstance(facts, dict):
        raise TypeError("facts must be an object")
    # JSON has no tuples; a fact with several values comes back as a list.
    typed = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Item(id=ItemId(str(row.pop("id"))), facts=typed, **row)  # type: ignore[arg-type]  # the keys are Item's own
