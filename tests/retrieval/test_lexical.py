"""Retrieval by words."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError
from llmrec.interfaces import Retriever
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.types import Item, ItemId
from tests.contracts.retriever import RetrieverContract, asks


class TestBM25Retriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, films: Catalogue) -> Retriever:
        return BM25Retriever.fit(films)


class TestLoadedBM25Retriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, films: Catalogue, tmp_path: Path) -> Retriever:
        BM25Retriever.fit(films).save(tmp_path)
        return BM25Retriever.load(tmp_path, films.ids)


def test_only_items_that_share_a_word_come_out(films: Catalogue) -> None:
    found = BM25Retriever.fit(films).retrieve(asks("I want a romance in Paris"), 10)
    assert [candidate.item_id for candidate in found] == ["10", "7", "8"]


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
