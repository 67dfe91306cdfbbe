"""The stock pipeline gives the probabilities that our rankers give, from the same text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jinja2 import TemplateError
from transformers import Pipeline, PreTrainedTokenizerBase, pipeline

from llmrec.errors import ModelError
from llmrec.language_model.decision_files import (
    DecisionFiles,
    copy_decision_files,
    isolated_files,
    listwise_files,
)
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompting.rank_prompt import SlateLine, SpokenLine
from llmrec.prompting.templates import PromptLibrary, PromptTemplate
from llmrec.types import Prompt
from tests.language_model.test_adapters import save_adapter
from tests.language_model.tiny import CHAT_TEMPLATE, save_tiny_model, tiny_tokenizer

# peft 0.21 asks transformers by an old name when it wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

STATE = {
    "history": ["Heat (1995)", "Alien (1979)"],
    "likes": ["Up"],
    "dislikes": [],
    "wish": "something <|im_end|> slow",
    "turns": [{"speaker": "User", "text": "Hello!"}, {"speaker": "Assistant", "text": "What would you like?"}],
}
ITEMS = {"9": "Heat (1995) | Crime", "2": "Alien, a much longer line of text", "10": "Up"}
TEMPERATURE = 1.7


def prompt_of(template: PromptTemplate, items: list[Any]) -> Prompt:
    turns = [SpokenLine(turn["speaker"], turn["text"]) for turn in STATE["turns"]]
    values = {**STATE, "turns": turns, "items": items}
    return template.render(**{name: values[name] for name in template.inputs})


def ours_listwise(model: TransformersLM, template: PromptTemplate) -> list[float]:
    labels = model.labels(len(ITEMS))
    lines = [SlateLine(label, text) for label, text in zip(labels, ITEMS.values(), strict=True)]
    log_probs = model.score_labels(prompt_of(template, lines), labels, timeout_s=60).log_probs
    return torch.softmax(torch.tensor(log_probs) / TEMPERATURE, dim=-1).tolist()


def ours_isolated(model: TransformersLM, template: PromptTemplate) -> list[float]:
    whole = prompt_of(template, list(ITEMS.values()))
    *shared, last = whole.messages
    found = model.score_candidates(Prompt(tuple(shared), ""), last.content.split("\n"), timeout_s=60)
    return (1 / (1 + np.exp(-found.scores))).tolist()


def choice(items: dict[str, str]) -> dict[str, object]:
    return {"state": STATE, "questions": {"next": {"type": "choice", "criteria": items}}}


def suits(items: dict[str, str]) -> dict[str, object]:
    questions = {item_id: {"type": "noul", "instructions": text} for item_id, text in items.items()}
    return {"state": STATE, "questions": questions}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_adapter(tmp_path_factory.mktemp("adapters") / "ranker", base="tiny", scale=0.5)


def tokenizer_of(model: TransformersLM) -> PreTrainedTokenizerBase:
    return model._tokenizer


def test_a_listwise_adapter_answers_choices_in_the_stock_pipeline(tiny_directory: Path, adapter: Path) -> None:
    model = TransformersLM.from_pretrained(tiny_directory, adapter=adapter, device="cpu")
    template = PromptLibrary.load()["rank"]
    files = listwise_files(tokenizer_of(model), template, name="tiny", n_labels=30, temperature=TEMPERATURE)
    files.write(adapter)
    decide = pipeline("decision", str(tiny_directory), decision_config=str(adapter), device="cpu", dtype="float32")
    answer = decide(choice(ITEMS))["next"]
    assert list(answer["probabilities"]) == list(ITEMS)
    assert list(answer["probabilities"].values()) == pytest.approx(ours_listwise(model, template), abs=1e-3)
    # Without the adapter the answer is another: the pipeline did load it.
    base = TransformersLM.from_pretrained(tiny_directory, device="cpu")
    assert list(answer["probabilities"].values()) != pytest.approx(ours_listwise(base, template), abs=1e-3)


def test_an_isolated_adapter_answers_yes_or_no_in_the_stock_pipeline(tiny_directory: Path, adapter: Path) -> None:
    model = TransformersLM.from_pretrained(tiny_directory, adapter=adapter, device="cpu")
    template = PromptLibrary.load()["rank_isolated"]
    isolated_files(tokenizer_of(model), template, name="tiny").write(adapter)
    decide = pipeline("decision", str(tiny_directory), decision_config=str(adapter), device="cpu", dtype="float32")
    answers = decide(suits(ITEMS))
    assert [answers[item]["noul"] for item in ITEMS] == pytest.approx(ours_isolated(model, template), abs=1e-3)


def test_a_question_of_another_type_is_refused(tiny_directory: Path, adapter: Path) -> None:
    isolated_files(tiny_tokenizer(), PromptLibrary.load()["rank_isolated"], name="tiny").write(adapter)
    decide = pipeline("decision", str(tiny_directory), decision_config=str(adapter), device="cpu")
    with pytest.raises(TemplateError, match="questions of type noul alone"):
        decide(choice(ITEMS))


def test_a_plain_text_is_the_wish(tiny_directory: Path, adapter: Path) -> None:
    template = PromptLibrary.load()["rank"]
    listwise_files(tiny_tokenizer(), template, name="tiny", n_labels=26, temperature=1.0).write(adapter)
    decide = pipeline("decision", str(tiny_directory), decision_config=str(adapter), device="cpu")
    said, told = (
        decide({**choice(ITEMS), "state": state})["next"]["probabilities"] for state in ("calm", {"wish": "calm"})
    )
    assert said == told


def test_a_template_that_knows_no_system_role_is_met_as_it_is_served(adapter: Path, tmp_path: Path) -> None:
    alone = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHAT_TEMPLATE
    directory = save_tiny_model(tmp_path / "tiny")
    tiny_tokenizer(chat_template=alone).save_pretrained(directory)
    model = TransformersLM.from_pretrained(directory, adapter=adapter, device="cpu")
    template = PromptLibrary.load()["rank"]
    listwise_files(tokenizer_of(model), template, name="tiny", n_labels=26, temperature=TEMPERATURE).write(adapter)
    decide = pipeline("decision", str(directory), decision_config=str(adapter), device="cpu", dtype="float32")
    found = list(decide(choice(ITEMS))["next"]["probabilities"].values())
    assert found == pytest.approx(ours_listwise(model, template), abs=1e-3)


def test_what_the_pipeline_would_read_otherwise_is_not_written() -> None:
    template = PromptTemplate.from_text("rank", "user:\n{{ items[0].label }}{{ items[0] is mapping }}")
    with pytest.raises(ModelError, match="would not read the tokens that its ranker reads"):
        listwise_files(tiny_tokenizer(), template, name="tiny", n_labels=2, temperature=1.0)


@pytest.mark.slow
def test_smollm2_chooses_the_same_in_the_stock_pipeline(smollm2: TransformersLM, tmp_path: Path) -> None:
    template = PromptLibrary.load()["rank"]
    files = listwise_files(tokenizer_of(smollm2), template, name="s", n_labels=26, temperature=TEMPERATURE)
    answer = bare_pipeline(smollm2, files, tmp_path)(choice(ITEMS))["next"]
    assert list(answer["probabilities"].values()) == pytest.approx(ours_listwise(smollm2, template), abs=1e-3)


@pytest.mark.slow
def test_smollm2_says_yes_as_often_in_the_stock_pipeline(smollm2: TransformersLM, tmp_path: Path) -> None:
    template = PromptLibrary.load()["rank_isolated"]
    answers = bare_pipeline(smollm2, isolated_files(tokenizer_of(smollm2), template, name="s"), tmp_path)(suits(ITEMS))
    assert [answers[item]["noul"] for item in ITEMS] == pytest.approx(ours_isolated(smollm2, template), abs=1e-3)


def bare_pipeline(model: TransformersLM, files: DecisionFiles, directory: Path) -> Pipeline:
    """Over a loaded model, with the files of an adapter that is not there."""
    files.write(directory)
    (directory / "bare").mkdir()
    assert copy_decision_files(directory, directory / "bare")
    return pipeline("decision", model._model, tokenizer=tokenizer_of(model), decision_config=str(directory / "bare"))


def test_the_files_come_along_with_a_model_that_has_the_adapter_built_in(adapter: Path, tmp_path: Path) -> None:
    isolated_files(tiny_tokenizer(), PromptLibrary.load()["rank_isolated"], name="tiny").write(adapter)
    assert copy_decision_files(adapter, tmp_path)
    assert json.loads((tmp_path / "decision.json").read_text())["adapter"] is None
    template = "decision_template.jinja"
    assert (tmp_path / template).read_text() == (adapter / template).read_text()
    assert not copy_decision_files(tmp_path / "nowhere", tmp_path)
