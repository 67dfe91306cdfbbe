"""A hybrid retriever on disk: its parts in directories of their own, its signals as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.errors import ArtifactError
from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.recency import DemandOverTime, TimedPopularity
from llmrec.retrieval.signals import Part, Signals
from llmrec.retrieval.storage import load_array, load_settings, load_sparse, save_settings, save_sparse
from llmrec.types import ItemId

PartLoaders = Mapping[str, Callable[[Path, Sequence[ItemId]], Part]]

_CONTENTS, _NEAREST, _PARTS, _DEMAND, _VALUES = "contents.json", "nearest.npz", "parts", "demand", "values"
_ARRAYS = ("totals", "first", "texts", "amounts", "cold")  # each with one row per item
_REBUILD = "Build the recommender again."


@dataclass(frozen=True, slots=True)
class KeptSignals:
    """Signals with what the hybrid knows of them; see `HybridRetriever`."""

    signals: Signals
    weights: Mapping[str, float]
    came_since: Mapping[str, int]


def save_signals(
    directory: Path,
    name: str,
    item_ids: Sequence[ItemId],
    signals: Signals,
    weights: Mapping[str, float],
    came_since: Mapping[str, int],
) -> None:
    """Write all that `load_signals` needs."""
    save_settings(directory, name, item_ids, with_cold=signals.with_cold)
    popularity, content = signals.popularity, signals.content
    contents = {
        "weights": dict(weights),
        "came_since": dict(came_since),
        "parts": list(signals.parts),
        "spans_days": list(popularity.demand),
        "fields": list(content.values),
    }
    (directory / _CONTENTS).write_text(json.dumps(contents, indent=1, ensure_ascii=False), encoding="utf-8")
    for part_name, part in signals.parts.items():
        part.save(directory / _PARTS / part_name)
    rows: tuple[NDArray[np.generic], ...] = (
        popularity.totals,
        popularity.first,
        content.texts,
        content.amounts,
        signals.cold,
    )
    for array_name, array in zip(_ARRAYS, rows, strict=True):
        np.save(directory / f"{array_name}.npy", array, allow_pickle=False)
    save_sparse(directory / _NEAREST, signals.nearest)
    (directory / _VALUES).mkdir(exist_ok=True)
    for number, values in enumerate(content.values.values()):
        save_sparse(_values_file(directory, number), values)
    for days, demand in popularity.demand.items():
        place = _demand_place(directory, days)
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / "counts.npy", demand.counts, allow_pickle=False)
        np.save(place / "bins.npy", np.array([demand.start, demand.width]), allow_pickle=False)


def load_signals(directory: Path, name: str, item_ids: Sequence[ItemId], loaders: PartLoaders) -> KeptSignals:
    """What `save_signals` wrote. Raises ArtifactError when something is missing, damaged or of other items."""
    settings = load_settings(directory, name, item_ids, needed=("with_cold",))
    contents, n_items = _Contents.read(directory / _CONTENTS), len(item_ids)
    totals, first, texts, amounts, cold = (_array(directory / f"{each}.npy", n_items) for each in _ARRAYS)
    signals = Signals(
        parts=_parts(directory / _PARTS, contents.parts, item_ids, loaders),
        popularity=TimedPopularity(
            cast("NDArray[np.float32]", totals),
            cast("NDArray[np.float64]", first),
            {days: _demand(_demand_place(directory, days), n_items) for days in contents.spans_days},
        ),
        content=ContentSignals(
            cast("NDArray[np.float32]", texts),
            {field: _table(_values_file(directory, n), n_items) for n, field in enumerate(contents.fields)},
            cast("NDArray[np.float32]", amounts),
        ),
        nearest=_table(directory / _NEAREST, n_items),
        cold=cast("NDArray[np.bool_]", cold),
        with_cold=bool(settings["with_cold"]),
    )
    return KeptSignals(signals, contents.weights, contents.came_since)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the directory holds beside arrays, and under which names."""

    weights: Mapping[str, float]
    came_since: Mapping[str, int]
    parts: Sequence[str]
    spans_days: Sequence[float]
    fields: Sequence[str]

    @classmethod
    def read(cls, path: Path) -> _Contents:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                weights={str(name): float(weight) for name, weight in found["weights"].items()},
                # A directory from before it was counted is taken as just learned.
                came_since={str(name): int(count) for name, count in found.get("came_since", {}).items()},
                parts=[str(part) for part in found["parts"]],
                spans_days=[float(days) for days in found["spans_days"]],
                fields=[str(field) for field in found["fields"]],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{path} cannot be read.", hint=_REBUILD) from error


def _demand_place(directory: Path, days: float) -> Path:
    return directory / _DEMAND / f"{days:g}"


def _values_file(directory: Path, number: int) -> Path:
    return directory / _VALUES / f"{number}.npz"  # a field's own name may be no name for a file


def _parts(
    directory: Path, names: Sequence[str], item_ids: Sequence[ItemId], loaders: PartLoaders
) -> Mapping[str, Part]:
    unknown = [name for name in names if name not in loaders]
    if unknown:
        raise ArtifactError(f"{directory} holds a part {unknown[0]!r} that nothing reads.", hint=_REBUILD)
    return {name: loaders[name](directory / name, item_ids) for name in names}


def _demand(place: Path, n_items: int) -> DemandOverTime:
    bins, counts = load_array(place / "bins.npy"), load_array(place / "counts.npy")
    if bins.shape != (2,) or counts.ndim != 2 or not len(counts) or counts.shape[1] != n_items:
        raise ArtifactError(f"{place} holds no demand of {n_items} items.", hint=_REBUILD)
    start, width = cast("NDArray[np.float64]", bins).tolist()
    return DemandOverTime(start, width, cast("NDArray[np.float32]", counts))


def _array(path: Path, n_items: int) -> NDArray[np.generic]:
    array = load_array(path)
    _require_rows(array.shape, path, n_items)
    return array


def _table(path: Path, n_items: int) -> sparse.csr_array:
    table = load_sparse(path)
    _require_rows(table.shape, path, n_items)
    return table


def _require_rows(shape: tuple[int, ...], path: Path, n_items: int) -> None:
    if shape[:1] != (n_items,):
        raise ArtifactError(f"{path} has the shape {shape}; it needs a row for each of {n_items} items.", hint=_REBUILD)
