"""The ranker that settings choose."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import fused_ranker, model_ranker
from llmrec.ranking.fusion_model import FusionModel
from llmrec.ranking.isolated import IsolatedRanker
from llmrec.ranking.item_tokens import ItemTokenRanker
from llmrec.ranking.listwise import ListwiseRanker
from llmrec.ranking.retrieval_order import RetrievalOrderRanker
from llmrec.settings import RankingSettings, Settings
from llmrec.types import Histories, Item, ItemId, Prompt
from tests.contracts.ranker import QUERY, candidates_of


class LabelsOnly:
    """A model behind a wire that gives log-probabilities of labels, and nothing else."""

    def __init__(self) -> None:
        self.name, self.adapter, self.max_prompt_tokens = "remote", "", 1000
        model = ScriptedModel()
        self.labels, self.score_labels = model.labels, model.score_labels

    def count_tokens(self, prompt: Prompt) -> int:
        return ScriptedModel().count_tokens(prompt)


class ReadsItems(LabelsOnly):
    """A model whose adapter knows items, the later ones of a catalogue best."""

    reads_items = True

    def catalogue_scorer(self, items: Mapping[ItemId, Item]) -> "ReadsItems":
        self.n_items = len(items)
        return self

    def score_histories(self, histories: Histories) -> NDArray[np.float32]:
        return np.tile(np.arange(self.n_items, dtype=np.float32), (len(histories), 1))


def ranking(*assignments: str) -> RankingSettings:
    return Settings().changed(assignments).ranking


def test_the_mode_chooses_how_the_model_is_asked(films: Catalogue) -> None:
    prompts = PromptLibrary.load()
    listwise = model_ranker(films, ranking("ranking.mode=listwise"), ScriptedModel(), prompts)
    isolated = model_ranker(films, ranking("ranking.mode=isolated"), ScriptedModel(), prompts)
    assert isinstance(listwise, ListwiseRanker)
    assert isinstance(isolated, IsolatedRanker)


def test_likelihoods_are_asked_of_a_model_that_can_say_them(films: Catalogue) -> None:
    with pytest.raises(ConfigError, match=r"mode is likelihood, and \w+ cannot judge candidates apart"):
        model_ranker(films, ranking("ranking.mode=likelihood"), LabelsOnly(), PromptLibrary.load())


def test_a_model_that_scores_labels_only_ranks_lists_only(films: Catalogue) -> None:
    prompts = PromptLibrary.load()
    assert isinstance(model_ranker(films, ranking(), LabelsOnly(), prompts), ListwiseRanker)
    with pytest.raises(ConfigError, match=r"remote cannot judge candidates apart\. Use ranking\.mode=listwise"):
        model_ranker(films, ranking("ranking.mode=isolated"), LabelsOnly(), prompts)


def test_a_model_whose_adapter_knows_items_ranks_by_them(films: Catalogue) -> None:
    prompts, settings = PromptLibrary.load(), ranking("ranking.mode=item_tokens", "ranking.slate_size=4")
    ranker = model_ranker(films, settings, ReadsItems(), prompts)
    assert isinstance(ranker, ItemTokenRanker)
    assert ranker.rank(QUERY, candidates_of(films, 6)).item_ids == ("4", "3", "2", "1", "5", "6")


def test_an_adapter_for_items_and_one_for_prompts_are_not_taken_for_each_other(films: Catalogue) -> None:
    prompts = PromptLibrary.load()
    with pytest.raises(ConfigError, match="remote has no adapter that knows items; name one in"):
        model_ranker(films, ranking("ranking.mode=item_tokens"), LabelsOnly(), prompts)
    for mode in ("listwise", "isolated"):
        with pytest.raises(ConfigError, match=f"mode is {mode}, and the adapter of remote knows items"):
            model_ranker(films, ranking(f"ranking.mode={mode}"), ReadsItems(), prompts)


def test_an_isolated_model_moves_the_retrievers_order(films: Catalogue) -> None:
    model = ScriptedModel(judge=lambda prompt, text: 1.0 if text.startswith("Heat") else 0.0)
    settings = ranking("ranking.mode=isolated", "ranking.lm_weight=100")
    fused = fused_ranker(films, settings, model, PromptLibrary.load()).rank(QUERY, candidates_of(films, 9))
    assert fused.item_ids[0] == "9"
    assert fused.ranked_by == "lm+retrieval"


@pytest.mark.parametrize("weight", ["0", "1"])
def test_without_a_voice_the_retrievers_decide(films: Catalogue, weight: str) -> None:
    model = None if weight == "1" else ScriptedModel()
    ranker = fused_ranker(films, ranking(f"ranking.lm_weight={weight}"), model, PromptLibrary.load())
    assert isinstance(ranker, RetrievalOrderRanker)


def test_a_mode_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match=r"ranking\.mode"):
        ranking("ranking.mode=pairwise")


def test_a_learned_fusion_counts_instead_of_the_weight_unless_that_is_0(films: Catalogue) -> None:
    model = ScriptedModel(judge=lambda prompt, text: 1.0 if text.startswith("Heat") else 0.0)
    prompts, fusion = PromptLibrary.load(), FusionModel({"log_popularity": 1.0})
    met = {films.ids[4]: 9}
    for weight in ("0.1", "100"):
        settings = ranking("ranking.mode=isolated", f"ranking.lm_weight={weight}")
        ranker = fused_ranker(films, settings, model, prompts, fusion=fusion, popularity=met)
        assert ranker.rank(QUERY, candidates_of(films, 9)).item_ids[0] == films.ids[4]
    silent = fused_ranker(films, ranking("ranking.lm_weight=0"), model, prompts, fusion=fusion, popularity=met)
    assert isinstance(silent, RetrievalOrderRanker)
