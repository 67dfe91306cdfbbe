"""The ranker that settings choose, with the language model's voice where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.interfaces import (
    BulkContinuationScorer,
    CandidateScorer,
    ContinuationScorer,
    ItemReader,
    LabelScorer,
    Ranker,
)
from llmrec.prompting.rank_prompt import IsolatedPrompt, RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.calibrated import CalibratedRanker
from llmrec.ranking.contributions import HeldVoice
from llmrec.ranking.fused import FusedRanker
from llmrec.ranking.fusion_model import FusionModel
from llmrec.ranking.isolated import IsolatedLimits, IsolatedRanker
from llmrec.ranking.item_tokens import ItemTokenRanker
from llmrec.ranking.likelihood import BulkLikelihoodScorer, LikelihoodScorer
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.settings import RankingSettings
from llmrec.types import ItemId, RankReport

_NOBODY: Mapping[ItemId, int] = MappingProxyType({})


def fused_ranker(
    catalogue: Catalogue,
    settings: RankingSettings,
    model: LabelScorer | None,
    prompts: PromptLibrary,
    *,
    fusion: FusionModel | None = None,
    popularity: Mapping[ItemId, int] = _NOBODY,
) -> Ranker:
    """The retrievers' order with the model's voice in it, as far as settings let it.

    Args:
        catalogue: The items.
        settings: How to rank; weight 0 keeps the model silent.
        model: None ranks without one.
        prompts: The templates.
        fusion: Weights that were learned, which then count instead of `settings.lm_weight` and `max_lift`.
        popularity: How many users met each item; only a learned fusion asks.

    Raises:
        ConfigError: The model cannot do what settings ask, or its prompt cannot be used.
        ModelError: It has fewer labels than the slate has items, or its item tokens cannot be used.
        ArtifactError: Its item tokens are damaged or of another catalogue.
    """
    if model is None or settings.lm_weight == 0:
        return RetrievalOrderRanker()
    return with_voice(model_ranker(catalogue, settings, model, prompts), settings, fusion=fusion, popularity=popularity)


def held_ranker(
    ranker: Ranker,
    report: RankReport,
    *,
    settings: RankingSettings,
    fusion: FusionModel | None,
    popularity: Mapping[ItemId, int],
) -> Ranker:
    """`ranker`, as `fused_ranker` made it of the rest, with the model's opinion of `report`: nothing is asked again."""
    if isinstance(ranker, RetrievalOrderRanker):
        return ranker
    return with_voice(HeldVoice(report), settings, fusion=fusion, popularity=popularity)


def with_voice(
    ranker: Ranker, settings: RankingSettings, *, fusion: FusionModel | None, popularity: Mapping[ItemId, int]
) -> Ranker:
    """The retrievers' order with the voice of `ranker`, whose report holds a language model's scores, in it."""
    if fusion is not None:
        return CalibratedRanker(ranker, fusion, popularity, slate_size=settings.slate_size)
    return FusedRanker(ranker, lm_weight=settings.lm_weight, max_lift=settings.max_lift)


def model_ranker(catalogue: Catalogue, settings: RankingSettings, model: LabelScorer, prompts: PromptLibrary) -> Ranker:
    """The language model's own ranking, as settings bound it.

    Raises:
        ConfigError: `model` cannot do what `ranking.mode` asks, or its prompt cannot be used.
        ModelError: It has fewer labels than the slate has items, or its item tokens cannot be used.
        ArtifactError: Its item tokens are damaged or of another catalogue.
    """
    reads_items = isinstance(model, ItemReader) and model.reads_items
    if reads_items != (settings.mode == "item_tokens"):
        raise ConfigError(_other_mode(settings.mode, model.name, reads_items=reads_items))
    if isinstance(model, ItemReader) and reads_items:
        return ItemTokenRanker(model.catalogue_scorer(catalogue), catalogue, max_slate=settings.slate_size)
    if settings.mode == "listwise":
        return _listwise(catalogue, settings, model, prompts)
    scorer, template = _apart(settings.mode, model)
    limits = IsolatedLimits(
        max_slate=settings.slate_size,
        max_prompt_tokens=settings.max_prompt_tokens,
        min_label_mass=settings.min_label_mass,
        timeout_s=settings.timeout_s,
    )
    prompt = IsolatedPrompt(prompts[template], max_history=settings.max_history, text=settings.text)
    return IsolatedRanker(scorer, prompt, catalogue, limits=limits)


def _apart(mode: str, model: LabelScorer) -> tuple[CandidateScorer, str]:
    """What scores candidates that do not see each other in this mode, and the name of its prompt."""
    if mode == "isolated" and isinstance(model, CandidateScorer):
        return model, "rank_isolated"
    if mode == "likelihood" and isinstance(model, BulkContinuationScorer):
        return BulkLikelihoodScorer(model), "rank_likelihood"
    if mode == "likelihood" and isinstance(model, ContinuationScorer):
        return LikelihoodScorer(model), "rank_likelihood"
    raise ConfigError(
        f"ranking.mode is {mode}, and {model.name} cannot judge candidates apart.", hint="Use ranking.mode=listwise."
    )


def _other_mode(mode: str, name: str, *, reads_items: bool) -> str:
    if reads_items:
        return f"ranking.mode is {mode}, and the adapter of {name} knows items, not prompts; use item_tokens."
    return f"ranking.mode is {mode}, and {name} has no adapter that knows items; name one in language_model.adapter."


def _listwise(
    catalogue: Catalogue, settings: RankingSettings, model: LabelScorer, prompts: PromptLibrary
) -> ListwiseRanker:
    limits = ListwiseLimits(
        max_slate=settings.slate_size,
        max_prompt_tokens=settings.max_prompt_tokens,
        min_label_mass=settings.min_label_mass,
        timeout_s=settings.timeout_s,
        n_orders=settings.n_orders,
    )
    prompt = RankPrompt(prompts["rank"], max_history=settings.max_history, text=settings.text)
    return ListwiseRanker(model, prompt, catalogue, limits=limits)


def user_counts(interactions: Interactions) -> Mapping[ItemId, int]:
    """How many users met each item that anybody met."""
    pairs = np.unique(np.stack([interactions.items, interactions.users]), axis=1)
    met, counts = np.unique(pairs[0], return_counts=True)
    return {interactions.item_ids[item]: count for item, count in zip(met.tolist(), counts.tolist(), strict=True)}
