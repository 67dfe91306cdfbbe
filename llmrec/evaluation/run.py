"""Running an evaluation: every stage on every task of every cut, and one record of what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from llmrec.data.splits import Answers, Part, Split, Task
from llmrec.errors import ConfigError
from llmrec.evaluation.beyond_accuracy import Popularity, tie_keys
from llmrec.evaluation.combining import Piece, combined, popularity_of
from llmrec.evaluation.fitting import RunStages, Workshop, reads_text
from llmrec.evaluation.measuring import Ground, measure
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.evaluation.results import ORACLE, Difference, Evaluation, StageResult
from llmrec.evaluation.significance import paired_differences
from llmrec.evaluation.slate_metrics import SLATE_NDCG
from llmrec.evaluation.user_columns import UserTable
from llmrec.evaluation.wording import counted
from llmrec.index import shown_on
from llmrec.types import Vectors

HEADLINES = ("NDCG@10", "R@10")
_PAIRS = (
    ("fused", "fused_without_lm"),
    ("fused", "retrieval"),
    ("fused_without_lm", "retrieval"),
    *(("lm", other) for other in ("random_order", "lm_base", "lm_shuffled_titles", "lm_ids")),
)
"""What a language model has to show: each of these is compared where both are there."""
_BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate.

    Attributes:
        stages: Their names, in the order of the result.
        part: Whose answers are sought.
        seeds: One for each cut; with one cut, of what is trained by chance. What has a closed form runs once a cut.
        limit_users: How many users are tested, drawn by the first seed; None, or as many as there are, for all.
        reference: The stage that others are compared with; the best one when empty.
    """

    stages: tuple[str, ...]
    part: Part = "test"
    seeds: tuple[int, ...] = (0, 1, 2)
    limit_users: int | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        """Raise ConfigError for what cannot be run."""
        if not self.stages or not self.seeds:
            raise ConfigError("an evaluation needs at least one stage and one seed.")
        if self.limit_users is not None and self.limit_users < 1:
            raise ConfigError(f"limit_users is {self.limit_users}; it must be at least 1.")
        if self.reference and self.reference not in self.stages:
            raise ConfigError(f"the reference {self.reference!r} is not among the stages {', '.join(self.stages)}.")


def evaluate(
    splits: Sequence[Split],
    plan: Plan,
    workshop: Workshop,
    *,
    name: str,
    core: int,
    user_table: UserTable | None = None,
    progress: bool = False,
) -> Evaluation:
    """What every stage of `plan` reaches.

    Args:
        splits: One cut, or one for each seed (ties at random).
        plan: What to run.
        workshop: Fits stages; its catalogue is that of the splits.
        name: Of the data, for the record.
        core: Of the filter that the data went through, for the record.
        user_table: What else divides the users into parts, beside their activity.
        progress: Whether to show a bar on a terminal.

    Raises:
        ConfigError: A stage is unknown or cannot be had.
        DataError: A stage cannot be fitted, its scores are not finite, or `user_table` has no tested user.
    """
    workshop.require(plan.stages)
    plan = _without_idle_limit(plan, splits)
    record = ProtocolRecord.of(
        splits, name=name, part=plan.part, core=core, seeds=plan.seeds, limit_users=plan.limit_users
    )
    runs = _runs(splits, plan)
    users = _users(task for run in runs for task in run.tasks)
    known = splits[0].interactions.user_ids
    tested = tuple(known[user] for user in users.tolist())
    parts = user_table.groups(tested) if user_table else ()
    pieces: dict[str, list[Piece]] = {}
    with _bar(runs, plan, workshop, shown=progress) as bar:
        for number, run in enumerate(runs):
            for stage, piece in _pieces(run, plan, workshop, bar):
                pieces.setdefault(stage, []).append(replace(piece, run=number))
    stages = {stage: combined(stage, found, users, parts) for stage, found in pieces.items()}
    return Evaluation(
        protocol=record,
        users=tested,
        stages=stages,
        differences=tuple(differences(stages, plan.reference)),
        popularity=popularity_of([Popularity.of(task.fit_on) for task in runs[0].tasks]),
        notes=(*_notes(plan, n_users=len(users)), *(user_table.remarks(known, tested) if user_table else ())),
    )


def differences(stages: Mapping[str, StageResult], reference: str = "") -> Iterator[Difference]:
    """Every stage minus the reference in the headline metrics, among the same candidates (`@cold`, `@all`).

    Then the pairs that say what a language model is worth, as far as they were not among those.
    """
    for suffix in dict.fromkeys(_suffix(name) for name in stages):
        rivals = {name: _headlines(stage) for name, stage in stages.items() if _suffix(name) == suffix}
        # The ceiling would always be the best.
        best = reference + suffix
        if best not in rivals:
            others = [name for name in rivals if name != ORACLE + suffix] or list(rivals)
            best = max(others, key=lambda name: _headline(rivals[name]))
        pairs = [(name, best) for name in rivals if name != best]
        pairs += [(a + suffix, b + suffix) for a, b in _PAIRS if best not in (a + suffix, b + suffix)]
        for a, b in pairs:
            if a in rivals and b in rivals:
                yield from paired_differences(rivals[a], rivals[b], seed=_BOOTSTRAP_SEED)


def limited(task: Task, users: NDArray[np.int64]) -> Task:
    """The task with only those of its users whose number is among `users`."""
    kept = np.isin(task.users, users)
    answered = kept[task.answers.users]
    rows = (np.cumsum(kept) - 1)[task.answers.users[answered]]
    return replace(
        task,
        users=task.users[kept],
        histories=task.histories.of(np.flatnonzero(kept)),
        answers=Answers(rows.astype(np.int64), task.answers.items[answered]),
    )


@dataclass(frozen=True)
class _Run:
    """One cut and one seed; `is_new_cut` unless an earlier run had the same cut.

    Attributes:
        validation: Of the same cut: what weights of voices are learned from.
    """

    tasks: tuple[Task, ...]
    validation: tuple[Task, ...]
    seed: int
    is_new_cut: bool

    @property
    def n_users(self) -> int:
        return sum(len(task.users) for task in self.tasks)


def _without_idle_limit(plan: Plan, splits: Sequence[Split]) -> Plan:
    """The same; a limit that leaves nobody out is none, as the result is that of all."""
    is_idle = plan.limit_users is not None and plan.limit_users >= len(_users(_tasks(splits[0], plan.part)))
    return replace(plan, limit_users=None) if is_idle else plan


def _tasks(split: Split, part: Part) -> tuple[Task, ...]:
    return split.test if part == "test" else split.validation


def _users(tasks: Iterable[Task]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([task.users for task in tasks]))


def _runs(splits: Sequence[Split], plan: Plan) -> list[_Run]:
    if len(splits) not in {1, len(plan.seeds)}:
        raise ConfigError(f"{len(splits)} cuts do not fit {len(plan.seeds)} seeds; give one, or one for each seed.")
    tested, known = ([_tasks(split, part) for split in splits] for part in (plan.part, "validation"))
    if plan.limit_users is not None:
        chosen = np.random.default_rng(plan.seeds[0]).permutation(_users(tested[0]))[: plan.limit_users]
        tested, known = ([_limited(cut, chosen) for cut in cuts] for cuts in (tested, known))
    if plan.part == "validation":
        known = tested  # the very same tasks, so that what is fitted for one is there for the other
    cuts = list(zip(tested, known, strict=True))
    of_run = cuts if len(cuts) > 1 else cuts * len(plan.seeds)
    return [
        _Run(*cut, seed, len(cuts) > 1 or n == 0) for n, (cut, seed) in enumerate(zip(of_run, plan.seeds, strict=True))
    ]


def _limited(cut: Iterable[Task], users: NDArray[np.int64]) -> tuple[Task, ...]:
    return tuple(task for task in (limited(task, users) for task in cut) if len(task.users))


def _wanted(run: _Run, plan: Plan, workshop: Workshop) -> list[str]:
    """What has a closed form gives the same for the same cut, so only the first run of a cut has it."""
    return [stage for stage in plan.stages if run.is_new_cut or workshop.is_seeded(stage)]


def _pieces(run: _Run, plan: Plan, workshop: Workshop, bar: tqdm) -> Iterator[tuple[str, Piece]]:
    stages = _wanted(run, plan, workshop)
    vectors = _vectors(workshop, plan)
    keys = tie_keys(workshop.context.catalogue.ids, seed=run.seed)
    telling = replace(workshop, context=shown_on(bar, workshop.context))
    shared = RunStages(telling, run.validation, seed=run.seed, tell=bar.set_postfix_str)
    for task in run.tasks if stages else ():
        ground = Ground(task, Popularity.of(task.fit_on), keys, vectors)
        made = shared.of(task)
        for stage in stages:
            bar.set_description(stage)
            fitted = made.fitted(stage)
            found, timing = measure(fitted, ground, advance=bar.update)
            for suffix, measured in found.items():
                yield stage + suffix, Piece(measured, task, fit_s=fitted.seconds, timing=timing)


def _vectors(workshop: Workshop, plan: Plan) -> Vectors | None:
    """The items' vectors for diversity, where they are needed anyway."""
    if not any(reads_text(stage) for stage in plan.stages):
        return None
    return workshop.context.vectors().matrix


def _notes(plan: Plan, *, n_users: int) -> Iterator[str]:
    if plan.limit_users is not None:
        yield f"Tested: {counted(n_users, 'user')}, drawn with seed {plan.seeds[0]}; the intervals are of them."
    if not any(reads_text(stage) for stage in plan.stages):
        yield "Diversity is left out: no stage needed the items' vectors."


def _headlines(stage: StageResult) -> StageResult:
    """Of what users have: the headline metrics, and the first of them where a slate held the answer."""
    wanted = (*HEADLINES, *([SLATE_NDCG] if SLATE_NDCG in stage.per_user else []))
    return replace(stage, per_user={metric: stage.per_user[metric] for metric in wanted})


def _headline(stage: StageResult) -> float:
    values = stage.per_user[HEADLINES[0]]
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("-inf")


def _suffix(name: str) -> str:
    _, at, suffix = name.partition("@")
    return at + suffix


@contextmanager
def _bar(runs: Sequence[_Run], plan: Plan, workshop: Workshop, *, shown: bool) -> Iterator[tqdm]:
    total = sum(run.n_users * len(_wanted(run, plan, workshop)) for run in runs)
    with tqdm(total=total, unit="user", disable=None if shown else True) as bar:
        yield bar
