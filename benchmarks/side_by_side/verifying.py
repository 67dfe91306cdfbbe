"""Whether the kept table can be had again: parts of it recomputed and compared on a fixed sample of tested users."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.side_by_side.comparing import Plan
from benchmarks.side_by_side.own_stages import own_first
from benchmarks.side_by_side.systems import System
from benchmarks.side_by_side.table import disagreements, note_look, read_table, sample_means, sample_of
from benchmarks.side_by_side.venvs import install, peer_python
from benchmarks.side_by_side.workbench import Place, Workbench
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.protocol import ProtocolRecord

CHEAP_S = 60.0  # peers whose fit took longer when the table was made are left to the whole computation
# What has no seed differs by rounding alone; what is trained on another processor ends elsewhere for some users.
SAME, TRAINED = 0.002, 0.02
Say = Callable[[str], None]


def verify(bench: Workbench, plan: Plan, *, deadline: float, say: Say) -> list[str]:
    """Sentences for every number that could not be had again; empty when all agree.

    Args:
        bench: The benchmark.
        plan: Which systems may be recomputed, and where tables are.
        deadline: `time.monotonic()` after which no further system is started.
        say: Told what is done.
    """
    kept, name = read_table(bench.cut.bench, plan.results), bench.cut.bench.name
    if kept is None:
        say(f"{name}: no table is kept")
        return []
    protocol = ProtocolRecord.of(
        bench.cut.splits, name=bench.cut.bench.dataset, part="test", core=bench.cut.bench.core, seeds=kept["seeds"]
    )
    if protocol.data.sha256 != kept["data"]["sha256"] or protocol.split_sha256 != kept["split_sha256"]:
        return [f"{name}: the data or its split is not what the table was made on"]
    known_s = {system.name: _seconds(kept["peers"].get(system.name, {})) for system in plan.systems}
    systems = [system for system in plan.systems if known_s[system.name] <= CHEAP_S]
    own = [stage for stage in kept["sample"]["stages"] if stage not in kept["peers"]]
    own_s = sum(sum(kept["seconds"].get(stage, {}).values()) for stage in own)
    say(f"{name}: about {(own_s + sum(known_s[system.name] for system in systems)) / 60:.1f} minutes")
    note_look(bench.cut.bench, "benchmarks.quality verify", [*own, *(s.name for s in systems)], results=plan.results)
    found = dict(own_first(bench.cut, own, seeds=plan.seeds, runs=plan.runs)) if own else {}
    for system in systems:
        ends = time.monotonic() + known_s[system.name]
        per_user = _again(bench, system, kept, plan) if ends < deadline else None
        if per_user is None:
            say(f"{name}: {system.name} not recomputed")
        else:
            found[system.name] = per_user
    return _compared(bench, found, kept, {system.name for system in systems if system.seeded}, say)


def _seconds(record: Mapping[str, Any]) -> float:
    """The longest run behind a peer's numbers; infinite where there is none."""
    done = [run["seconds"] for run in record.get("test_runs", []) if run["status"] == "done"]
    return max(done, default=float("inf"))


def _again(bench: Workbench, system: System, kept: Mapping[str, Any], plan: Plan) -> Mapping[str, PerUser] | None:
    """The first run of the chosen parameters, from nothing kept; None where the peer cannot be installed or fails."""
    if peer_python(system.peer, plan.runs / "peers") is None and install(system.peer, plan.runs / "peers"):
        return None
    place = Place("test")
    request = bench.request(system, kept["peers"][system.name]["chosen"], place=place, seed=0)
    bench.runner.forget(request)
    return bench.measured(request, place) if bench.run(request).status == "done" else None


def _compared(
    bench: Workbench, found: Mapping[str, Mapping[str, PerUser]], kept: Mapping[str, Any], seeded: set[str], say: Say
) -> list[str]:
    task = bench.cut.task(0, "test")
    rows = sample_of([task.fit_on.user_ids[user] for user in task.users.tolist()])
    means = {name: sample_means(per_user, rows) for name, per_user in found.items()}
    tolerance = {name: TRAINED if name in seeded else SAME for name in means}
    wrong = disagreements(kept["sample"]["stages"], means, tolerance)
    say(f"{bench.cut.bench.name}: {len(means)} systems recomputed on {len(rows)} users, {len(wrong)} numbers are off")
    return [f"{bench.cut.bench.name}: {sentence}" for sentence in wrong]
