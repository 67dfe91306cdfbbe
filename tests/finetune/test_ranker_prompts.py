"""A training prompt is a served prompt, byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from finetune.ranker_data import RankerData
from finetune.ranker_examples import Draw, ExampleSet, RankExample, write_examples
from finetune.ranker_prompts import PromptEncoder
from llmrec.errors import ConfigError
from llmrec.evaluation.fused_stages import query_of
from llmrec.language_model.scripted import ScriptedModel
from llmrec.rankers import model_ranker
from llmrec.settings import RankingSettings
from llmrec.types import Candidate, CandidateScores, ItemId, Label, LabelScores, Prompt
from tests.finetune.tiny_ranker import planted_data
from tests.language_model.tiny import tiny_tokenizer


@dataclass
class Noting(ScriptedModel):
    """A model that remembers what it was asked, and counts tokens as the trained one does."""

    encoder: PromptEncoder
    prompts: list[Prompt] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ScriptedModel.__init__(self)

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int:
        return self.encoder.answers.ids(prompt, candidates).n_tokens

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        self.prompts.append(prompt)
        return LabelScores(np.log(np.full(len(labels), 1 / len(labels), dtype=np.float32)), 1.0, 1)

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        self.prompts.append(prompt)
        self.texts.append(tuple(candidates))
        return CandidateScores(np.zeros(len(candidates), dtype=np.float32), 1.0, 1)


def encoder_of(data: RankerData, *, max_tokens: int = 2000) -> PromptEncoder:
    return PromptEncoder(
        tiny_tokenizer(),
        data.prompts,
        data.training.catalogue,
        name="tiny",
        ranking=RankingSettings().model_copy(update={"max_prompt_tokens": max_tokens}),
    )


@pytest.fixture(scope="module")
def data() -> RankerData:
    return planted_data()


@pytest.fixture(scope="module")
def example(data: RankerData, tmp_path_factory: pytest.TempPathFactory) -> RankExample:
    path: Path = tmp_path_factory.mktemp("examples") / "examples.arrow"
    row = {"user": 0, "history": [0, 6, 12, 18, 24], "items": [30, 1, 2, 3, 4, 5], "scores": [0.0] * 6, "length": 10}
    write_examples([row], path)
    return ExampleSet(path, data.training.catalogue, slate_size=4, seed=0)[Draw(0, 0)]


@pytest.mark.parametrize(("n_left_out", "oldest"), [(0, "a0; a1; a2"), (5, "a2; a3; a4")])
def test_a_listwise_example_is_asked_as_when_serving(
    data: RankerData, example: RankExample, n_left_out: int, oldest: str
) -> None:
    whole = len(encoder_of(data).slate(example.query, example.item_ids).ids)
    encoder = encoder_of(data, max_tokens=whole - n_left_out)
    model = Noting(encoder)
    settings = RankingSettings(slate_size=4, max_prompt_tokens=whole - n_left_out)
    ranker = model_ranker(data.training.catalogue, settings, model, data.prompts)
    ranker.rank(example.query, [Candidate(item_id, 0.0, "any") for item_id in example.item_ids])
    served = model.prompts[0].messages[-1].content
    shown = [ItemId(line.partition(". ")[2]) for line in served.splitlines() if line[1:3] == ". "]
    assert sorted(shown) == sorted(example.item_ids)
    assert encoder.slate_prompt(example.query, shown) == model.prompts[0]
    assert f"oldest first: {oldest}" in served


@pytest.mark.parametrize("n_left_out", [0, 5])
def test_an_isolated_example_is_asked_as_when_serving(data: RankerData, example: RankExample, n_left_out: int) -> None:
    whole = encoder_of(data).candidates(example.query, example.item_ids).n_tokens
    encoder = encoder_of(data, max_tokens=whole - n_left_out)
    model = Noting(encoder)
    settings = RankingSettings(mode="isolated", slate_size=4, max_prompt_tokens=whole - n_left_out)
    ranker = model_ranker(data.training.catalogue, settings, model, data.prompts)
    ranker.rank(example.query, [Candidate(item_id, 0.0, "any") for item_id in example.item_ids])
    built = encoder.candidates_prompt(example.query, example.item_ids)
    assert built.prompt == model.prompts[0]
    assert tuple(built.candidates) == model.texts[0]
    ids = encoder.candidates(example.query, example.item_ids)
    assert ids == encoder.answers.ids(built.prompt, built.candidates)
    assert (ids.n_tokens == whole) == (n_left_out == 0)


def test_a_prompt_that_is_fed_is_the_one_that_was_built(data: RankerData, example: RankExample) -> None:
    encoder, tokenizer = encoder_of(data), tiny_tokenizer()
    slate = encoder.slate(example.query, example.item_ids)
    text = tokenizer.decode(slate.ids)
    assert encoder.slate_prompt(example.query, example.item_ids).messages[-1].content in text
    assert [tokenizer.decode([label]) for label in slate.label_ids] == ["A", "B", "C", "D"]


def test_a_history_longer_than_the_context_loses_its_oldest(data: RankerData) -> None:
    encoder = encoder_of(data, max_tokens=9)  # a letter is a token
    ids = encoder.history(data.training.catalogue.ids[:6])
    assert tiny_tokenizer().decode(ids) == "0; f0<|im_end|>"[-len("0; e0; f0<|im_end|>") :] or len(ids) == 9
    assert ids[-1] == tiny_tokenizer().eos_token_id


def test_a_slate_that_fits_no_prompt_is_refused(data: RankerData) -> None:
    catalogue = data.training.catalogue
    query = query_of(np.array([0], dtype=np.int32), catalogue.ids)
    with pytest.raises(ConfigError, match="does not fit into 50 prompt tokens"):
        encoder_of(data, max_tokens=50).slate(query, catalogue.ids[1:5])
