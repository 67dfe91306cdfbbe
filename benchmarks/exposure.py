"""What showing more of the catalogue costs: NDCG@10 against coverage@10 and Gini, by how far `ranking.exposure` goes.

Run: `python -m benchmarks.exposure --data DIR [--stage ease] [--part validation] [--limits 0.5,1] [--json]` on
MovieLens-100K, or another data set by `--dataset`. Bonuses are learned from lists, never from answers. The test part
is for one look at the setting that validation chose, which is written down in `results/test_looks.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.side_by_side.bench import BENCHES
from benchmarks.side_by_side.table import RESULTS, note_look
from llmrec.build import Overrides
from llmrec.data.splits import Task
from llmrec.errors import LLMRecError
from llmrec.evaluation.beyond_accuracy import NOBODY, coverage, exposure, gini, tie_keys, top_items
from llmrec.evaluation.estimates import Estimate, bootstrap_means
from llmrec.evaluation.fitting import TaskStages
from llmrec.evaluation.groups import Groups, answer_group_metrics, item_popularity_groups
from llmrec.evaluation.metrics import AnswerRanks, user_metrics
from llmrec.evaluation.subjects import Subject, dataset_subject
from llmrec.ranking.exposure import learn_bonuses, with_exposure
from llmrec.retrieval.scoring import batches
from llmrec.settings import Settings

PLACES, DEPTH = 10, 300
LIMITS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
HYBRID = "models.hybrid_parts=ease,transitions,slit,itemknn"  # without what is trained by gradient
_METRIC = "NDCG@10"
_BATCH = 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One point of the curve.

    Attributes:
        limit: The setting `ranking.exposure`; 0 is the stage as it is.
        ndcg: NDCG@10.
        cost: Its change against limit 0, paired by user.
        relative_cost: The same as a share of NDCG@10 at limit 0, with the interval's ends.
        coverage: Share of the catalogue on anybody's list.
        times_coverage: The same over that at limit 0.
        gini: Inequality of exposure.
        shown: Share of all places that head, middle and tail of popularity get.
        gap: NDCG@10 of answers in the best served part of popularity less that in the worst.
    """

    limit: float
    ndcg: float
    cost: Estimate
    relative_cost: tuple[float, float, float]
    coverage: float
    times_coverage: float
    gini: float
    shown: Mapping[str, float]
    gap: Estimate


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data set")
    parser.add_argument("--dataset", default="movielens-100k")
    parser.add_argument("--stage", default="ease", help="any retriever that answers users who say nothing")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--limits", type=numbers, default=LIMITS, help="values of ranking.exposure, commas between")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = time.process_time()
    try:
        rows = curve(*cut_task(given.dataset, given.data, given.part, given.stage), given.stage, limits=given.limits)
    except LLMRecError as error:
        sys.exit(str(error))
    told = {"dataset": given.dataset, "part": given.part, "stage": given.stage, "rows": [asdict(row) for row in rows]}
    print(json.dumps(told, indent=1) if given.json else _table(rows))
    print(f"{time.process_time() - started:.0f} CPU seconds", file=sys.stderr)


def curve(subject: Subject, task: Task, stage: str, *, limits: Sequence[float]) -> Sequence[Row]:
    """A row for limit 0 and one for each of `limits` above it."""
    ranked = ranked_lists(subject, task, stage)
    n_items = len(task.fit_on.item_ids)
    parts = item_popularity_groups(np.bincount(task.fit_on.items, minlength=n_items).astype(np.float64))
    base = _listed(0.0, ranked[:, :PLACES], task, parts, None)
    rows = [base[0]]
    for limit in sorted({limit for limit in limits if limit > 0}):
        bonuses = learn_bonuses(ranked, n_items, places=PLACES, limit=limit)
        shown = with_exposure(ranked, bonuses, places=PLACES)
        rows.append(_listed(limit, shown, task, parts, base)[0])
    return rows


def numbers(text: str) -> tuple[float, ...]:
    """The numbers of a list with commas."""
    return tuple(map(float, text.split(",")))


def cut_task(dataset: str, data: Path, part: str, stage: str) -> tuple[Subject, Task]:
    """A data set, and the part of it that is asked for; a look at test rows is written down. Raises LLMRecError."""
    settings = Settings().changed(["language_model.model=none", HYBRID])
    overrides = Overrides()
    subject = dataset_subject(dataset, data, core=5, settings=settings, with_texts=True, overrides=overrides)
    [cut] = subject.cut("leave-last-out", ties="file", seeds=[0])
    if part == "test":
        bench = next(
            bench for bench in BENCHES.values() if (bench.dataset, bench.protocol) == (dataset, "leave-last-out")
        )
        note_look(bench, "benchmarks.exposure", [stage], results=RESULTS)
    [task] = cut.test if part == "test" else cut.validation
    return subject, task


def ranked_lists(subject: Subject, task: Task, stage: str) -> NDArray[np.int32]:
    """The best `DEPTH` items of each user by a stage; -1 where there are fewer."""
    scorer = TaskStages(subject.workshop, task, seed=0).fitted(stage).scorer
    keys = tie_keys(subject.workshop.context.catalogue.ids, seed=0)
    found = [
        top_items(scorer.score_histories(histories), histories, DEPTH, keys=keys)
        for _, histories in batches(task.histories, _BATCH)
    ]
    return np.concatenate(found)


def _listed(
    limit: float, lists: NDArray[np.int32], task: Task, parts: Groups, base: tuple[Row, NDArray[np.float64]] | None
) -> tuple[Row, NDArray[np.float64]]:
    """The row of these lists, and NDCG@10 of each user."""
    ranks = answer_ranks(lists, task)
    per_user = user_metrics(ranks, cutoffs=(PLACES,))[_METRIC]
    shown = exposure(lists, len(parts.of))
    before = per_user if base is None else base[1]
    cost = bootstrap_means({0: per_user - before}, seed=0)[0]
    whole = float(np.nanmean(before))
    found = coverage(shown)
    [gap] = answer_group_metrics(parts, ranks, (_METRIC,), seed=0).gaps
    row = Row(
        limit=limit,
        ndcg=float(np.nanmean(per_user)),
        cost=cost,
        relative_cost=(cost.mean / whole, cost.ci95[0] / whole, cost.ci95[1] / whole),
        coverage=found,
        times_coverage=found / (base[0].coverage if base else found),
        gini=gini(shown),
        shown={name: float(shown[parts.of == number].sum() / shown.sum()) for number, name in enumerate(parts.names)},
        gap=gap.estimate,
    )
    return row, per_user


def answer_ranks(lists: NDArray[np.int32], task: Task) -> AnswerRanks:
    """Places of the answers; below all lists is one place, as NDCG@10 does not tell them apart."""
    n_items, answers = len(task.fit_on.item_ids), task.answers
    hits = lists[answers.users] == answers.items[:, None]
    ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, float(n_items))
    return AnswerRanks(
        answers.users,
        answers.items,
        ranks,
        np.ones(len(ranks), dtype=np.int64),
        np.full(len(lists), n_items, dtype=np.int64) - np.count_nonzero(lists == NOBODY, axis=1),
    )


def _table(rows: Sequence[Row]) -> str:
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield "limit  NDCG@10  cost, 95 % interval           coverage@10    Gini   head / middle / tail   gap"
    for row in rows:
        cost, low, high = row.relative_cost
        shown = " / ".join(f"{share:.2f}" for share in row.shown.values())
        yield (
            f"{row.limit:5.2f}  {row.ndcg:.4f}  {cost:+6.2%} [{low:+6.2%}, {high:+6.2%}]     "
            f"{row.coverage:.3f} x{row.times_coverage:.2f}  {row.gini:.3f}  {shown:20}  {row.gap.mean:.4f}"
        )


if __name__ == "__main__":
    main()
