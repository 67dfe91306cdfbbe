"""Vague Chinese words mean what the English ones mean, wherever they stand in a message."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.leanings import Leanings
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.dialogue.vague_words import LANGUAGES, WordReader, vocabulary_concepts, word_readers
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Vocabulary
from tests.dialogue.reading_out import say

VOCABULARY = Vocabulary(
    {"genres": ("Comedy", "Horror"), "wireless": (YES,), "price": (LOW, HIGH), "pages": (LOW, HIGH)},
    {"price": (10.0, 90.0), "pages": (100.0, 300.0)},
)


@pytest.fixture(scope="module")
def reader() -> WordReader:
    return WordReader(VOCABULARY, concepts_in("zh"))


@pytest.fixture(scope="module")
def tracker(films: Catalogue) -> GrammarTracker:
    vocabulary = Vocabulary.of(films, vocabulary_concepts())
    leanings = Leanings(films, vocabulary, (), others=word_readers(vocabulary))
    return GrammarTracker(films, TitleIndex(films), leanings=leanings)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("搞笑", "genres=Comedy"),
        ("来个搞笑又便宜的", "genres=Comedy price=low"),
        ("不要吓人", "not genres=Horror"),
        ("不要血腥吓人, 但是好笑", "not genres=Horror genres=Comedy"),
        ("不要太贵", "price=low"),
        ("不要有线", "wireless=yes"),
        ("不便宜也不高档", ""),
        ("便宜但高档", "price=low"),
        ("特别搞笑", "genres=Comedy"),
        ("不错的搞笑", "genres=Comedy"),
        ("温暖", "genres=Comedy"),
        ("西部牛仔", ""),
        ("随便看看", ""),
        ("", ""),
    ],
)
def test_words_are_read_where_they_stand(reader: WordReader, words: str, meant: str) -> None:
    assert " ".join(map(str, reader.read(words))) == meant


@pytest.mark.parametrize(
    ("message", "note"),
    [("想看点轻松的", "“轻松”，所以更偏向Comedy。"), ("不要血腥的", "“不要血腥”，所以更偏向不要Horror。")],
)
def test_a_leaning_is_told_in_the_words_of_the_user(tracker: GrammarTracker, message: str, note: str) -> None:
    understood = say(tracker, message)
    assert understood.notes == (note,)
    assert [entry.read_by for entry in understood.profile.leanings] == ["words"]


def test_words_that_no_list_has_are_said_to_be_out_of_reach(tracker: GrammarTracker) -> None:
    assert "条目的说明不是中文" in " ".join(say(tracker, "想看关于灯塔的").notes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_first_name_of_another_language_is_one_of_the_english_file(language: str) -> None:
    known = {(concept.direction, concept.names[:1]) for concept in concepts_in("en")}
    own = [(concept.direction, concept.names[:1]) for concept in concepts_in(language)]
    assert set(own) <= known
    assert len(own) == len(set(own))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_stand_under_two_names(language: str) -> None:
    said = [phrase for concept in concepts_in(language) for phrase in concept.phrases]
    assert len(said) == len(set(said))
