"""What passes between the driver and a peer's own process: plain arrays in files. NumPy only, nothing of llmrec.

A peer gets the interactions to fit on, the texts of the items and the users to rank for. It never gets an answer:
there is no field for one, and the files that it is given hold none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TASK_FILE = "task.npz"
TEXT_FILE = "items.jsonl"


@dataclass(frozen=True)
class PeerTask:
    """What a peer may know.

    Attributes:
        users: int32 [n], 0 to n_users - 1, non-decreasing; a user's rows are oldest first.
        items: int32 [n], 0 to n_items - 1; the numbers are shuffled, so that none tells when or by whom it was met.
        values: float32 [n], strength (ratings where there are some, else 1).
        n_users: Number of users.
        n_items: Number of items; all of them may be recommended.
        tested: int32 [n_tested], users to rank for; what they met is in the rows above and never recommended.
        texts: One text per item, the same as our own text models read; empty unless asked for.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    n_users: int
    n_items: int
    tested: NDArray[np.int32]
    texts: tuple[str, ...] = ()

    @property
    def starts(self) -> NDArray[np.int64]:
        """First row of each user, int64 [n_users + 1]."""
        return np.searchsorted(self.users, np.arange(self.n_users + 1)).astype(np.int64)

    @property
    def places(self) -> NDArray[np.int64]:
        """Place of each row in its user's history, int64 [n]; the oldest is 0."""
        return np.arange(len(self.users)) - self.starts[self.users]


Recommend = Callable[[NDArray[np.int32], int], NDArray[np.int32]]
Fit = Callable[[PeerTask, Mapping[str, Any], int], Recommend]


def write_task(task: PeerTask, directory: Path) -> str:
    """Write `task` to `directory`; the sha256 of what was written."""
    directory.mkdir(parents=True, exist_ok=True)
    columns = {"users": task.users, "items": task.items, "values": task.values, "tested": task.tested}
    with (directory / TEXT_FILE).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"item": n, "text": text}) + "\n" for n, text in enumerate(task.texts))
    np.savez(directory / TASK_FILE, n_users=task.n_users, n_items=task.n_items, **columns)
    digest = hashlib.sha256((directory / TEXT_FILE).read_bytes())
    for column in columns.values():
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def read_task(directory: Path) -> PeerTask:
    """What `write_task` wrote."""
    with np.load(directory / TASK_FILE, allow_pickle=False) as file:
        columns = {name: file[name] for name in ("users", "items", "values", "tested")}
        sizes = {name: int(file[name]) for name in ("n_users", "n_items")}
    with (directory / TEXT_FILE).open(encoding="utf-8") as lines:
        texts = tuple(json.loads(line)["text"] for line in lines)
    return PeerTask(**columns, **sizes, texts=texts)


def n_threads() -> int:
    """How many threads the driver allows, for libraries that would take every core."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def best_unseen(
    task: PeerTask, users: NDArray[np.int32], top: int, score: Callable[[int], NDArray[np.floating]]
) -> NDArray[np.int32]:
    """int32 [n, top]: for each of `users` the best items by `score(user)`, [n_items], without what the user met."""
    starts, ranked = task.starts, np.full((len(users), top), -1, dtype=np.int32)
    for row, user in enumerate(users):
        scores = np.array(score(int(user)), dtype=np.float64)
        scores[task.items[starts[user] : starts[user + 1]]] = -np.inf
        best = np.argpartition(-scores, min(top, task.n_items) - 1)[:top]
        best = best[np.argsort(-scores[best], kind="stable")]
        best = best[np.isfinite(scores[best])]
        ranked[row, : len(best)] = best
    return ranked


def main(fits: Mapping[str, Fit], *, packages: Sequence[str]) -> None:
    """Command line of a peer: fit one model, write `rankings` int32 [n_tested, top], -1 where nothing is left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="a directory that `write_task` wrote")
    parser.add_argument("--model", choices=sorted(fits), required=True)
    parser.add_argument("--params", type=json.loads, default={}, help="hyper-parameters as a JSON object")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--top", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    task = read_task(arguments.data)
    started = time.perf_counter()
    recommend = fits[arguments.model](task, arguments.params, arguments.seed)
    fitted = time.perf_counter()
    rankings = recommend(task.tested, arguments.top).astype(np.int32)
    about = {
        "fit_s": round(fitted - started, 3),
        "rank_s": round(time.perf_counter() - fitted, 3),
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "versions": {name: version(name) for name in packages},
    }
    np.savez_compressed(arguments.out, rankings=rankings, about=np.array(json.dumps(about)))
