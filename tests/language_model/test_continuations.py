"""How likely texts are to come next, each by itself."""

import pytest
import torch

from llmrec.errors import ModelError
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.ranking.likelihood import BulkLikelihoodScorer, LikelihoodScorer
from tests.contracts.candidate_scorer import SHARED, BulkCandidateScorerContract, CandidateScorerContract
from tests.language_model.tiny import tiny_model, tiny_tokenizer


class TestTransformersLMAsLikelihoodScorer(CandidateScorerContract):
    @pytest.fixture
    def scorer(self, tiny: TransformersLM) -> LikelihoodScorer:
        return LikelihoodScorer(tiny)


class TestTransformersLMAsBulkLikelihoodScorer(BulkCandidateScorerContract):
    @pytest.fixture
    def scorer(self, tiny: TransformersLM) -> BulkLikelihoodScorer:
        return BulkLikelihoodScorer(tiny)


def test_a_score_is_the_log_probability_of_the_text_as_it_stands_after_the_prompt(tiny: TransformersLM) -> None:
    prompt = tiny._chat.ids(SHARED)
    by_hand = []
    for text in (" Up;", " Heat;"):
        ids = tiny_tokenizer()(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            log_probs = tiny_model()(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        by_hand.append(sum(float(log_probs[len(prompt) - 1 + place, token]) for place, token in enumerate(ids)))
    found = tiny.score_continuations(SHARED, ["Up;", "Heat;"], timeout_s=60)
    assert found.scores.tolist() == pytest.approx(by_hand, abs=1e-4)
    assert found.label_mass == 1


def test_a_text_that_is_empty_is_refused(tiny: TransformersLM) -> None:
    with pytest.raises(ModelError, match="candidate 2 of 2 has no text"):
        tiny.score_continuations(SHARED, ["Up;", ""], timeout_s=60)
