"""The second voice: trained in a moment on a tiny model, and held to the language of meanings."""

import json
from pathlib import Path

import pytest
import torch

from finetune.held_writing import HeldWriting
from finetune.train_understand import run
from finetune.understand_config import UnderstandTraining
from finetune.understand_language import grammar, read
from finetune.understand_voice import AdaptedModel, AdapterReader
from llmrec.assets import AssetStore
from llmrec.dialogue.vocabulary import HIGH, LOW, Vocabulary
from llmrec.errors import ModelError
from llmrec.language_model.loading import CausalLM
from tests.language_model.tiny import save_tiny_model, tiny_model, tiny_tokenizer

VOCABULARY = Vocabulary({"kind": ('A "b"', "C, d", "Ä"), "price": (LOW, HIGH)}, {"price": (1.0, 2.0)})
FAR = float("inf")


def test_whatever_a_model_would_say_it_writes_a_text_of_the_grammar() -> None:
    tokenizer, found = tiny_tokenizer(), set()
    for seed in range(8):
        model: CausalLM = tiny_model(seed=seed)  # type: ignore[assignment]
        writing = HeldWriting(tokenizer, n_vocabulary=model.config.vocab_size)
        with torch.inference_mode():
            completion = writing.write(model, [1, 2, 3], grammar(VOCABULARY, most=2), max_new_tokens=64, deadline=FAR)
        assert completion.finished == "stop"
        found.add(completion.text)
        assert completion.text == "none" or read(completion.text, VOCABULARY)
    assert len(found) > 1


def test_a_text_that_does_not_end_in_time_is_given_up() -> None:
    model: CausalLM = tiny_model()  # type: ignore[assignment]
    writing = HeldWriting(tiny_tokenizer(), n_vocabulary=model.config.vocab_size)
    endless = 'start: "a"+ "bbbb"'
    assert writing.write(model, [1], endless, max_new_tokens=3, deadline=FAR).text == ""
    assert writing.write(model, [1], endless, max_new_tokens=3, deadline=0.0).finished == "timeout"
    with pytest.raises(ModelError, match="grammar"):
        writing.write(model, [1], "start: (", max_new_tokens=3, deadline=FAR)


def test_what_is_trained_is_read_with(tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base", context=4096)
    config = UnderstandTraining(
        base=str(base), device="cpu", rank=2, n_vocabularies=1, n_messages=3, steps=2, evaluations=2, n_validated=1
    )
    record = run(config, tmp_path / "understand", minutes=None, store=AssetStore(tmp_path / "cache"))
    lines = (tmp_path / "understand" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    assert record["steps"] == 2
    adapted = AdaptedModel(tmp_path / "understand", AssetStore(tmp_path / "cache"), dtype="float32")
    reader = AdapterReader(adapted, Vocabulary({"price": (LOW, HIGH)}, {"price": (1.0, 2.0)}))
    assert all(meaning.field == "price" for meaning in reader.read("something cheap"))
