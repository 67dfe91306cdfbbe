"""What can be tuned of each stage and from where to where, declared as values; which settings a stage depends on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np

from llmrec.settings import Part, Settings

SettingValue = float | int | str | tuple[str, ...]
Values = Mapping[str, SettingValue]  # by `room.key`

_NEAR = 0.15  # standard deviation of a small step, as a share of the whole range
_OTHERWISE_SHARE = 0.1
_KEPT_SHARE = 0.75
# Settings hold no infinity; so far beyond the length of any history, all its items count alike.
ALL_ALIKE = 1e6


class Dimension(Protocol):
    """Where one setting may lie."""

    def draw(self, rng: np.random.Generator) -> SettingValue:
        """Any value."""
        ...

    def near(self, value: SettingValue, rng: np.random.Generator) -> SettingValue:
        """One close to `value`, which may lie outside."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two ends, both included; on a logarithmic scale unless said otherwise.

    Attributes:
        otherwise: A value apart from the range that is drawn now and then, e.g. for no decay at all.
    """

    low: float
    high: float
    scale: Literal["log", "linear"] = "log"
    kind: Literal["real", "whole"] = "real"
    otherwise: float | None = None

    def draw(self, rng: np.random.Generator) -> SettingValue:
        """Evenly on the scale, three digits; `otherwise` in one case of ten."""
        if self.otherwise is not None and rng.random() < _OTHERWISE_SHARE:
            return self.otherwise
        return self._at(rng.random())

    def near(self, value: SettingValue, rng: np.random.Generator) -> SettingValue:
        """A small step on the scale; from outside the range, from its nearer end."""
        inside = min(max(_number(value), self.low), self.high)
        low, high, here = (self._scaled(number) for number in (self.low, self.high, inside))
        return self._at(min(max((here - low) / (high - low) + _NEAR * rng.standard_normal(), 0.0), 1.0))

    def _at(self, place: float) -> SettingValue:
        """The value at `place`, from 0 to 1."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        scaled = low + place * (high - low)
        value = math.exp(scaled) if self.scale == "log" else scaled
        return round(value) if self.kind == "whole" else float(f"{value:.3g}")

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.scale == "log" else value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values."""

    options: tuple[SettingValue, ...]

    def draw(self, rng: np.random.Generator) -> SettingValue:
        """Any of them."""
        return self.options[int(rng.integers(len(self.options)))]

    def near(self, value: SettingValue, rng: np.random.Generator) -> SettingValue:
        """Another one: none is nearer than the others."""
        others = Choice(tuple(option for option in self.options if option != value))
        return others.draw(rng) if others.options else value


@dataclass(frozen=True, slots=True)
class Subset:
    """Some of a few names, at least one, in their order."""

    names: tuple[str, ...]

    def draw(self, rng: np.random.Generator) -> SettingValue:
        """Each of them in three cases of four."""
        kept = rng.random(len(self.names)) < _KEPT_SHARE
        kept[int(rng.integers(len(self.names)))] = True
        return tuple(name for name, stays in zip(self.names, kept.tolist(), strict=True) if stays)

    def near(self, value: SettingValue, rng: np.random.Generator) -> SettingValue:
        """One more or one less."""
        before = value if isinstance(value, tuple) else ()
        other = self.names[int(rng.integers(len(self.names)))]
        after = tuple(name for name in self.names if (name in before) != (name == other))
        return after or before


Space = Mapping[str, Dimension]

_HALF_LIFE = Range(1, 300, otherwise=ALL_ALIKE)
_L2 = Range(10, 3000)
_PARTS = "models.hybrid_parts"

_SPACES: Mapping[str, Space] = {
    "popularity": {"models.popularity_half_life_days": Range(1, 3000, otherwise=0.0)},
    "itemknn": {
        "models.itemknn_neighbours": Range(20, 1000, kind="whole"),
        "models.itemknn_shrinkage": Range(1, 300, otherwise=0.0),
        "models.itemknn_half_life": _HALF_LIFE,
        "models.itemknn_weighting": Choice(("plain", "idf", "bm25")),
    },
    "ease": {"retrieval.ease_regularisation": _L2, "retrieval.ease_half_life": _HALF_LIFE},
    "transitions": {
        "models.transitions_window": Range(1, 50, kind="whole"),
        "models.transitions_decay": Range(0.3, 1.0, "linear"),
        "models.transitions_half_life": _HALF_LIFE,
    },
    "slit": {
        "models.slit_l2": Range(
            10, 30_000
        ),  # it regresses on every place of a history, not on users, so more is needed
        "models.slit_half_life": _HALF_LIFE,
        "models.slit_past": Range(5, 200, kind="whole"),
        "models.slit_future": Range(1, 60, kind="whole"),
        "models.slit_decay": Range(0.5, 1.0, "linear"),
    },
    "bm25": {
        "models.bm25_k1": Range(0.3, 3.0, "linear"),
        "models.bm25_b": Range(0.0, 1.0, "linear"),
        "models.bm25_n_items": Range(1, 50, kind="whole"),
    },
    "dense": {"models.dense_n_items": Range(1, 100, kind="whole")},
    "sasrec": {
        "models.sequential_dim": Choice((32, 64, 128)),
        "models.sequential_dropout": Choice((0.1, 0.2, 0.3, 0.5)),
        "models.sequential_learning_rate": Choice((1e-3, 3e-3)),
        "models.sequential_label_smoothing": Choice((0.0, 0.1)),
    },
    "text_sequential": {
        "models.sequential_id_dropout": Choice((0.0, 0.25, 0.5, 0.75)),
        "models.sequential_cold_bonus": Range(0.0, 4.0, "linear"),
    },
    "hybrid": {"models.hybrid_l2": Range(1e-4, 1.0), _PARTS: Subset(get_args(Part))},
}
TUNABLE = tuple(_SPACES)
"""Stages with something to tune, each after those whose settings it reads: the text network after `sasrec`, the hybrid
after its parts."""
BY_DEFAULT = tuple(name for name in TUNABLE if name not in {"sasrec", "text_sequential"})
"""What takes no training by gradient."""
READ_HALF_LIFE = {
    "ease": "retrieval.ease_half_life",
    "itemknn": "models.itemknn_half_life",
    "transitions": "models.transitions_half_life",
}
"""Half-lives that matter when a fitted table is read, not when it is fitted."""


def space_of(stage: str, settings: Settings, *, tuned: Collection[str]) -> Space:
    """Where the settings of `stage` may lie; the hybrid fuses its parts of `settings` and those that are `tuned`."""
    space = _SPACES[stage]
    if _PARTS not in space:
        return space
    pool = tuple(name for name in get_args(Part) if name in settings.models.hybrid_parts or name in tuned)
    others = {key: dimension for key, dimension in space.items() if key != _PARTS}
    return {**others, _PARTS: Subset(pool)} if pool else others


def tuned_keys(stage: str) -> frozenset[str]:
    """The settings that a search of `stage` chooses."""
    return frozenset(_SPACES[stage])


def settings_of(stage: str, settings: Settings) -> Values:
    """Every setting that a fit of `stage` depends on, but for the device: where a network is trained tells nothing."""
    flat = {f"{room}.{key}": value for room, keys in settings.model_dump().items() for key, value in keys.items()}
    found = {key: flat[key] for key in flat if key.startswith(_prefixes(stage)) and not key.endswith("_device")}
    if stage == "sasrec":
        return {key: value for key, value in found.items() if key not in _SPACES["text_sequential"]}
    if stage == "hybrid":
        for part in settings.models.hybrid_parts:
            found |= settings_of(part, settings)
    return found


def with_values(settings: Settings, values: Values) -> Settings:
    """`settings` with `values` in place of their own. Raises ConfigError."""
    rooms = settings.model_dump()
    for key, value in values.items():
        room, _, name = key.partition(".")
        rooms[room][name] = value
    return Settings.from_mapping(rooms)


def drawn(space: Space, rng: np.random.Generator) -> Values:
    """A value of every dimension."""
    return {key: dimension.draw(rng) for key, dimension in space.items()}


def stepped(space: Space, values: Values, rng: np.random.Generator) -> Values:
    """What a small step from `values` changes: each dimension in one case of two, one of them always."""
    chosen = rng.random(len(space)) < 0.5
    chosen[int(rng.integers(len(space)))] = True
    keys = (key for key, moves in zip(space, chosen.tolist(), strict=True) if moves)
    return {key: space[key].near(values[key], rng) for key in keys}


def _prefixes(stage: str) -> tuple[str, ...]:
    if stage in {"sasrec", "text_sequential"}:
        return ("models.sequential_",)
    return (f"models.{stage}_", f"retrieval.{stage}_")


def _number(value: SettingValue) -> float:
    assert isinstance(value, (int, float)), "only numbers lie in a range"
    return float(value)
