"""Peers and our own stages side by side: same splits, same metrics, as many trials for each peer.

Run: `python -m benchmarks.quality install [PEER ...]`, then
`python -m benchmarks.quality run --data DIR [--bench NAME ...] [--peers NAME ...]`, resumable, or
`python -m benchmarks.quality verify --data DIR`, which recomputes a part of the kept table and compares.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.side_by_side.bench import BENCHES, Bench, read_and_cut
from benchmarks.side_by_side.comparing import Plan, compare, estimated
from benchmarks.side_by_side.systems import chosen_systems
from benchmarks.side_by_side.table import RESULTS
from benchmarks.side_by_side.venvs import install, peer_python
from benchmarks.side_by_side.verifying import Verified, verify
from benchmarks.side_by_side.workbench import Workbench
from llmrec.stages import STAGES


def main() -> None:
    """Run one of the commands."""
    # Asked to end, it ends the peer that runs in a session of its own, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = _parser().parse_args()
    command: Callable[[argparse.Namespace], None] = arguments.command
    command(arguments)


def _install(arguments: argparse.Namespace) -> None:
    failed = False
    for peer in dict.fromkeys(system.peer for system in chosen_systems(arguments.peers)):
        if peer_python(peer, arguments.runs / "peers"):
            print(f"{peer}: there")
            continue
        started = time.perf_counter()
        why = install(peer, arguments.runs / "peers")
        failed |= bool(why)
        print(f"{peer}: {why or 'installed'} ({time.perf_counter() - started:.0f} s)", flush=True)
    sys.exit(int(failed))


def _run(arguments: argparse.Namespace) -> None:
    plan = _plan(arguments)
    for bench in _benches(arguments.bench):
        workbench = _workbench(bench, arguments)
        print(f"{bench.name}: {estimated(workbench, plan)}", flush=True)
        if not arguments.dry_run:
            compare(workbench, plan, say=lambda line: print(f"  {line}", flush=True))


def _verify(arguments: argparse.Namespace) -> None:
    found: dict[str, Verified] = {}
    for bench, deadline in _turns(_benches(arguments.bench), seconds=60 * arguments.minutes):
        before = found.get(bench.name, Verified())
        now = verify(
            _workbench(bench, arguments),
            _plan(arguments),
            deadline=deadline,
            say=lambda line: print(line, flush=True),
            before=before.systems,
        )
        found[bench.name] = Verified(before.wrong + now.wrong, now.systems)
    wrong = [sentence for verified in found.values() for sentence in verified.wrong]
    for sentence in wrong:
        print(f"WRONG {sentence}", file=sys.stderr)
    sys.exit(int(bool(wrong)))


def _turns(benches: Sequence[Bench], *, seconds: float) -> Iterator[tuple[Bench, float]]:
    """Each table with its share of the time and what those before it left; then each with all that is left."""
    started = time.monotonic()
    for number, bench in enumerate(benches, start=1):
        yield bench, started + seconds * number / len(benches)
    for bench in benches:
        yield bench, started + seconds


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        systems=tuple(chosen_systems(arguments.peers)),
        stages=tuple(arguments.stages),
        n_trials=arguments.trials,
        seeds=tuple(range(arguments.seeds)),
        with_test=not arguments.no_test,
        data=arguments.data,
        runs=arguments.runs,
        results=arguments.results,
    )


def _benches(names: Sequence[str]) -> Sequence[Bench]:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise SystemExit(f"no benchmark is called {unknown[0]!r}; known: {', '.join(BENCHES)}")
    return [BENCHES[name] for name in names or BENCHES]


def _workbench(bench: Bench, arguments: argparse.Namespace) -> Workbench:
    cut = read_and_cut(bench, arguments.data)
    return Workbench(cut, runs=arguments.runs, limit_s=arguments.limit_s, threads=arguments.threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    installing = commands.add_parser("install", help="make the peers' virtual environments")
    installing.add_argument("peers", nargs="*", help="all when none is named")
    installing.set_defaults(command=_install)
    running = commands.add_parser("run", help="search, fit, measure, keep the table")
    running.add_argument("--dry-run", action="store_true", help="say what is left to do and how long it takes")
    running.set_defaults(command=_run)
    checking = commands.add_parser("verify", help="recompute a part of the kept table on a sample of users")
    checking.add_argument("--minutes", type=float, default=20.0, help="start nothing that is not known to end by then")
    checking.set_defaults(command=_verify)
    for command in (running, checking):
        command.add_argument("--data", type=Path, required=True, help="directory of the data sets")
        command.add_argument("--bench", nargs="*", default=[], help=f"of {', '.join(BENCHES)}")
        command.add_argument("--peers", nargs="*", default=[], help="e.g. implicit or implicit.als; all by default")
        command.add_argument("--stages", nargs="*", default=list(STAGES), help="of ours; all by default")
        command.add_argument("--trials", type=int, default=8, help="of each peer's search")
        command.add_argument("--seeds", type=int, default=3, help="of each fit for the test")
        command.add_argument("--limit-s", type=float, default=1200.0, help="a run that takes longer counts as failed")
        command.add_argument("--threads", type=int, default=os.cpu_count() or 1)
        command.add_argument("--no-test", action="store_true", help="search only; no test row is looked at")
        command.add_argument("--results", type=Path, default=RESULTS)
    for command in (installing, running, checking):
        command.add_argument("--runs", type=Path, default=Path("runs"))
    return parser


if __name__ == "__main__":
    main()
