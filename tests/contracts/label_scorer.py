"""What every LabelScorer must do; a test class inherits from the suite and gives it a `scorer` fixture."""

import numpy as np
import pytest

from llmrec.errors import ModelError
from llmrec.interfaces import LabelScorer
from llmrec.types import ChatMessage, Prompt

QUESTION = Prompt((ChatMessage("system", "You answer with a letter."), ChatMessage("user", "A or B?")), "hash")


class LabelScorerContract:
    """Inherit and define the fixture `scorer`, with at least 30 labels."""

    def test_it_has_a_name(self, scorer: LabelScorer) -> None:
        assert scorer.name

    def test_labels_are_distinct_and_go_on_after_z(self, scorer: LabelScorer) -> None:
        labels = scorer.labels(30)
        assert len(set(labels)) == len(labels) == 30
        assert list(labels[:3]) == ["A", "B", "C"]

    def test_fewer_labels_are_the_beginning_of_more(self, scorer: LabelScorer) -> None:
        assert list(scorer.labels(5)) == list(scorer.labels(30))[:5]

    def test_more_labels_than_there_are_is_an_error(self, scorer: LabelScorer) -> None:
        with pytest.raises(ModelError, match="100000"):
            scorer.labels(100_000)

    def test_log_probabilities_belong_to_the_whole_vocabulary(self, scorer: LabelScorer) -> None:
        scores = scorer.score_labels(QUESTION, scorer.labels(30), timeout_s=60)
        assert scores.log_probs.dtype == np.float32
        assert scores.log_probs.shape == (30,)
        assert scores.label_mass == pytest.approx(float(np.exp(scores.log_probs).sum()), abs=1e-5)
        assert 0 <= scores.label_mass <= 1

    def test_a_label_scores_the_same_whatever_it_is_asked_with(self, scorer: LabelScorer) -> None:
        a, b, c = scorer.labels(3)
        together = scorer.score_labels(QUESTION, [a, b, c], timeout_s=60).log_probs
        turned = scorer.score_labels(QUESTION, [c, b, a], timeout_s=60).log_probs
        # A scripted model normalises over the labels it is given; these are the same three.
        assert together == pytest.approx(turned[::-1], abs=1e-5)

    def test_the_same_question_gets_the_same_answer(self, scorer: LabelScorer) -> None:
        labels = scorer.labels(4)
        first = scorer.score_labels(QUESTION, labels, timeout_s=60)
        again = scorer.score_labels(QUESTION, labels, timeout_s=60)
        assert np.array_equal(first.log_probs, again.log_probs)

    def test_the_reported_length_is_the_counted_one(self, scorer: LabelScorer) -> None:
        scores = scorer.score_labels(QUESTION, scorer.labels(2), timeout_s=60)
        assert scores.n_prompt_tokens == scorer.count_tokens(QUESTION)

    def test_a_longer_prompt_counts_more_tokens(self, scorer: LabelScorer) -> None:
        longer = Prompt((*QUESTION.messages, ChatMessage("user", "one two three")), "hash")
        assert scorer.count_tokens(longer) > scorer.count_tokens(QUESTION)

    def test_a_prompt_beyond_the_context_is_an_error(self, scorer: LabelScorer) -> None:
        huge = Prompt((ChatMessage("user", "word " * (scorer.max_prompt_tokens + 1)),), "hash")
        with pytest.raises(ModelError, match=str(scorer.max_prompt_tokens)):
            scorer.score_labels(huge, scorer.labels(2), timeout_s=60)


class BulkLabelScorerContract(LabelScorerContract):
    """One that reads several prompts in one pass."""

    def test_prompts_read_together_get_what_each_gets_alone(self, scorer: LabelScorer) -> None:
        longer = Prompt((*QUESTION.messages, ChatMessage("user", "A or B or C, that is the question.")), "hash")
        prompts, labels = [QUESTION, longer, QUESTION], [scorer.labels(2), scorer.labels(30), scorer.labels(3)]
        together = scorer.score_labels_many(prompts, labels, timeout_s=60)
        for prompt, own, found in zip(prompts, labels, together, strict=True):
            alone = scorer.score_labels(prompt, own, timeout_s=60)
            assert found.log_probs == pytest.approx(alone.log_probs, abs=1e-4)
            assert found.label_mass == pytest.approx(alone.label_mass, abs=1e-4)
            assert found.n_prompt_tokens == alone.n_prompt_tokens
        assert list(scorer.score_labels_many([], [], timeout_s=60)) == []
