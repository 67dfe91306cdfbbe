"""Whether a recommender learns from what happens: what an update costs and loses, and how soon an interaction counts.

Run: `python -m benchmarks.loop --data DIR [--dataset NAME] [--json]`, some minutes of one core. Each row of the table
is a function from `Ground` to figures; `ROWS` lists them, and another row is another function in it.

Learned from all but each user's last ten interactions, of users and items with five, and of users with twenty; the
newest 1 % of that comes in as new. NDCG@10 is of those ten, among all items the user had not met, by the hybrid.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import loop_experiments
from benchmarks.loop_next_request import moved_by_one
from benchmarks.loop_store import kill_writers
from benchmarks.provenance import commit, machine, median_ci95
from llmrec.build import Overrides, encoder_of, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Answers, prepared
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.index import Fitted, load, save
from llmrec.retraining import Fresh
from llmrec.settings import Settings
from llmrec.updating import ReadNews, require_sound, updated

Figures = Mapping[str, object]
_N_ASKED_FOR, _N_USERS, _N_TIMED = 10, 200, 9
_N_KILLS, _N_EXPERIMENTS = 200, 1_000


@dataclass(frozen=True)
class Ground:
    """What every row is measured on.

    Attributes:
        asked: What is to be predicted, and from what.
        before: What was learned from all but the news.
        rebuilt: What was learned from all.
        rebuilt_s: CPU seconds of that, the encoding of the items and writing included; the quicker of both.
        added: The news.
        overrides: Models.
        place: An empty directory.
        seed: Of what is drawn.
    """

    asked: Fresh
    before: Fitted
    rebuilt: Fitted
    rebuilt_s: float
    added: Interactions
    overrides: Overrides
    place: Path
    seed: int

    @classmethod
    def of(cls, data: Path, dataset: str, *, seed: int, share: float) -> Ground:
        """Read `dataset`, cut it, and learn twice: from all but the newest `share`, and from all."""
        read = read_dataset(dataset, data)
        kept = prepared(read.catalogue, read.interactions, core=dataset_info(dataset).core)
        place, overrides = Path(tempfile.mkdtemp(prefix="llmrec-loop-")), Overrides()
        overrides = replace(overrides, encoder=encoder_of(Settings(), overrides, fetch=True))
        known, asked = last_ones(kept.interactions, _N_ASKED_FOR)
        is_new = newest(known, share)
        found, seconds = list[Fitted](), list[float]()
        for met in (known.where(~is_new), known):
            started = time.process_time()
            found.append(fit_tables(kept.catalogue, met, settings=Settings(), name=dataset, overrides=overrides))
            save(found[-1], place / "built")
            seconds.append(time.process_time() - started)
        before, rebuilt = found
        return cls(asked, before, rebuilt, min(seconds), known.where(is_new), overrides, place, seed)


def last_ones(interactions: Interactions, n: int) -> tuple[Interactions, Fresh]:
    """All but the last `n` interactions of each user who has twice as many, and those to be predicted."""
    has_enough = np.bincount(interactions.users)[interactions.users] >= 2 * n
    is_asked = has_enough & (interactions.histories().ages < n)
    known = interactions.where(~is_asked)
    users, rows = np.unique(interactions.users[is_asked], return_inverse=True)
    return known, Fresh(known.histories(users), Answers(rows.astype(np.int64), interactions.items[is_asked]))


def newest(interactions: Interactions, share: float) -> NDArray[np.bool_]:
    """The newest `share` of all interactions, bool [n]; at one moment, the last of a user's first."""
    order = np.lexsort((interactions.histories().ages * -1, interactions.at))
    chosen = np.zeros(len(interactions), dtype=np.bool_)
    chosen[order[len(order) - round(share * len(order)) :]] = True
    return chosen


def incremental_update(ground: Ground) -> Figures:
    """Seconds and NDCG@10 of taking the news in, against learning all again and against not taking them in."""
    taken_in, seconds = ground.before, list[float]()
    for _ in range(_N_TIMED):
        save(ground.before, ground.place / "served")
        started = time.process_time()
        served = load(ground.place / "served")
        known = served.interactions.joined(ground.added, served.catalogue)
        taken_in = updated(served, ReadNews(served.catalogue, ground.added, known, ()), overrides=ground.overrides)
        save(taken_in, ground.place / "served", check=require_sound)
        seconds.append(time.process_time() - started)
    rebuilt, after, before = (
        ground.asked.ndcg(fitted.retrievers["hybrid"]) for fitted in (ground.rebuilt, taken_in, ground.before)
    )
    means = bootstrap_means(
        {"rebuilt": rebuilt, "updated": after, "not updated": before, "lost": rebuilt - after}, seed=ground.seed
    )
    return {
        "new interactions": len(ground.added),
        "users who did them": len(np.unique(ground.added.users)),
        "rebuild, CPU seconds": round(ground.rebuilt_s, 2),
        "update, CPU seconds": median_ci95(seconds, seed=ground.seed),
        "times as fast": median_ci95([ground.rebuilt_s / each for each in seconds], seed=ground.seed),
        **{f"NDCG@10 {name}": rounded(means[name]) for name in ("rebuilt", "updated", "not updated")},
        "NDCG@10 lost, %": relative(rebuilt, after, seed=ground.seed),
    }


def next_request(ground: Ground) -> Figures:
    """How far one interaction moves scores in the next request; see `loop_next_request`."""
    values = moved_by_one(ground.rebuilt, n_users=_N_USERS, seed=ground.seed)
    means = bootstrap_means(values, seed=ground.seed)
    return {"users": len(values["related changed"]), **{name: rounded(mean) for name, mean in means.items()}}


def relative(rebuilt: PerUser, after: PerUser, *, seed: int) -> Figures:
    """Share of the rebuilt mean that is lost, in per cent, with its interval."""
    lost = bootstrap_means({"lost": (rebuilt - after) / float(np.nanmean(rebuilt)) * 100}, seed=seed)["lost"]
    return rounded(lost, 2)


def rounded(estimate: Estimate, digits: int = 4) -> Figures:
    """A mean and its 95 % interval as JSON."""
    return {"mean": round(estimate.mean, digits), "ci95": [round(bound, digits) for bound in estimate.ci95]}


def killed_writers(ground: Ground) -> Figures:
    """What 200 writers of feedback that were killed had been told was kept, and what was; see `loop_store`."""
    return kill_writers(str(ground.place / "feedback.sqlite3"), _N_KILLS, random.Random(ground.seed))


def simulated_experiments(ground: Ground) -> Figures:
    """How often intervals of simulated experiments hold what they should; see `loop_experiments`."""
    found = loop_experiments.rows(_N_EXPERIMENTS, seed=ground.seed)
    return {row.what: f"{row.value:.1%}, to be in {row.low:.0%} to {row.high:.0%}" for row in found}


ROWS: Sequence[Callable[[Ground], Figures]] = (
    incremental_update,
    next_request,
    killed_writers,
    simulated_experiments,
)


def measure(data: Path, dataset: str, *, seed: int, share: float) -> Figures:
    """All rows, and what they were measured on and by."""
    ground = Ground.of(data, dataset, seed=seed, share=share)
    try:
        return {
            "commit": commit(),
            "machine": machine(),
            "data": {"name": dataset, "interactions sha256": ground.rebuilt.interactions.content_hash},
            "seed": seed,
            "share that is new": share,
            **{row.__name__.replace("_", " "): row(ground) for row in ROWS},
        }
    finally:
        shutil.rmtree(ground.place)


def _lines(report: Figures, depth: int = 0) -> Iterator[str]:
    for name, value in report.items():
        if isinstance(value, Mapping) and "ci95" in value:
            low, high = value["ci95"]
            yield f"{'  ' * depth}{name:46} {value.get('mean', value.get('median')):.4f} ({low:.4f} to {high:.4f})"
        elif isinstance(value, Mapping):
            yield f"{'  ' * depth}{name}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name:46} {value}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets")
    parser.add_argument("--dataset", default="movielens-100k", help="one with clock times")
    parser.add_argument("--share", type=float, default=0.01, help="of the interactions that come in as new")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(arguments.data, arguments.dataset, seed=arguments.seed, share=arguments.share)
    print(json.dumps(report) if arguments.json else "\n".join(_lines(report)))


if __name__ == "__main__":
    main()
