"""One fitted stage on one task: scores in batches, and from them ranks, lists and the seconds they took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmrec.data.splits import Task
from llmrec.evaluation.beyond_accuracy import Popularity, TieKeys, TopItems, list_metrics, top_items
from llmrec.evaluation.calibration import calibration
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.fused_stages import ModelScorer, ModelVoice
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks, answer_ranks, answers_of, user_metrics
from llmrec.evaluation.results import ReliabilityBin
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.types import Histories, ItemMask, Vectors

_BATCH_BYTES = 1 << 28
_BYTES_PER_SCORE = 16
_CEILING = 100
_N_TIMED, _TIMED_S = 50, 5.0


@dataclass(frozen=True)
class Ground:
    """What every stage of a task is measured against.

    Attributes:
        keys: Order of equals in lists; see `tie_keys`.
        vectors: float32 [n_items, dim] of the items' texts, for diversity; None leaves it out.
    """

    task: Task
    popularity: Popularity
    keys: TieKeys
    vectors: Vectors | None

    @property
    def candidates(self) -> Mapping[str, ItemMask | None]:
        """What is ranked, by the suffix that the stage's name gets for it."""
        if self.task.cold is None:
            return {"": None}
        return {"@cold": self.task.cold, "@all": None}


@dataclass(frozen=True)
class Measured:
    """What came of one stage, one task and one set of candidates.

    Attributes:
        users: int64 [n_tested], user numbers.
        per_user: By metric, float64 [n_tested].
        overall: What calibration says of all users together.
        lists: The first of each user.
        reliability: How often labels were right by how sure the model was; empty without probabilities.
    """

    users: NDArray[np.int64]
    ranks: AnswerRanks
    per_user: Mapping[str, PerUser]
    overall: Mapping[str, float]
    lists: TopItems
    reliability: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True)
class Timing:
    """Seconds of scoring all users in batches, and of some users alone, float64 [n]."""

    score_s: float
    alone_s: NDArray[np.float64]


def measure(
    scorer: HistoryScorer, ground: Ground, *, advance: Callable[[int], None], batch_bytes: int = _BATCH_BYTES
) -> tuple[Mapping[str, Measured], Timing]:
    """Score every history and measure each set of candidates; never more than a batch of scores is in memory.

    Args:
        scorer: The stage; it sees histories only.
        ground: Task and what lists are measured with.
        advance: Told of each number of users that are done.
        batch_bytes: Memory for the scores of a batch and what is computed beside them.
    """
    task, spent = ground.task, 0.0
    alone_s = _alone(scorer, task.histories)
    ranks: dict[str, list[AnswerRanks]] = {suffix: [] for suffix in ground.candidates}
    lists: dict[str, list[TopItems]] = {suffix: [] for suffix in ground.candidates}
    bytes_per_user = _BYTES_PER_SCORE * len(task.fit_on.item_ids)
    for users, histories in batches(task.histories, max(1, batch_bytes // bytes_per_user)):
        timed = _Stopwatch(scorer)
        scores = scorer.score_histories(histories)
        spent += timed.seconds
        answers = answers_of(task.answers, users)
        for suffix, candidates in ground.candidates.items():
            ranks[suffix].append(answer_ranks(scores, histories, answers, candidates=candidates))
            lists[suffix].append(top_items(scores, histories, max(CUTOFFS), keys=ground.keys, candidates=candidates))
        advance(len(histories))
    calibrated = _calibrated(scorer, task)
    found = {
        suffix: _measured(ground, AnswerRanks.joined(ranks[suffix]), np.concatenate(lists[suffix]), calibrated)
        for suffix in ground.candidates
    }
    return found, Timing(spent, alone_s)


@dataclass(frozen=True)
class _Calibrated:
    """What is known of a stage's probabilities; nothing where it gives none."""

    per_user: Mapping[str, PerUser] = field(default_factory=dict)
    overall: Mapping[str, float] = field(default_factory=dict)
    reliability: tuple[ReliabilityBin, ...] = ()


def _measured(ground: Ground, ranks: AnswerRanks, lists: TopItems, calibrated: _Calibrated) -> Measured:
    task = ground.task
    accuracy = dict(user_metrics(ranks))
    # How many answers a longer list of candidates would hold: the ceiling of whatever orders it.
    accuracy[f"R@{_CEILING}"] = user_metrics(ranks, cutoffs=(_CEILING,))[f"R@{_CEILING}"]
    beside = list_metrics(lists, task.histories, ground.popularity, vectors=ground.vectors)
    per_user = {**accuracy, **beside.per_user, **calibrated.per_user}
    return Measured(task.users, ranks, per_user, calibrated.overall, lists, calibrated.reliability)


class _Stopwatch:
    """Seconds since it was made, with those that remembered answers of a language model had taken."""

    def __init__(self, scorer: HistoryScorer) -> None:
        self._voice = scorer.voice if isinstance(scorer, ModelScorer) else None
        self._saved_s = self._voice.saved_s if self._voice else 0.0
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        saved_s = self._voice.saved_s - self._saved_s if self._voice else 0.0
        return time.perf_counter() - self._started + saved_s


def _alone(scorer: HistoryScorer, histories: Histories) -> NDArray[np.float64]:
    """Seconds of scoring single users, evenly spread over all."""
    chosen = np.unique(np.linspace(0, len(histories) - 1, min(_N_TIMED, len(histories))).astype(np.int64))
    found: list[float] = []
    for user in chosen.tolist():
        one = histories.of(slice(user, user + 1))
        timed = _Stopwatch(scorer)
        scorer.score_histories(one)
        found.append(timed.seconds)
        if sum(found) > _TIMED_S:
            break
    return np.array(found)


def _calibrated(scorer: HistoryScorer, task: Task) -> _Calibrated:
    """Brier score, NLL and order flips by user, ECE and reliability of all, where a language model gives probabilities.

    Only users with exactly one answer on the slate: for the others no label is right.
    """
    if not isinstance(scorer, ModelScorer) or not scorer.is_model_alone:
        return _Calibrated()
    rows, chances, right = _label_beliefs(scorer.voice, task)
    if not rows:
        return _Calibrated()
    found = calibration(np.array(chances), np.array(right))
    per_user: dict[str, PerUser] = dict(_order_flips(scorer.voice, task))
    for metric, values in found.per_user.items():
        per_user[metric] = np.full(len(task.users), np.nan)
        per_user[metric][rows] = values
    return _Calibrated(per_user, {"ECE": found.ece}, found.bins)


def _order_flips(voice: ModelVoice, task: Task) -> Mapping[str, PerUser]:
    """Nothing where the model is shown every slate in one order only."""
    rates = np.full(len(task.users), np.nan)
    for user, report in voice.reports(task.histories):
        rates[user] = report.order_flip_rate
    return {} if np.isnan(rates).all() else {"order_flips": rates}


def _label_beliefs(voice: ModelVoice, task: Task) -> tuple[list[int], list[Sequence[float]], list[int]]:
    starts = np.searchsorted(task.answers.users, np.arange(len(task.users) + 1))
    rows: list[int] = []
    chances: list[Sequence[float]] = []
    right: list[int] = []
    for user, belief in voice.beliefs(task.histories):
        sought = {voice.item_ids[item] for item in task.answers.items[starts[user] : starts[user + 1]]}
        places = [place for place, item_id in enumerate(belief) if item_id in sought]
        # Rows of different length have no common table; a slate is shorter only where the catalogue is.
        if len(places) == 1 and len(belief) == len(next(iter(chances), list(belief))):
            rows.append(user)
            chances.append(list(belief.values()))
            right.append(places[0])
    return rows, chances, right
