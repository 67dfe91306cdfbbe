"""The Transformer retrievers: what they learn, what they say of cold items, and that they keep it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError, DataError, UnknownItemError
from llmrec.interfaces import Retriever
from llmrec.retrieval.sequential import SASRecRetriever, TextSequentialRetriever
from llmrec.retrieval.sequential_plan import Compute, TextReading
from llmrec.types import Histories, ItemId, Query
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import RetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.retrieval.walks import COLD, QUICK, TINY, circle, first, texts, walks

SHORT = replace(QUICK, max_epochs=2)
READING = TextReading(id_dropout=0.5, cold_bonus=0.0)


@pytest.fixture(scope="module")
def sasrec() -> SASRecRetriever:
    return SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=QUICK)


@pytest.fixture(scope="module")
def with_texts() -> TextSequentialRetriever:
    return TextSequentialRetriever.fit(walks(), texts(), seed=1, shape=TINY, training=QUICK, reading=READING)


@pytest.fixture(scope="module")
def of_films(interactions: Interactions) -> SASRecRetriever:
    return SASRecRetriever.fit(interactions, seed=0, shape=TINY, training=SHORT)


@pytest.fixture(scope="module")
def of_film_texts(interactions: Interactions, films: Catalogue) -> TextSequentialRetriever:
    vectors = np.eye(len(films), dtype=np.float32)
    return TextSequentialRetriever.fit(interactions, vectors, seed=0, shape=TINY, training=SHORT)


class TestSASRecRetriever(RetrieverContract, QueryScorerContract, ScorePartsContract):
    @pytest.fixture
    def retriever(self, of_films: SASRecRetriever) -> SASRecRetriever:
        return of_films

    @pytest.fixture
    def scorer(self, retriever: SASRecRetriever) -> SASRecRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: SASRecRetriever) -> SASRecRetriever:
        return retriever


class TestLoadedSASRecRetriever(RetrieverContract):
    @pytest.fixture
    def retriever(self, of_films: SASRecRetriever, films: Catalogue, tmp_path: Path) -> Retriever:
        of_films.save(tmp_path)
        return SASRecRetriever.load(tmp_path, films.ids)


class TestTextSequentialRetriever(RetrieverContract, QueryScorerContract, ScorePartsContract):
    @pytest.fixture
    def retriever(self, of_film_texts: TextSequentialRetriever) -> TextSequentialRetriever:
        return of_film_texts

    @pytest.fixture
    def scorer(self, retriever: TextSequentialRetriever) -> TextSequentialRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: TextSequentialRetriever) -> TextSequentialRetriever:
        return retriever


@pytest.mark.parametrize("start", range(8))
def test_it_learns_which_item_follows(sasrec: SASRecRetriever, start: int) -> None:
    names = "abcdefgh" * 2
    assert first(sasrec, *names[start : start + 3]) == names[start + 3]


def test_the_newest_item_decides_in_a_walk(sasrec: SASRecRetriever) -> None:
    assert first(sasrec, "a", "c") == "d"
    assert first(sasrec, "c", "a") == "b"


def test_sampled_competitors_teach_the_same() -> None:
    sampled = replace(QUICK, n_negatives=4)
    assert first(SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=sampled), "b", "c") == "d"


def test_products_in_bfloat16_teach_the_same() -> None:
    rough = SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=QUICK, compute=Compute(dtype="bfloat16"))
    assert first(rough, "b", "c") == "d"
    assert rough.scores(asks(history=("b", "c"))).dtype == np.float32


def test_reading_the_text_does_not_hinder_learning(with_texts: TextSequentialRetriever) -> None:
    assert first(with_texts, "f", "g") == "h"


def test_a_cold_item_is_found_by_its_text(with_texts: TextSequentialRetriever) -> None:
    unseen = np.array([item_id not in ("a", "b", "c") for item_id in circle()])
    found = [c.item_id for c in with_texts.retrieve(asks(history=("a", "b", "c")), 2, allowed=unseen)]
    assert found == ["d", COLD]


def test_a_cold_item_is_read_by_its_text(with_texts: TextSequentialRetriever) -> None:
    others = np.array([item_id not in ("d", COLD) for item_id in circle()])
    assert with_texts.retrieve(asks(history=(COLD,)), 1, allowed=others)[0].item_id == "e"


def test_a_bonus_lifts_cold_items_alone(with_texts: TextSequentialRetriever) -> None:
    lifted = TextSequentialRetriever.fit(
        walks(), texts(), seed=1, shape=TINY, training=QUICK, reading=replace(READING, cold_bonus=3.0)
    )
    query = asks(history=("a", "b", "c"))
    difference = lifted.scores(query) - with_texts.scores(query)
    np.testing.assert_allclose(difference, [0, 0, 0, 0, 0, 0, 0, 0, 3], atol=1e-5)
    parts = lifted.explain(query, COLD)
    assert parts.rest - with_texts.explain(query, COLD).rest == pytest.approx(3.0, abs=1e-4)


def test_sasrec_does_not_know_a_cold_item(sasrec: SASRecRetriever) -> None:
    assert COLD not in {c.item_id for c in sasrec.retrieve(asks(history=("a", "b", "c")), 99)}
    scores = sasrec.scores(asks(history=("a", "b", "c")))
    assert scores[-1] == scores[:-1].min()
    np.testing.assert_array_equal(sasrec.scores(asks(history=("c", COLD))), sasrec.scores(asks(history=("c",))))


def test_many_histories_score_as_one_by_one(with_texts: TextSequentialRetriever) -> None:
    histories = walks(7).histories()
    table = with_texts.score_histories(histories)
    assert table.dtype == np.float32
    assert table.shape == (7, 9)
    names = ["abcdefgh"[item] for item in histories.items]
    for user in range(7):
        alone = with_texts.scores(asks(history=tuple(names[histories.starts[user] : histories.starts[user + 1]])))
        np.testing.assert_allclose(table[user], alone, atol=1e-5)


def test_histories_of_several_lengths_do_not_touch_each_other(sasrec: SASRecRetriever) -> None:
    long = np.array([0, 1, 2, 3, 4], dtype=np.int32)
    both = _histories(long, np.array([5], dtype=np.int32))
    alone = sasrec.score_histories(_histories(np.array([5], dtype=np.int32)))
    np.testing.assert_allclose(sasrec.score_histories(both)[1], alone[0], atol=1e-5)


def test_a_user_without_history_scores_zero_throughout(sasrec: SASRecRetriever) -> None:
    empty = np.empty(0, dtype=np.int32)
    table = sasrec.score_histories(_histories(empty, np.array([2], dtype=np.int32), empty))
    assert not table[[0, 2]].any()
    assert table[1].any()


def test_what_is_older_than_the_network_reads_does_not_count(sasrec: SASRecRetriever) -> None:
    newest = ("a", "b", "c", "d", "e", "f")
    np.testing.assert_array_equal(sasrec.scores(asks(history=("h", "g", *newest))), sasrec.scores(asks(history=newest)))


def test_the_same_seed_gives_the_same_scores_and_another_does_not() -> None:
    fits = [SASRecRetriever.fit(walks(), seed=seed, shape=TINY, training=SHORT) for seed in (3, 3, 4)]
    scores = [fit.scores(asks(history=("a", "b"))) for fit in fits]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert np.abs(scores[0] - scores[2]).max() > 1e-3


def test_fitting_leaves_the_generators_of_others_alone() -> None:
    before = torch.random.get_rng_state()
    SASRecRetriever.fit(walks(4), seed=3, shape=TINY, training=SHORT)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("names", ["hgfedcba", "cahbgdfe"])
def test_other_ids_for_the_same_items_change_nothing(names: str) -> None:
    # Item number n of the circle is called names[n]; the catalogue is sorted by id, so its order changes as well.
    plain = TextSequentialRetriever.fit(walks(), texts(), seed=5, shape=TINY, training=SHORT)
    places = circle(names).positions(ItemId(name) for name in (*names, COLD))
    vectors = np.empty_like(texts())
    vectors[places] = texts()
    renamed = TextSequentialRetriever.fit(walks(names=names), vectors, seed=5, shape=TINY, training=SHORT)
    expected = plain.scores(asks(history=("a", "b", "c")))
    np.testing.assert_allclose(renamed.scores(asks(history=tuple(names[:3])))[places], expected, atol=1e-6)


def test_what_is_saved_scores_the_same(with_texts: TextSequentialRetriever, tmp_path: Path) -> None:
    with_texts.save(tmp_path)
    loaded = TextSequentialRetriever.load(tmp_path, circle().ids)
    query = asks(history=("a", "b"))
    np.testing.assert_array_equal(loaded.scores(query), with_texts.scores(query))
    more = walks(3, longest=4)
    np.testing.assert_array_equal(
        loaded.update(walks(), more).scores(query), with_texts.update(walks(), more).scores(query)
    )


def test_other_items_and_damaged_files_are_refused(sasrec: SASRecRetriever, tmp_path: Path) -> None:
    sasrec.save(tmp_path)
    with pytest.raises(ArtifactError, match="made for other items"):
        SASRecRetriever.load(tmp_path, circle().ids[::-1])
    with pytest.raises(ArtifactError, match="not written by 'text_sequential'"):
        TextSequentialRetriever.load(tmp_path, circle().ids)
    settings = json.loads((tmp_path / "settings.json").read_text())
    (tmp_path / "settings.json").write_text(json.dumps({**settings, "dim": 32}))
    with pytest.raises(ArtifactError, match=r"network\.safetensors cannot be read"):
        SASRecRetriever.load(tmp_path, circle().ids)
    (tmp_path / "network.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ArtifactError, match=r"network\.safetensors cannot be read"):
        SASRecRetriever.load(tmp_path, circle().ids)


def test_the_parts_of_a_score_add_up_and_name_the_newest_item(sasrec: SASRecRetriever) -> None:
    query = asks(history=("e", "b", "c"))
    parts = sasrec.explain(query, ItemId("d"))
    assert parts.score == pytest.approx(float(sasrec.scores(query)[3]), abs=1e-5)
    assert sum(parts.items.values()) + parts.rest == pytest.approx(parts.score, abs=1e-6)
    assert set(parts.items) == {"e", "b", "c"}
    assert max(parts.items, key=lambda item_id: parts.items[item_id]) == "c"
    without_e = float(sasrec.scores(asks(history=("b", "c")))[3])
    assert parts.items[ItemId("e")] == pytest.approx(parts.score - without_e, abs=1e-5)


def test_an_only_item_explains_the_whole_score(sasrec: SASRecRetriever) -> None:
    parts = sasrec.explain(asks(history=("c",)), ItemId("d"))
    assert dict(parts.items) == {"c": pytest.approx(parts.score)}
    assert parts.rest == pytest.approx(0.0)


def test_what_cannot_be_explained_is_rest_or_refused(sasrec: SASRecRetriever) -> None:
    parts = sasrec.explain(asks(history=("c",)), COLD)
    assert (dict(parts.items), parts.rest) == ({}, parts.score)
    assert sasrec.explain(Query(), ItemId("d")).score == 0.0
    with pytest.raises(UnknownItemError, match="'zzz'"):
        sasrec.explain(asks(history=("c",)), ItemId("zzz"))


def test_no_interactions_say_nothing(films: Catalogue) -> None:
    none = Interactions.from_rows((), films)
    sasrec = SASRecRetriever.fit(none, seed=0, shape=TINY, training=SHORT)
    with_texts = TextSequentialRetriever.fit(
        none, np.eye(len(films), dtype=np.float32), seed=0, shape=TINY, training=SHORT
    )
    for retriever in (sasrec, with_texts):
        assert not retriever.retrieve(asks(history=("2",)), 5)
        assert not retriever.scores(asks(history=("2",))).any()


def test_texts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"\(3, 2\) do not fit 9 items"):
        TextSequentialRetriever.fit(walks(), np.zeros((3, 2), dtype=np.float32), seed=0)
    with pytest.raises(DataError, match="not finite"):
        TextSequentialRetriever.fit(walks(), np.full((9, 2), np.nan, dtype=np.float32), seed=0)


def _histories(*items: np.ndarray) -> Histories:
    starts = np.concatenate([[0], np.cumsum([len(row) for row in items])]).astype(np.int64)
    joined = np.concatenate(items)
    return Histories(starts, joined, np.ones(len(joined), dtype=np.float32), np.zeros(len(joined)))
