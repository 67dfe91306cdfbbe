"""Whether the kept table can be had again: parts of it recomputed and compared on a fixed sample of tested users."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.side_by_side.comparing import Plan, tested_users
from benchmarks.side_by_side.own_stages import own_again
from benchmarks.side_by_side.table import disagreements, note_look, read_table, sample_means, sample_of
from benchmarks.side_by_side.venvs import install, peer_python
from benchmarks.side_by_side.workbench import Place, Workbench
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.stages import STAGES

CHEAP_S = 60.0  # peers whose fit took longer when the table was made are left to the whole computation
# What has no seed differs by rounding alone; what is trained on another processor ends elsewhere for some users.
SAME, TRAINED = 0.002, 0.02
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of verifying a table.

    Attributes:
        wrong: A sentence for every number that could not be had again.
        systems: Those that were recomputed, now or before.
    """

    wrong: tuple[str, ...] = ()
    systems: frozenset[str] = frozenset()


def verify(
    bench: Workbench, plan: Plan, *, deadline: float, say: Say, before: Collection[str] = frozenset()
) -> Verified:
    """Recompute what is cheap first, and compare.

    Args:
        bench: The benchmark.
        plan: Which systems may be recomputed, and where tables are.
        deadline: `time.monotonic()` by which a system has to end, by what it took before, to be started.
        say: Told what is done.
        before: Systems that need not be recomputed again.
    """
    kept, name = read_table(bench.cut.bench, plan.results), bench.cut.bench.name
    if kept is None:
        say(f"{name}: no table is kept")
        return Verified()
    protocol = ProtocolRecord.of(
        bench.cut.splits, name=bench.cut.bench.dataset, part="test", core=bench.cut.bench.core, seeds=kept["seeds"]
    )
    if protocol.data.sha256 != kept["data"]["sha256"] or protocol.split_sha256 != kept["split_sha256"]:
        return Verified((f"{name}: the data or its split is not what the table was made on",))
    known_s = _known_seconds(kept, plan)
    ours_or_cheap = (one for one in known_s if known_s[one] <= CHEAP_S or one not in kept["peers"])
    chosen = sorted((one for one in ours_or_cheap if one not in before), key=known_s.__getitem__)
    if not chosen:
        return Verified(systems=frozenset(before))
    say(f"{name}: about {sum(known_s[one] for one in chosen) / 60:.1f} minutes")
    note_look(bench.cut.bench, "benchmarks.quality verify", chosen, results=plan.results)
    found: dict[str, Mapping[str, PerUser]] = {}
    systems = set(before)
    for one in chosen:
        again = _again(bench, one, kept, plan) if time.monotonic() + known_s[one] < deadline else {}
        if not again:
            say(f"{name}: {one} not recomputed")
            continue
        found |= again
        systems.add(one)
    return Verified(tuple(_compared(bench, found, kept, say)), frozenset(systems))


def _known_seconds(kept: Mapping[str, Any], plan: Plan) -> dict[str, float]:
    """What one run of each of our stages and of the chosen peers took when the table was made."""
    # Cold items are told apart by a suffix; one run gives both.
    found = {
        stage.partition("@")[0]: sum(kept["seconds"][stage][part] for part in ("fit", "score"))
        for stage in kept["stages"]
        if stage not in kept["peers"]
    }
    return found | {
        system.name: _seconds(kept["peers"][system.name]) for system in plan.systems if system.name in kept["peers"]
    }


def _seconds(record: Mapping[str, Any]) -> float:
    """The longest run behind a peer's numbers; infinite where there is none."""
    done = [run["seconds"] for run in record.get("test_runs", []) if run["status"] == "done"]
    return max(done, default=float("inf"))


def _again(bench: Workbench, name: str, kept: Mapping[str, Any], plan: Plan) -> Mapping[str, Mapping[str, PerUser]]:
    """By stage the values of one run, from nothing kept; none where a peer cannot be installed or fails."""
    if name not in kept["peers"]:
        return own_again(bench.cut, name, seed=plan.seeds[0], runs=plan.runs)
    system = next(system for system in plan.systems if system.name == name)
    if peer_python(system.peer, plan.runs / "peers") is None and install(system.peer, plan.runs / "peers"):
        return {}
    place = Place("test")
    request = bench.request(system, kept["peers"][name]["chosen"], place=place, seed=0)
    bench.runner.forget(request)
    return {name: bench.measured(request, place)} if bench.run(request).status == "done" else {}


def _compared(
    bench: Workbench, found: Mapping[str, Mapping[str, PerUser]], kept: Mapping[str, Any], say: Say
) -> list[str]:
    rows = sample_of(tested_users(bench))
    means = {name: sample_means(per_user, rows) for name, per_user in found.items()}
    tolerance = {name: TRAINED if _is_seeded(name, kept) else SAME for name in means}
    wrong = disagreements(kept["sample"]["stages"], means, tolerance)
    say(f"{bench.cut.bench.name}: {len(means)} systems recomputed on {len(rows)} users, {len(wrong)} numbers are off")
    return [f"{bench.cut.bench.name}: {sentence}" for sentence in wrong]


def _is_seeded(name: str, kept: Mapping[str, Any]) -> bool:
    peer = kept["peers"].get(name)
    return STAGES[name.partition("@")[0]].is_seeded if peer is None else bool(peer.get("seeded"))
