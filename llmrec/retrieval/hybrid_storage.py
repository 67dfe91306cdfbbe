"""A hybrid retriever on disk: its parts in directories of their own, its signals as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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

_PARTS, _WEIGHTS, _DEMAND, _VALUES, _FIELDS = "parts", "weights.json", "demand", "values", "fields.json"
_REBUILD = "Build the recommender again."
_ARRAYS = ("totals", "first", "texts", "amounts", "cold")


def save_signals(
    directory: Path, name: str, item_ids: Sequence[ItemId], signals: Signals, weights: Mapping[str, float]
) -> None:
    """Write all that `load_signals` needs."""
    save_settings(directory, name, item_ids, with_cold=signals.with_cold)
    (directory / _WEIGHTS).write_text(json.dumps(dict(weights), indent=1), encoding="utf-8")
    for part_name, part in signals.parts.items():
        part.save(directory / _PARTS / part_name)
    popularity, content = signals.popularity, signals.content
    arrays: tuple[NDArray[np.generic], ...] = (
        popularity.totals,
        popularity.first,
        content.texts,
        content.amounts,
        signals.cold,
    )
    for array_name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(directory / f"{array_name}.npy", array, allow_pickle=False)
    (directory / _VALUES).mkdir(exist_ok=True)
    (directory / _FIELDS).write_text(json.dumps(list(content.values), ensure_ascii=False), encoding="utf-8")
    for number, values in enumerate(content.values.values()):
        save_sparse(directory / _VALUES / f"{number}.npz", values)
    save_sparse(directory / "nearest.npz", signals.nearest)
    for days, demand in popularity.demand.items():
        place = directory / _DEMAND / f"{days:g}"
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / "counts.npy", demand.counts, allow_pickle=False)
        np.save(place / "bins.npy", np.array([demand.start, demand.width]), allow_pickle=False)


def load_signals(
    directory: Path,
    name: str,
    item_ids: Sequence[ItemId],
    loaders: Mapping[str, Callable[[Path, Sequence[ItemId]], Part]],
) -> tuple[Signals, Mapping[str, float]]:
    """Signals and weights. Raises ArtifactError when something is missing, damaged or of other items."""
    settings = load_settings(directory, name, item_ids, needed=("with_cold",))
    totals, first, texts, amounts, cold = (load_array(directory / f"{each}.npy") for each in _ARRAYS)
    signals = Signals(
        parts=_parts(directory / _PARTS, item_ids, loaders),
        popularity=TimedPopularity(
            cast("NDArray[np.float32]", totals), cast("NDArray[np.float64]", first), _demand(directory / _DEMAND)
        ),
        content=ContentSignals(
            cast("NDArray[np.float32]", texts),
            _values(directory),
            cast("NDArray[np.float32]", amounts),
        ),
        nearest=load_sparse(directory / "nearest.npz"),
        cold=cast("NDArray[np.bool_]", cold),
        with_cold=bool(settings["with_cold"]),
    )
    return signals, _weights(directory / _WEIGHTS)


def _parts(
    directory: Path, item_ids: Sequence[ItemId], loaders: Mapping[str, Callable[[Path, Sequence[ItemId]], Part]]
) -> Mapping[str, Part]:
    names = [path.name for path in sorted(directory.iterdir())] if directory.is_dir() else []
    unknown = [name for name in names if name not in loaders]
    if unknown:
        raise ArtifactError(f"{directory} holds a part {unknown[0]!r} that nothing reads.", hint=_REBUILD)
    return {name: loaders[name](directory / name, item_ids) for name in names}


def _demand(directory: Path) -> Mapping[float, DemandOverTime]:
    places = sorted(directory.iterdir(), key=lambda place: float(place.name)) if directory.is_dir() else []
    return {float(place.name): _one_demand(place) for place in places}


def _one_demand(place: Path) -> DemandOverTime:
    start, width = cast("NDArray[np.float64]", load_array(place / "bins.npy")).tolist()
    return DemandOverTime(start, width, cast("NDArray[np.float32]", load_array(place / "counts.npy")))


def _values(directory: Path) -> Mapping[str, sparse.csr_array]:
    fields = _json(directory / _FIELDS)
    if not isinstance(fields, list):
        raise ArtifactError(f"{directory / _FIELDS} is no list of fields.", hint=_REBUILD)
    return {str(field): load_sparse(directory / _VALUES / f"{number}.npz") for number, field in enumerate(fields)}


def _weights(path: Path) -> Mapping[str, float]:
    found = _json(path)
    if not isinstance(found, dict) or not all(isinstance(weight, int | float) for weight in found.values()):
        raise ArtifactError(f"{path} holds no weights.", hint=_REBUILD)
    return {str(name): float(weight) for name, weight in found.items()}


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read.", hint=_REBUILD) from error
