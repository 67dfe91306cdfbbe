"""Vague words read by likeness to phrases."""

from collections.abc import Sequence
from typing import Literal

import pytest

from llmrec.dialogue.concepts import Concept
from llmrec.dialogue.vague import LikenessReader
from llmrec.dialogue.vocabulary import HIGH, LOW, Meaning, Vocabulary
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.types import Vectors
from tests.dialogue.topics import TopicEmbedder

VOCABULARY = Vocabulary({"genres": ("Comedy", "Horror"), "pages": (LOW, HIGH)}, {"pages": (100.0, 300.0)})
CONCEPTS = (
    Concept(("comedy",), ("make me laugh", "funny", "witty", "a laugh")),
    Concept(("horror",), ("ghosts", "scary", "nightmares", "creepy ghosts")),
    Concept(("pages",), ("quick", "brief", "not quick to bore", "an hour"), "less"),
    Concept((), ("hello", "the weather", "my neighbour", "hello weather")),
)


def told(meanings: Sequence[Meaning]) -> str:
    return ";".join(map(str, meanings)) or "none"


@pytest.fixture
def reader() -> LikenessReader:
    return LikenessReader(VOCABULARY, CONCEPTS, TopicEmbedder())


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("something cheerful", "genres=Comedy"),
        ("nothing creepy", "not genres=Horror"),
        ("I can't stand ghosts", "not genres=Horror"),
        ("cheerful, but nothing creepy", "genres=Comedy;not genres=Horror"),
        ("something brief", "pages=low"),
        ("not an hour", "pages=low"),
        ("about a lighthouse", "none"),
        ("nothing at all", "none"),
        ("", "none"),
    ],
)
def test_words_mean_what_is_said_alike(reader: LikenessReader, words: str, meant: str) -> None:
    assert told(reader.read(words)) == meant


def test_an_encoder_that_confuses_all_reads_nothing() -> None:
    class Confused(TopicEmbedder):
        def embed(self, texts: Sequence[str], *, kind: Literal["query", "document"]) -> Vectors:
            return super().embed(["hello"] * len(texts), kind=kind)

    assert LikenessReader(VOCABULARY, CONCEPTS, Confused()).read("she has to laugh") == ()


def test_without_anything_to_mean_nothing_is_read() -> None:
    assert LikenessReader(Vocabulary({}, {}), CONCEPTS, HashingEmbedder()).read("make me laugh") == ()


def test_what_is_said_word_for_word_needs_no_encoder() -> None:
    reader = LikenessReader(VOCABULARY, CONCEPTS, HashingEmbedder())
    assert told(reader.read("something witty")) == "genres=Comedy"
    assert told(reader.read("nothing with nightmares")) == "not genres=Horror"
