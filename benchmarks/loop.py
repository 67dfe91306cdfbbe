"""Whether a recommender learns from what happens: what an update costs and loses, and how soon an interaction counts.

Run: `python -m benchmarks.loop --data DIR [--dataset NAME] [--json]`, some minutes of one core. Each row of the table
is a function from `Ground` to figures; `ROWS` lists them, and another row is another function in it.

Learned from all but each user's last interaction, of users and items with five; the newest 1 % of that comes in as
new. NDCG@10 is of all users' last interactions, among all items they had not met, by the hybrid retriever.
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
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import loop_experiments
from benchmarks.loop_store import kill_writers
from benchmarks.provenance import commit, machine, median_ci95
from llmrec.build import Overrides, encoder_of, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.data.sources import dataset_info, read_dataset
from llmrec.data.splits import Task, prepared, split
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.index import Fitted, load, save
from llmrec.retraining import Fresh
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.retrieval.item_weights import met_table
from llmrec.settings import Settings
from llmrec.types import Histories, History, Interaction, Query
from llmrec.updating import ReadNews, require_sound, updated

Figures = Mapping[str, object]
_N_ASKED, _N_TIMED = 200, 5
_N_KILLS, _N_EXPERIMENTS = 200, 1_000


@dataclass(frozen=True)
class Ground:
    """What every row is measured on.

    Attributes:
        task: Learn from `fit_on`, then predict `answers`.
        before: What was learned from all but the news.
        rebuilt: What was learned from all.
        rebuilt_s: CPU seconds of that, the encoding of the items and writing included.
        added: The news.
        overrides: Models, with no item encoded yet.
        place: An empty directory.
        seed: Of what is drawn.
    """

    task: Task
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
        task = split(kept.interactions, protocol="leave-last-out", seed=seed, has_time=read.has_time).test[0]
        place = Path(tempfile.mkdtemp(prefix="llmrec-loop-"))
        overrides = Overrides(work_directory=place / "encoded")
        overrides = replace(overrides, encoder=encoder_of(Settings(), overrides, fetch=True))
        is_new = newest(task.fit_on, share)
        started = time.process_time()
        rebuilt = fit_tables(kept.catalogue, task.fit_on, settings=Settings(), name=dataset, overrides=overrides)
        save(rebuilt, place / "rebuilt")
        rebuilt_s = time.process_time() - started
        before = task.fit_on.where(~is_new)
        fitted = fit_tables(kept.catalogue, before, settings=Settings(), name=dataset, overrides=overrides)
        return cls(task, fitted, rebuilt, rebuilt_s, task.fit_on.where(is_new), overrides, place, seed)


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
    asked = Fresh(ground.task.histories, ground.task.answers)
    rebuilt, after, before = (
        asked.ndcg(fitted.retrievers["hybrid"]) for fitted in (ground.rebuilt, taken_in, ground.before)
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
    """How far one interaction moves scores in the next request: of a related item, of an unrelated one, of other users.

    Some users, drawn by seed, meet an item they had not met, drawn from all interactions. Related is what most shares
    users with it, unrelated is one that shares none. Scores are the hybrid's. A change is given in spreads of the
    user's scores; `adds` is what the interaction itself adds to the score, the rest being that older items count less.
    """
    hybrid = ground.rebuilt.retrievers["hybrid"]
    assert isinstance(hybrid, HybridRetriever)
    rng, met = np.random.default_rng(ground.seed), ground.rebuilt.interactions
    together = met_table(met).T @ met_table(met)
    found: dict[str, list[float]] = {}
    for user, other in pairwise(rng.permutation(len(met.user_ids))[: _N_ASKED + 1].tolist()):
        histories = met.histories(np.array([user, other]))
        unmet = np.setdiff1d(np.arange(len(met.item_ids)), histories.items)
        item = int(rng.choice(met.items[np.isin(met.items, unmet)]))
        shared = together[[item]].toarray()[0]
        strangers = unmet[shared[unmet] == 0]
        if not len(strangers):
            continue
        related = int(max(unmet[unmet != item], key=lambda each: shared[each]))
        before, after = (hybrid.score_histories(each) for each in (histories, _met_too(histories, item)))
        known = met.history(met.user_ids[user])
        asked = Query(history=History((*known.interactions, Interaction(met.user_ids[user], met.item_ids[item]))))
        figures = {"change of another user": float(np.abs(after[1] - before[1]).max())}
        for name, place in (("related", related), ("unrelated", int(rng.choice(strangers)))):
            adds = hybrid.explain(asked, met.item_ids[place]).items.get(met.item_ids[item], 0.0)
            figures[f"adds to {name}"] = adds / float(after[0].std())
            figures[f"change of {name}"] = float(after[0, place] - before[0, place]) / float(before[0].std())
        for name, value in figures.items():
            found.setdefault(name, []).append(value)
    values = {name: np.array(each) for name, each in found.items()}
    values["related changed"] = (values["change of related"] != 0).astype(np.float64)
    values["|change of unrelated|"] = np.abs(values["change of unrelated"])
    means = bootstrap_means(values, seed=ground.seed)
    return {"users": len(values["related changed"]), **{name: rounded(means[name]) for name in sorted(means)}}


def _met_too(histories: Histories, item: int) -> Histories:
    """The same histories, and the first user has met `item` at last."""
    place = int(histories.starts[1])
    starts = histories.starts + (np.arange(len(histories.starts)) > 0)
    return Histories(
        starts,
        np.insert(histories.items, place, item).astype(np.int32),
        np.insert(histories.values, place, 1.0).astype(np.float32),
        np.insert(histories.at, place, np.nan).astype(np.float64),
    )


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
            yield f"{'  ' * depth}{name:28} {value.get('mean', value.get('median')):.4f} ({low:.4f} to {high:.4f})"
        elif isinstance(value, Mapping):
            yield f"{'  ' * depth}{name}"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{name:28} {value}"


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
