"""One fitted stage on one task: scores in batches, and from them ranks, lists and the seconds they took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmrec.data.splits import Task
from llmrec.evaluation.beyond_accuracy import Popularity, TieKeys, TopItems, list_metrics, top_items
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.fitting import FittedStage
from llmrec.evaluation.fused_stages import CrossFittedRanker, SlateScorer
from llmrec.evaluation.fusion_fitting import WITHOUT_LM
from llmrec.evaluation.label_beliefs import label_beliefs
from llmrec.evaluation.metrics import CUTOFFS, AnswerRanks, answer_ranks, answers_of, user_metrics
from llmrec.evaluation.results import SPREAD, TEMPERATURE, WEIGHT, ReliabilityBin
from llmrec.evaluation.slate_metrics import first_wherever, slate_metrics
from llmrec.ranking.fusion_model import FEATURES, LM
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
    stage: FittedStage, ground: Ground, *, advance: Callable[[int], None], batch_bytes: int = _BATCH_BYTES
) -> tuple[Mapping[str, Measured], Timing]:
    """Score every history and measure each set of candidates; never more than a batch of scores is in memory.

    Args:
        stage: Its scorer sees histories only.
        ground: Task and what lists are measured with.
        advance: Told of each number of users that are done.
        batch_bytes: Memory for the scores of a batch and what is computed beside them.
    """
    scorer, task, spent = stage.scorer, ground.task, 0.0
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
    beside = _of_the_model(scorer, task)
    joined = {suffix: AnswerRanks.joined(found) for suffix, found in ranks.items()}
    slate = _on_slate(joined, ground, stage)
    found = {
        suffix: _measured(ground, joined[suffix], np.concatenate(lists[suffix]), beside, slate)
        for suffix in ground.candidates
    }
    return found, Timing(spent, alone_s)


@dataclass(frozen=True)
class _OfTheModel:
    """What is known of a language model's answers where it orders the slate alone, or of voices' weights."""

    per_user: Mapping[str, PerUser] = field(default_factory=dict)
    overall: Mapping[str, float] = field(default_factory=dict)
    reliability: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True)
class _OnSlate:
    """Which answers were among the candidates that the stage ordered, bool [n]; `is_ceiling` puts those first."""

    held: NDArray[np.bool_]
    is_ceiling: bool


def _on_slate(ranks: Mapping[str, AnswerRanks], ground: Ground, stage: FittedStage) -> _OnSlate | None:
    """From ranks among all items: the slate stands above everything else. None for a stage that has none."""
    if stage.slate_size is None:
        return None
    [everything] = [ranks[suffix] for suffix, candidates in ground.candidates.items() if candidates is None]
    return _OnSlate(everything.ranks <= stage.slate_size, stage.is_ceiling)


def _measured(
    ground: Ground, ranks: AnswerRanks, lists: TopItems, model: _OfTheModel, slate: _OnSlate | None
) -> Measured:
    task = ground.task
    if slate is not None and slate.is_ceiling:
        ranks = first_wherever(ranks, slate.held)
    accuracy = dict(user_metrics(ranks))
    # How many answers a longer list of candidates would hold: the ceiling of whatever orders it.
    accuracy[f"R@{_CEILING}"] = user_metrics(ranks, cutoffs=(_CEILING,))[f"R@{_CEILING}"]
    if slate is not None:
        accuracy |= slate_metrics(ranks, slate.held, accuracy["NDCG@10"])
    beside = list_metrics(lists, task.histories, ground.popularity, vectors=ground.vectors)
    per_user = {**accuracy, **beside.per_user, **model.per_user}
    return Measured(task.users, ranks, per_user, model.overall, lists, model.reliability)


class _Stopwatch:
    """Seconds since it was made, with those that remembered answers of a language model had taken."""

    def __init__(self, scorer: HistoryScorer) -> None:
        self._heard = scorer.heard if isinstance(scorer, SlateScorer) else None
        self._owed_s = self._heard.owed_s if self._heard else 0.0
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        owed_s = self._heard.owed_s - self._owed_s if self._heard else 0.0
        return time.perf_counter() - self._started + owed_s


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


def _of_the_model(scorer: HistoryScorer, task: Task) -> _OfTheModel:
    """Who was answered, order flips where a slate was shown twice, and how far the model's beliefs can be trusted."""
    if not isinstance(scorer, SlateScorer):
        return _OfTheModel()
    if isinstance(scorer.ranker, CrossFittedRanker):
        return _OfTheModel(overall=_worth(scorer.ranker, FEATURES if scorer.heard else WITHOUT_LM))
    if not scorer.is_model_alone:
        return _OfTheModel()
    reports = list(scorer.reports(task.histories))
    per_user: dict[str, PerUser] = {"answered": np.array([float(bool(said.lm_scores)) for _, said in reports])}
    flips = np.array([said.order_flip_rate for _, said in reports])
    if not np.isnan(flips).all():
        per_user["order_flips"] = flips
    beliefs = label_beliefs(reports, task, scorer.slates.item_ids)
    plain = beliefs.calibrated()
    if plain is None:
        return _OfTheModel(per_user)
    per_user |= plain.per_user
    overall = {"ECE": plain.ece}
    if scorer.beliefs is not None:
        temperatures = np.array([scorer.beliefs.model_for(query).temperature for query, _ in reports])
        overall[TEMPERATURE] = float(temperatures.mean())
        if (scaled := beliefs.calibrated(temperatures)) is not None:
            per_user |= {f"{metric}|T": values for metric, values in scaled.per_user.items()}
            overall["ECE|T"] = scaled.ece
    return _OfTheModel(per_user, overall, plain.bins)


def _worth(ranker: CrossFittedRanker, features: Sequence[str]) -> Mapping[str, float]:
    """What was learned from all validation users together."""
    fusion = ranker.fusions.of_all
    weights = {f"{WEIGHT}{name}": fusion.weights.get(name, 0.0) for name in features}
    weights |= {f"{SPREAD}{name}": spread for name, spread in fusion.scale.spreads.items() if name in features}
    return weights | ({TEMPERATURE: fusion.temperature} if LM in features else {})
