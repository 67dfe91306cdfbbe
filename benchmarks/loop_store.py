"""Whether the store of feedback keeps what it said it kept, when its writers are killed; and how fast it is.

Run: `python -m benchmarks.loop_store [--kills 200] [--store postgresql+psycopg://…] [--json]`, some minutes. Two
processes write to one new SQLite file (or to the database that is named) and are killed with SIGKILL at a random
moment, each as soon as it has said that a random number of events is kept. Who takes their place writes the last event
again, under its id, for it may have been kept without anybody being told. In the end every event must be there once.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.loop_store_writer import write
from benchmarks.provenance import commit, machine
from llmrec.feedback import SQLFeedbackStore, open_store
from llmrec.types import UserId

_WRITERS = (UserId("one"), UserId("two"))
_MOST_EVENTS = 20
_N_TIMED = 200


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--store", default="", help="An empty PostgreSQL database; by default a new SQLite file.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        where = asked.store or str(Path(place) / "feedback.sqlite3")
        found = {**kill_writers(where, asked.kills, random.Random(asked.seed)), **write_times(where)}
    if asked.json:
        print(json.dumps({"machine": machine(), "commit": commit(), **found}))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):28} {value}")


def kill_writers(where: str, n_kills: int, rng: random.Random) -> Mapping[str, float]:
    """What `n_kills` killed writers left in the store at `where`: how much of what they acknowledged, and how often."""
    acknowledged = dict.fromkeys(_WRITERS, -1)
    for killed in range(0, n_kills, len(_WRITERS)):
        doomed = _WRITERS[: n_kills - killed]
        running = {user_id: _writer(where, user_id, acknowledged[user_id] + 1) for user_id in doomed}
        for user_id in rng.sample(doomed, len(doomed)):
            acknowledged[user_id] = max(acknowledged[user_id], _kill(running[user_id], rng))
    with open_store(where) as store:
        for user_id in _WRITERS:
            # The client of the last one, too, sends again what it heard nothing of.
            write(store, user_id, acknowledged[user_id] + 1)
        kept = [events for user_id in _WRITERS for events in _kept(store, user_id)]
    wanted = [range(acknowledged[user_id] + 2) for user_id in _WRITERS for _ in range(4)]
    pairs = list(zip(kept, wanted, strict=True))
    return {
        "kills": n_kills,
        "acknowledged_rows": sum(4 * (last + 1) for last in acknowledged.values()),
        "lost_rows": sum(len(set(numbers) - events.keys()) for events, numbers in pairs),
        "doubled_rows": sum(count - 1 for events, _ in pairs for count in events.values()),
    }


def write_times(where: str) -> Mapping[str, float]:
    """Seconds that one acknowledged reaction takes: the middle one, and the 95th of a hundred."""
    seconds = []
    with open_store(where) as store:
        for number in range(_N_TIMED):
            start = time.perf_counter()
            write(store, UserId("timed"), number)
            seconds.append((time.perf_counter() - start) / 3)
    seconds.sort()
    return {"write_p50_s": round(seconds[_N_TIMED // 2], 5), "write_p95_s": round(seconds[_N_TIMED * 95 // 100], 5)}


def _writer(where: str, user_id: UserId, first: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.loop_store_writer", where, user_id, str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _kill(writer: subprocess.Popen[str], rng: random.Random) -> int:
    """End `writer` with SIGKILL; the last event it acknowledged."""
    assert writer.stdout is not None
    with writer.stdout as said:
        lines = [said.readline() for _ in range(rng.randint(1, _MOST_EVENTS))]
        # Not always right after an event: also in the middle of the next one.
        time.sleep(rng.random() * 0.02)
        writer.kill()
        lines += said.readlines()
    if writer.wait() != -signal.SIGKILL:
        raise RuntimeError(f"a writer ended by itself, with {writer.returncode}, before it was killed")
    # A line that was cut off was not heard.
    return max(int(line) for line in lines if line.endswith("\n"))


def _kept(store: SQLFeedbackStore, user_id: UserId) -> Iterable[Counter[int]]:
    """How often each event of a writer is there, in each table; of impressions, at each place."""
    shown = store.impressions_of(user_id)
    yield Counter(int(row.item_id) for row in store.for_user(user_id))
    yield Counter(int(row.item_id) for row in store.interactions_of(user_id))
    for place in (1, 2):
        yield Counter(int(row.item_id) for row in shown if row.position == place)


if __name__ == "__main__":
    main()
