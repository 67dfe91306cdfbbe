"""Sentences to learn from, and the adapter that is trained with them in a moment on a tiny model."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from finetune.explain_config import ExplainTraining
from finetune.explain_examples import Example, Generator
from finetune.train_explain import run
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.explanation.claims import OPENINGS
from llmrec.explanation.writing import SentenceWriter
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.models import WRITER, load_language_model
from llmrec.packaged_adapters import writing_template
from llmrec.prompting.templates import PromptLibrary
from llmrec.settings import LanguageModelSettings
from llmrec.types import Evidence, Explanation, ItemId
from tests.language_model.tiny import save_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def examples(films: Catalogue, n: int, *, max_words: int = 22) -> list[Example]:
    template = PromptLibrary.load()["explain_written"]
    rng = np.random.default_rng(3)
    generator = Generator([films], template, lambda text: len(text.split()), rng, max_tokens=max_words)
    return list(islice(generator.examples(), n))


def test_sentences_are_short_and_begin_as_they_were_asked_to(films: Catalogue) -> None:
    for example in examples(films, 60):
        asked, _, first = example.prompt.messages[-1].content.rpartition("\nBegin with: ")
        assert first in OPENINGS
        assert example.answer.split()[0].strip(",") == first
        assert len(example.answer.split()) <= 22
        assert asked.startswith("- ")


def test_the_same_seed_makes_the_same_sentences_in_many_shapes(films: Catalogue) -> None:
    made = examples(films, 40)
    assert made == examples(films, 40)
    assert len({example.answer for example in made}) > 35


def test_what_is_trained_writes_where_it_is_named(films: Catalogue, tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base", context=8192)
    config = ExplainTraining(
        base=str(base), device="cpu", rank=2, batch_size=2, steps=2, evaluations=2, n_validated=1, max_tokens=200
    )
    out, store = tmp_path / "writer", AssetStore(tmp_path / "cache")
    record = run(config, {"films": films}, out, minutes=None, store=store, command="by hand")
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    assert record["steps"] == 2
    assert record["catalogues"] == {"films": films.content_hash}
    model = load_language_model(LanguageModelSettings(model=str(base), writer=str(out)), store)
    assert isinstance(model, TransformersLM)
    assert model.adapter == ""
    writer = SentenceWriter(model.with_adapter(WRITER), writing_template(out, PromptLibrary.load()), films)
    cites = (Evidence("constraint", "it is from 1996, not before 1990", "year", "1996"),)
    # Random weights write nothing true, and nothing else is kept.
    assert writer.write([Explanation(ItemId("6"), "x", cites)], timeout_s=60.0) == [""]
