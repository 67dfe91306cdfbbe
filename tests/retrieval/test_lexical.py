"""Retrieval by words."""

from pathlib import Path

import bm25s
import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError, ConfigError
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.retrieval.words import words
from llmrec.types import Item, ItemId
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import PartialRetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract


class BM25Contract(PartialRetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    @pytest.fixture
    def retriever(self, films: Catalogue) -> BM25Retriever:
        return BM25Retriever.fit(films, n_items=3)

    @pytest.fixture
    def fit(self, retriever: BM25Retriever) -> Fit:
        return lambda _: retriever

    @pytest.fixture
    def scorer(self, retriever: BM25Retriever) -> BM25Retriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: BM25Retriever) -> BM25Retriever:
        return retriever


class TestBM25Retriever(BM25Contract):
    pass


class TestLoadedBM25Retriever(BM25Contract):
    @pytest.fixture
    def retriever(self, films: Catalogue, tmp_path: Path) -> BM25Retriever:
        BM25Retriever.fit(films, n_items=3).save(tmp_path)
        return BM25Retriever.load(tmp_path, films.ids)


def test_only_items_that_share_a_word_come_out(films: Catalogue) -> None:
    found = BM25Retriever.fit(films).retrieve(asks("I want a romance in Paris"), 10)
    assert [candidate.item_id for candidate in found] == ["10", "7", "8"]


def test_a_word_that_everything_allowed_has_is_no_reason(films: Catalogue) -> None:
    romances = np.array([item_id in {"7", "8", "10"} for item_id in films])
    retriever = BM25Retriever.fit(films)
    found = retriever.retrieve(asks("I want a romance in Paris"), 10, allowed=romances)
    assert [candidate.item_id for candidate in found] == ["10"]
    assert retriever.retrieve(asks("romance"), 10, allowed=romances) == []


def test_accents_and_plurals_do_not_hide_an_item(films: Catalogue) -> None:
    assert BM25Retriever.fit(films).retrieve(asks("amelie"), 3)[0].item_id == "10"
    assert BM25Retriever.fit(films).retrieve(asks("waitresses"), 1)[0].item_id == "10"


def test_a_wish_of_unknown_or_filler_words_says_nothing(films: Catalogue) -> None:
    retriever = BM25Retriever.fit(films)
    assert not retriever.retrieve(asks("something for me please"), 3)
    assert not retriever.retrieve(asks("zyzzyva"), 3)


def test_a_catalogue_without_items_or_words_is_no_accident() -> None:
    assert not BM25Retriever.fit(Catalogue([])).retrieve(asks("lamp"), 3)
    assert not BM25Retriever.fit(Catalogue([Item(ItemId("1"), "the")])).retrieve(asks("lamp"), 3)


def test_a_damaged_index_is_refused(films: Catalogue, tmp_path: Path) -> None:
    BM25Retriever.fit(films).save(tmp_path)
    (tmp_path / "index" / "vocab.index.json").write_text("{", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"the word index in .* is damaged"):
        BM25Retriever.load(tmp_path, films.ids)


def test_scores_are_those_of_the_library(films: Catalogue) -> None:
    documents = [words(item_document(item)) for item in films.values()]
    library = bm25s.BM25(k1=1.2, b=0.5, method="lucene", backend="numpy")
    library.index(documents, show_progress=False)
    asked = "tense horror in space and space"
    found = BM25Retriever.fit(films, k1=1.2, b=0.5).scores(asks(asked))
    np.testing.assert_allclose(found, library.get_scores(words(asked)), rtol=1e-5)


def test_without_a_wish_the_documents_of_the_newest_items_ask(films: Catalogue) -> None:
    retriever = BM25Retriever.fit(films, n_items=2)
    said = " ".join(item_document(films[ItemId(number)]) for number in ("3", "9"))
    by_history = retriever.scores(asks(history=("7", "9", "3")))
    np.testing.assert_allclose(by_history, retriever.scores(asks(said)), rtol=1e-5)


def test_a_history_without_a_wish_has_scores_and_no_candidates(films: Catalogue) -> None:
    retriever, query = BM25Retriever.fit(films), asks(history=("2",))
    assert retriever.scores(query).any()
    assert not retriever.retrieve(query, 9)


def test_a_wish_silences_the_history(films: Catalogue) -> None:
    retriever = BM25Retriever.fit(films)
    np.testing.assert_array_equal(retriever.scores(asks("paris", history=("2",))), retriever.scores(asks("paris")))


def test_each_word_has_its_share(films: Catalogue) -> None:
    parts = BM25Retriever.fit(films).explain(asks("horror in a deep space of Paris"), ItemId("2"))
    assert set(parts.words) == {"horror", "deep", "space"}
    assert min(parts.words.values()) > 0


def test_somebody_has_to_speak(films: Catalogue) -> None:
    with pytest.raises(ConfigError, match="n_items is 0; at least 1"):
        BM25Retriever.fit(films, n_items=0)
