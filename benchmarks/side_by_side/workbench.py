"""One benchmark at work: requests are exported, run and measured here; answers never leave this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.exchange import write_task
from benchmarks.side_by_side.bench import Cut
from benchmarks.side_by_side.export import Exported, exported
from benchmarks.side_by_side.measuring import measured
from benchmarks.side_by_side.running import Outcome, Request, Runner
from benchmarks.side_by_side.systems import Params, System
from benchmarks.side_by_side.venvs import peer_python
from llmrec.data.splits import Part
from llmrec.evaluation.estimates import PerUser


@dataclass(frozen=True)
class Place:
    """Which of a cut's tasks: its part, and the number of its split."""

    part: Part
    split: int = 0


class Workbench:
    """Runs peers on one benchmark.

    Attributes:
        cut: The data.
        directory: Where exports and runs of this benchmark are kept.
        runner: Starts peers or finds what they did before.
    """

    def __init__(self, cut: Cut, *, runs: Path, limit_s: float, threads: int) -> None:
        self.cut = cut
        self.directory = runs / "quality" / cut.bench.name
        self.runner = Runner(self.directory / "runs", limit_s=limit_s, threads=threads)
        self._venvs = runs / "peers"
        self._exports: dict[Place, tuple[Exported, str]] = {}

    def refusal(self, system: System) -> str:
        """Why this system is not measured here; empty when it is."""
        if not self.cut.bench.has_peers:
            return "knows no item that nobody met"
        if system.reads_order and not self.cut.has_order:
            return "needs the order within a history, which this data does not have"
        if peer_python(system.peer, self._venvs) is None:
            return f"not installed; run `python -m benchmarks.quality install {system.peer}`"
        return ""

    def request(self, system: System, params: Params, *, place: Place, seed: int) -> Request:
        """What to ask of a system for one task; its files are written when first needed."""
        return Request(system, params, seed, self._data(place), self._export(place)[1])

    def run(self, request: Request) -> Outcome:
        """The outcome of a request, from before or from now."""
        python = peer_python(request.system.peer, self._venvs)
        if python is None:
            raise SystemExit(f"{request.system.peer} is not installed")
        return self.runner.run(request, python)

    def measured(self, request: Request, place: Place) -> Mapping[str, PerUser]:
        """Metrics by user of a request that is done."""
        rankings = self._export(place)[0].ours(self.runner.rankings(request))
        return measured(rankings, self.cut.task(place.split, place.part))

    def _data(self, place: Place) -> Path:
        return self.directory / f"{place.part}-{self.cut.bench.split_seeds[place.split]}"

    def _export(self, place: Place) -> tuple[Exported, str]:
        if place not in self._exports:
            made = exported(self.cut.task(place.split, place.part), self.cut.data.catalogue)
            self._exports[place] = (made, write_task(made.task, self._data(place)))
        return self._exports[place]
