"""Learning all of it again, and keeping that only where it predicts what came in since better than what serves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llmrec.build import Overrides, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Answers
from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.metrics import AnswerRanks, answer_ranks, answers_of, user_metrics
from llmrec.index import Fitted
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.settings import Settings
from llmrec.types import Histories
from llmrec.updating import ReadNews, relearned, updated

_METRIC, _USERS_AT_ONCE, _SEED = "NDCG@10", 256, 0


@dataclass(frozen=True, slots=True)
class Fresh:
    """What known users did since, to be predicted from what they had done before.

    Attributes:
        histories: Of the users who did something new.
        answers: Items they had not met before.
    """

    histories: Histories
    answers: Answers

    @classmethod
    def of(cls, fitted: Fitted, news: ReadNews) -> Fresh:
        """From interactions that came in, of items that `fitted` has."""
        known = fitted.interactions
        numbers = {user_id: number for number, user_id in enumerate(known.user_ids)}
        of_added = np.array([numbers.get(user_id, -1) for user_id in news.added.user_ids], dtype=np.int64)
        users, items = of_added[news.added.users], news.added.items
        usable = (users >= 0) & (items < len(fitted.catalogue)) & ~_met_before(known, users, items)
        pairs = np.unique(np.stack([users[usable], items[usable]], axis=1), axis=0)
        asked, rows = np.unique(pairs[:, 0], return_inverse=True)
        return cls(known.histories(asked), Answers(rows.astype(np.int64), pairs[:, 1].astype(np.int32)))

    def ndcg(self, scorer: HistoryScorer) -> PerUser:
        """NDCG@10 of each user among all items they had not met, float64 [n_users]."""
        found = [
            answer_ranks(scorer.score_histories(histories), histories, answers_of(self.answers, users))
            for users, histories in batches(self.histories, _USERS_AT_ONCE)
        ]
        return user_metrics(AnswerRanks.joined(found))[_METRIC]


def retrained(fitted: Fitted, news: ReadNews, *, settings: Settings, overrides: Overrides) -> Fitted:
    """`fitted` with `news`, all learned again with `settings` if that gains, else updated.

    A challenger learns from all that was known before the news; both predict what the news say users did next, and
    the challenger is promoted when the 95 % interval of its gain in NDCG@10 is above 0.

    Raises:
        ConfigError: No known user did anything new.
        LLMRecError: As `updated` does.
    """
    fresh = Fresh.of(fitted, news)
    if not len(fresh.histories):
        raise ConfigError(
            "no user who was known before did anything new, so nothing says whether learning again gains.",
            hint="Leave out --retrain, or give --interactions of known users.",
        )
    challenger = fit_tables(
        fitted.catalogue, fitted.interactions, settings=settings, name=fitted.name, overrides=overrides
    )
    ours, theirs = (fresh.ndcg(_leading(each)) for each in (fitted, challenger))
    means = bootstrap_means({"served": ours, "learned again": theirs, "gain": theirs - ours}, seed=_SEED)
    is_better = bool(means["gain"].ci95[0] > 0)
    if is_better:
        chosen = relearned(replace(fitted, settings=settings), news, overrides=overrides)
    else:
        chosen = updated(fitted, news, overrides=overrides)
    verdict = _verdict(means["served"], means["learned again"], means["gain"], n_users=len(ours), is_better=is_better)
    return replace(chosen, notes=(*chosen.notes, verdict))


def _met_before(known: Interactions, users: NDArray[np.int64], items: NDArray[np.int32]) -> NDArray[np.bool_]:
    n_items = len(known.item_ids)
    return np.isin(users * n_items + items, known.users.astype(np.int64) * n_items + known.items)


def _leading(fitted: Fitted) -> HistoryScorer:
    """The retriever whose candidates count most."""
    weights = fitted.settings.retrieval.weights
    return fitted.retrievers[max(fitted.retrievers, key=lambda name: (weights.get(name, 0.0), name == "hybrid"))]


def _verdict(served: Estimate, again: Estimate, gain: Estimate, *, n_users: int, is_better: bool) -> str:
    low, high = gain.ci95
    return (
        f"{_METRIC} on what {n_users} users did since: {served.mean:.4f} as served, {again.mean:.4f} learned again, a "
        f"gain of {gain.mean:+.4f} (95 % {low:+.4f} to {high:+.4f}): "
        f"{'promoted' if is_better else 'not promoted, updated instead'}."
    )
