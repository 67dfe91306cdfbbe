"""The peers, their spaces and what each trial of a search tries."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PEERS = Path(__file__).parents[1] / "peers"
Params = Mapping[str, Any]


@dataclass(frozen=True)
class System:
    """One model of one peer library.

    Attributes:
        peer: The library; names its script, its requirements and its virtual environment.
        seeded: Whether another seed gives another result.
        reads_order: Whether it needs the order within a history.
        defaults: The library's own hyper-parameters.
        space: The choices of each hyper-parameter; empty when there is nothing to choose.
        large: Lists that replace some of `space` on large sets.
        large_defaults: Values that replace some of `defaults` there, where the library's own would not end in time.
    """

    peer: str
    model: str
    defaults: Params
    space: Mapping[str, Sequence[Any]]
    large: Mapping[str, Sequence[Any]]
    large_defaults: Params
    seeded: bool = False
    reads_order: bool = False

    @property
    def name(self) -> str:
        """Its name in results."""
        return f"{self.peer}.{self.model}"

    def trials(self, n: int, *, is_large: bool) -> tuple[Params, ...]:
        """What to try: the defaults, then different draws from the space; fewer where the space has not as many."""
        space = {**self.space, **(self.large if is_large else {})}
        defaults = {**self.defaults, **(self.large_defaults if is_large else {})}
        chosen: list[Params] = [defaults]
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        for _ in range(100 * n):
            if len(chosen) >= n or not space:
                break
            drawn = {name: choices[int(rng.integers(len(choices)))] for name, choices in space.items()}
            params = {**defaults, **drawn}
            if params not in chosen:
                chosen.append(params)
        return tuple(chosen)


def read_systems(path: Path = PEERS / "systems.toml") -> Mapping[str, System]:
    """All systems by name, in the file's order."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    systems = [
        System(peer=peer, model=model, **{"large": {}, "large_defaults": {}, **table})
        for peer, models in tables.items()
        for model, table in models.items()
    ]
    return {system.name: system for system in systems}


def chosen_systems(names: Sequence[str]) -> Sequence[System]:
    """Systems by name, `implicit.als`, or by library, `implicit`; all when none is named. Raises SystemExit."""
    systems = read_systems()
    unknown = [name for name in names if not any(name in {found.name, found.peer} for found in systems.values())]
    if unknown:
        raise SystemExit(f"no peer is called {unknown[0]!r}; known: {', '.join(systems)}")
    return [found for found in systems.values() if not names or {found.name, found.peer} & set(names)]
