"""Learning all of it again, and keeping that only where it predicts what came in since better than what serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmrec.build import Overrides, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Answers, Task
from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.fused_stages import CrossFittedRanker, Slates, SlateScorer
from llmrec.evaluation.fusion_fitting import CrossFitted, FusionFit
from llmrec.evaluation.heard import HeardRanker
from llmrec.evaluation.metrics import AnswerRanks, answer_ranks, answers_of, user_metrics
from llmrec.evaluation.validation_slates import ValidationSlates
from llmrec.index import Fitted
from llmrec.interfaces import ChatModel
from llmrec.models import load_language_model
from llmrec.rankers import model_ranker, user_counts, with_voice
from llmrec.ranking.fusion_model import FEATURES
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.settings import LanguageModelSettings, Settings
from llmrec.types import Histories
from llmrec.updating import ReadNews, relearned, updated

_METRIC, _USERS_AT_ONCE, _SEED = "NDCG@10", 256, 0
_MAX_HEARD = 500  # users a language model is asked about, which takes it a good part of a second for each
_MIN_WEIGHED = 60  # users to learn weights of voices from; with fewer they stay
_Models = Callable[[LanguageModelSettings], ChatModel | None]


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

    def drawn(self, n: int) -> Fresh:
        """At most `n` of the users, drawn by chance."""
        users = np.sort(np.random.default_rng(_SEED).permutation(len(self.histories))[:n])
        kept = np.isin(self.answers.users, users)
        rows = np.searchsorted(users, self.answers.users[kept])
        return Fresh(self.histories.of(users), Answers(rows, self.answers.items[kept]))

    def ndcg(self, scorer: HistoryScorer) -> PerUser:
        """NDCG@10 of each user among all items they had not met, float64 [n_users]."""
        found = [
            answer_ranks(scorer.score_histories(histories), histories, answers_of(self.answers, users))
            for users, histories in batches(self.histories, _USERS_AT_ONCE)
        ]
        return user_metrics(AnswerRanks.joined(found))[_METRIC]


@dataclass(frozen=True, slots=True)
class _Contender:
    """A recommender as it is compared.

    Attributes:
        fitted: Served with, if it is promoted, the fusion it has here.
        scorer: Its order of all items.
        about: What of it takes part.
    """

    fitted: Fitted
    scorer: HistoryScorer
    about: str


def retrained(fitted: Fitted, news: ReadNews, *, settings: Settings, overrides: Overrides) -> Fitted:
    """`fitted` with `news`, all learned again with `settings` if that gains, else updated.

    A challenger learns from all that was known before the news; both predict what the news say users did next, and
    the challenger is promoted when the 95 % interval of its gain in NDCG@10 is above 0. Where a language model with an
    adapter has a say, both are compared with it: the adapter is taken as it is, and what its voice is worth beside the
    challenger's others is learned from the news, for each user from the others.

    Raises:
        ConfigError: No known user did anything new.
        LLMRecError: As `updated` does.
    """
    fresh = Fresh.of(fitted, news)
    n_users = len(fresh.histories)
    if not n_users:
        raise ConfigError(
            "no user who was known before did anything new, so nothing says whether learning again gains.",
            hint="Leave out --retrain, or give --interactions of known users.",
        )
    afresh = fit_tables(fitted.catalogue, fitted.interactions, settings=settings, name=fitted.name, overrides=overrides)
    if _hears(fitted.settings) or _hears(settings):
        fresh = fresh.drawn(_MAX_HEARD)
    served, challenger = _contenders(fitted, afresh, fresh, overrides)
    ours, theirs = (fresh.ndcg(each.scorer) for each in (served, challenger))
    means = bootstrap_means({"served": ours, "learned again": theirs, "gain": theirs - ours}, seed=_SEED)
    is_better = bool(means["gain"].ci95[0] > 0)
    if is_better:
        begun = replace(fitted, settings=settings, fusion=challenger.fitted.fusion)
        chosen = relearned(begun, news, overrides=overrides)
    else:
        chosen = updated(fitted, news, overrides=overrides)
    verdict = _verdict(means["served"], means["learned again"], means["gain"], is_better=is_better)
    asked = f"{len(ours)} users" if len(ours) == n_users else f"{len(ours)} of {n_users} users, drawn by chance,"
    compared = f"Compared: {served.about} as served, and {challenger.about} learned again."
    return replace(chosen, notes=(*chosen.notes, f"{compared} On what {asked} did since: {verdict}"))


def _met_before(known: Interactions, users: NDArray[np.int64], items: NDArray[np.int32]) -> NDArray[np.bool_]:
    n_items = len(known.item_ids)
    return np.isin(users * n_items + items, known.users.astype(np.int64) * n_items + known.items)


def _hears(settings: Settings) -> bool:
    """Whether a language model that was trained for it takes part."""
    return bool(settings.language_model.adapter) and settings.ranking.lm_weight > 0


def _contenders(fitted: Fitted, afresh: Fitted, fresh: Fresh, overrides: Overrides) -> tuple[_Contender, _Contender]:
    """What serves, and what was learned again."""

    @cache
    def model(wanted: LanguageModelSettings) -> ChatModel | None:
        return overrides.language_model or load_language_model(wanted, overrides.store)

    adapter = afresh.settings.language_model.adapter
    is_same = adapter == fitted.settings.language_model.adapter
    begun = replace(afresh, prompts=fitted.prompts, fusion=fitted.fusion if is_same else None)
    return _contender(fitted, model), _contender(begun, model, fresh)


def _contender(fitted: Fitted, models: _Models, fresh: Fresh | None = None) -> _Contender:
    """`fitted` with what its language model says; the weights of voices are learned from `fresh`, where there is."""
    leading, settings = _leading(fitted), fitted.settings
    model = models(settings.language_model) if _hears(settings) else None
    if model is None:
        return _Contender(fitted, leading, leading.name)
    slates = Slates(leading, fitted.catalogue.ids, settings.ranking.slate_size)
    voice = HeardRanker(lambda: model_ranker(fitted.catalogue, settings.ranking, model, fitted.prompts))
    popularity = user_counts(fitted.interactions)
    learned = _weighed(slates, voice, fitted.interactions, fresh) if fresh is not None else None
    about = f"{leading.name} with the language model and its adapter {Path(settings.language_model.adapter).name}"
    if learned is not None:
        ranker = CrossFittedRanker(voice, learned, popularity, slates.size)
        weighed = replace(fitted, fusion=learned.of_all)
        return _Contender(weighed, SlateScorer("whole", slates, ranker), f"{about} (what each voice is worth too)")
    fusion = fitted.fusion_for(settings.language_model.adapter)
    served = with_voice(voice, settings.ranking, fusion=fusion, popularity=popularity)
    return _Contender(fitted, SlateScorer("whole", slates, served), about)


def _weighed(slates: Slates, voice: HeardRanker, known: Interactions, fresh: Fresh) -> CrossFitted | None:
    """What the voices are worth, for each user learned from the others; None where too few say so."""
    task = Task(known, np.arange(len(fresh.histories)), fresh.histories, fresh.answers)
    held = ValidationSlates.of([(task, slates, user_counts(known))])
    if len(held.cases) < _MIN_WEIGHED:
        return None
    return held.cross_fitted(FEATURES, voice, FusionFit(seed=_SEED))


def _leading(fitted: Fitted) -> HistoryScorer:
    """The retriever whose candidates count most."""
    weights = fitted.settings.retrieval.weights
    return fitted.retrievers[max(fitted.retrievers, key=lambda name: (weights.get(name, 0.0), name == "hybrid"))]


def _verdict(served: Estimate, again: Estimate, gain: Estimate, *, is_better: bool) -> str:
    low, high = gain.ci95
    return (
        f"{_METRIC} {served.mean:.4f} as served, {again.mean:.4f} learned again, a gain of {gain.mean:+.4f} (95 % "
        f"{low:+.4f} to {high:+.4f}): {'promoted' if is_better else 'not promoted, updated instead'}."
    )
