"""Does it help to know when somebody asks? NDCG@10 with the weekday and the time of day of the answer, and without.

Run: `python -m benchmarks.context --data DIR [--stage ease] [--weights 0.3,1] [--json]` on validation rows of
MovieLens-100K, or of another data set with times by `--dataset`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.exposure import PLACES, answer_ranks, cut_task, numbers, ranked_lists
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Task
from llmrec.errors import LLMRecError
from llmrec.evaluation.beyond_accuracy import NOBODY
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.metrics import user_metrics
from llmrec.ranking.context import ContextLifts, ContextRanker, context_at
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.types import Candidate, Query

FIELDS: Mapping[str, tuple[str, ...]] = {
    "weekday": ("weekday",),
    "time of day": ("time_of_day",),
    "both": ("weekday", "time_of_day"),
}
WEIGHTS = (0.1, 0.3, 1.0)
_METRIC = f"NDCG@{PLACES}"


@dataclass(frozen=True, slots=True)
class Row:
    """NDCG@10 with some fields at a weight, less without; `gain` is paired by user."""

    fields: str
    weight: float
    ndcg: float
    gain: Estimate


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data set")
    parser.add_argument("--dataset", default="movielens-100k")
    parser.add_argument("--stage", default="ease", help="any retriever that answers users who say nothing")
    parser.add_argument("--weights", type=numbers, default=WEIGHTS, help="values of ranking.context, commas between")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.process_time()
    try:
        subject, task = cut_task(given.dataset, given.data, "validation", given.stage)
        found = gains(task, subject.interactions, ranked_lists(subject, task, given.stage), weights=given.weights)
    except LLMRecError as error:
        sys.exit(str(error))
    if given.json:
        told = {"dataset": given.dataset, "stage": given.stage, "rows": [asdict(row) for row in found]}
        print(json.dumps(told, indent=1))
    for row in () if given.json else found:
        low, high = row.gain.ci95
        print(f"{row.fields:12} {row.weight:4.1f}  {row.ndcg:.4f}  {row.gain.mean:+.4f} [{low:+.4f}, {high:+.4f}]")
    print(f"{time.process_time() - started:.0f} CPU seconds", file=sys.stderr)


def gains(task: Task, every: Interactions, ranked: np.ndarray, *, weights: Sequence[float]) -> Sequence[Row]:
    """A row for each choice of fields and weight.

    Args:
        task: Its answers are judged; their time is all that is known of them beforehand.
        every: Has the time of each answer.
        ranked: int32 [n_users, depth], what is reordered; -1 where a list is shorter.
        weights: Of the lift.
    """
    fit_on = task.fit_on
    lifts = ContextLifts.fit(fit_on.item_ids, fit_on.items, fit_on.at)
    at = {(user, item): at for user, item, at in zip(every.users.tolist(), every.items.tolist(), every.at, strict=True)}
    asked = zip(task.users[task.answers.users].tolist(), task.answers.items.tolist(), strict=True)
    contexts = [context_at(at[pair]) for pair in asked]
    base = _ndcg(ranked[:, :PLACES], task)
    rows = []
    for name, fields in FIELDS.items():
        for weight in weights:
            ranker = ContextRanker(RetrievalOrderRanker(), lifts, weight=weight)
            lists = ranked[:, :PLACES].copy()
            for user, context in zip(task.answers.users.tolist(), contexts, strict=True):
                chosen = {field: context[field] for field in fields}
                lists[user] = _reordered(ranker, Query(context=chosen), ranked[user], fit_on)
            found = _ndcg(lists, task)
            gain = bootstrap_means({0: found - base}, seed=0)[0]
            rows.append(Row(name, weight, float(np.nanmean(found)), gain))
    return rows


def _reordered(ranker: ContextRanker, query: Query, row: np.ndarray, known: Interactions) -> Sequence[int]:
    positions = row[row != NOBODY].tolist()
    candidates = [Candidate(known.item_ids[item], -float(place), "list") for place, item in enumerate(positions)]
    of = dict(zip((candidate.item_id for candidate in candidates), positions, strict=True))
    first = [of[item_id] for item_id in ranker.rank(query, candidates).item_ids[:PLACES]]
    return first + [NOBODY] * (PLACES - len(first))


def _ndcg(lists: np.ndarray, task: Task) -> PerUser:
    return user_metrics(answer_ranks(lists, task), cutoffs=(PLACES,))[_METRIC]


if __name__ == "__main__":
    main()
