import math

import pytest

from llmrec.errors import ModelError, ModelTimeout
from llmrec.interfaces import LanguageModel
from llmrec.language_model.scripted import ScriptedChooser, ScriptedModel
from llmrec.types import Completion
from tests.contracts.candidate_scorer import CandidateScorerContract
from tests.contracts.label_scorer import QUESTION, LabelScorerContract
from tests.contracts.language_model import LanguageModelContract, say
from tests.contracts.text_chooser import CHOICES, TextChooserContract


class TestScriptedModelAsLanguageModel(LanguageModelContract):
    @pytest.fixture
    def model(self) -> ScriptedModel:
        return ScriptedModel(["one two three"])

    def late(self, model: LanguageModel) -> Completion:
        return ScriptedModel(["one"], seconds=2).generate([say("one")], max_new_tokens=3, timeout_s=1)[0]


class TestScriptedModelAsLabelScorer(LabelScorerContract):
    @pytest.fixture
    def scorer(self) -> ScriptedModel:
        return ScriptedModel(score=lambda prompt, labels: [-float(ord(label[0])) for label in labels])


class TestScriptedModelAsCandidateScorer(CandidateScorerContract):
    @pytest.fixture
    def scorer(self) -> ScriptedModel:
        return ScriptedModel(judge=lambda prompt, text: float(len(text)), seconds=0.001)


class TestScriptedChooserAsTextChooser(TextChooserContract):
    @pytest.fixture
    def chooser(self) -> ScriptedChooser:
        return ScriptedChooser(["You may love"])


def test_the_choice_that_begins_as_the_script_is_taken_else_the_first() -> None:
    chosen = ScriptedChooser(["You may love", "Nothing"]).choose([say("x")] * 2, [CHOICES] * 2, timeout_s=1)
    assert [completion.text for completion in chosen] == ["You may love it.", "You may like it."]


def test_a_late_choice_is_empty_and_marked() -> None:
    chosen = ScriptedChooser(seconds=2).choose([say("x")], [CHOICES], timeout_s=1)
    assert list(chosen) == [Completion("", "timeout")]


def test_completions_come_in_turn_and_begin_anew() -> None:
    model = ScriptedModel(["one", "two"])
    texts = [c.text for c in model.generate([say("x")] * 3, max_new_tokens=5, timeout_s=1)]
    assert texts == ["one", "two", "one"]


def test_a_completion_longer_than_allowed_is_cut_and_marked() -> None:
    assert ScriptedModel(["one two three"]).generate([say("x")], max_new_tokens=2, timeout_s=1) == [
        Completion("one two", "length")
    ]


def test_preferences_become_probabilities_of_the_given_mass() -> None:
    model = ScriptedModel(score=lambda prompt, labels: [math.log(3), math.log(1)], label_mass=0.8)
    scores = model.score_labels(QUESTION, model.labels(2), timeout_s=1)
    # 3 : 1 of 0.8.
    assert [math.exp(value) for value in scores.log_probs] == pytest.approx([0.6, 0.2])


def test_a_failure_is_raised_at_every_call() -> None:
    model = ScriptedModel(failure=ModelError("gone."))
    with pytest.raises(ModelError, match=r"gone\."):
        model.score_labels(QUESTION, model.labels(2), timeout_s=1)
    with pytest.raises(ModelError, match=r"gone\."):
        model.generate([say("x")], max_new_tokens=1, timeout_s=1)


def test_pretended_slowness_is_a_timeout() -> None:
    model = ScriptedModel(seconds=2)
    with pytest.raises(ModelTimeout, match="took 2 s; 1 s were allowed"):
        model.score_labels(QUESTION, model.labels(2), timeout_s=1)
