"""EASE: exact weights, the version for many items, and what it says."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError, ConfigError, DataError
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.item_weights import exact_weights, kept_weights, met_matrix, neighbour_weights
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import RetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract


class EASEContract(RetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    """All that EASE promises; every way to keep its weights keeps it."""

    @pytest.fixture
    def fit(self) -> Fit:
        return partial(EASERetriever.fit, l2=1.0)

    @pytest.fixture
    def retriever(self, fit: Fit, interactions: Interactions) -> EASERetriever:
        fitted = fit(interactions)
        assert isinstance(fitted, EASERetriever)
        return fitted

    @pytest.fixture
    def scorer(self, retriever: EASERetriever) -> EASERetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: EASERetriever) -> EASERetriever:
        return retriever


class TestEASERetriever(EASEContract):
    pass


class TestEASERetrieverWithFewWeightsKept(EASEContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return partial(EASERetriever.fit, l2=1.0, max_dense_items=2, max_kept=4)


class TestEASERetrieverOfNeighbours(EASEContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return partial(EASERetriever.fit, max_exact_items=0)


class TestLoadedEASERetriever(EASEContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> Fit:
        def fit_and_load(interactions: Interactions) -> EASERetriever:
            EASERetriever.fit(interactions, l2=1.0).save(tmp_path)
            return EASERetriever.load(tmp_path, films.ids)

        return fit_and_load


class TestSparseEASERetriever(EASEContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> Fit:
        def fit_and_load(interactions: Interactions) -> EASERetriever:
            EASERetriever.fit(interactions, max_exact_items=0).save(tmp_path)
            return EASERetriever.load(tmp_path, films.ids)

        return fit_and_load


def table(*histories: str) -> Interactions:
    """Users met the items named by the letters, in order."""
    catalogue = Catalogue([Item(ItemId(name), name) for name in "abcd"])
    rows = (Interaction(UserId(str(u)), ItemId(i)) for u, history in enumerate(histories) for i in history)
    return Interactions.from_rows(rows, catalogue)


def test_weights_of_two_items_are_those_worked_by_hand() -> None:
    # G = [[2, 1], [1, 1]] + 1 on the diagonal; P = inverse = [[2, -1], [-1, 3]] / 5; B_ij = -P_ij / P_jj.
    _, met = met_matrix(table("ab", "a"))
    np.testing.assert_allclose(exact_weights(met, 1.0), [[0, 1 / 3], [1 / 2, 0]], rtol=1e-6)


def test_weights_of_many_items_agree_with_a_plain_inverse() -> None:
    # More items than one block holds, so that blocks meet their neighbours.
    rng = np.random.default_rng(0)
    catalogue = Catalogue([Item(ItemId(str(n)), str(n)) for n in range(1100)])
    rows = (Interaction(UserId(str(u)), ItemId(str(i))) for u in range(300) for i in rng.integers(0, 1100, 30))
    _, met = met_matrix(Interactions.from_rows(rows, catalogue))
    dense = met.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 10.0 * np.eye(dense.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(exact_weights(met, 10.0), expected, atol=1e-6)


def test_the_weights_kept_are_the_largest_of_each_column_of_the_exact_ones() -> None:
    rng = np.random.default_rng(1)
    catalogue = Catalogue([Item(ItemId(str(n)), str(n)) for n in range(300)])  # more than one block of columns
    rows = (Interaction(UserId(str(u)), ItemId(str(i))) for u in range(200) for i in rng.integers(0, 300, 12))
    _, met = met_matrix(Interactions.from_rows(rows, catalogue))
    exact, kept = exact_weights(met, 5.0), kept_weights(met, 5.0, 7).toarray()
    assert ((kept != 0).sum(axis=0) == 7).all()
    np.testing.assert_allclose(kept[kept != 0], exact[kept != 0], rtol=1e-6)
    smallest_kept = np.where(kept != 0, np.abs(kept), np.inf).min(axis=0)
    assert (np.where(kept == 0, np.abs(exact), 0).max(axis=0) <= smallest_kept).all()


def test_a_share_is_the_weight_of_the_item_times_its_recency() -> None:
    # G = [[2, 1], [1, 1]] + 1 on the diagonal: a to b weighs 1/3, b to a 1/2; see above.
    retriever = EASERetriever.fit(table("ab", "a"), l2=1.0, half_life=1.0)
    parts = retriever.explain(asks(history=("a", "c")), ItemId("b"))
    assert parts.items == pytest.approx({"a": 1 / 3 / 2})
    assert parts.score == pytest.approx(1 / 6)


def test_a_directory_of_an_older_version_is_refused(
    interactions: Interactions, films: Catalogue, tmp_path: Path
) -> None:
    EASERetriever.fit(interactions).save(tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    del settings["max_kept"]
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(ArtifactError, match=r"of an older version: it lacks 'max_kept'\. Build it again"):
        EASERetriever.load(tmp_path, films.ids)


def test_newer_items_of_the_history_count_more() -> None:
    retriever = EASERetriever.fit(table("ac", "bd", "abcd"), l2=1.0, half_life=1.0)
    assert retriever.retrieve(asks(history=("a", "b")), 9, allowed=np.array([0, 0, 1, 1], dtype=bool))[0].item_id == "d"
    assert retriever.retrieve(asks(history=("b", "a")), 9, allowed=np.array([0, 0, 1, 1], dtype=bool))[0].item_id == "c"


def test_an_item_met_twice_counts_once_at_its_newest_place() -> None:
    retriever = EASERetriever.fit(table("ac", "bd", "abcd"), l2=1.0, half_life=1.0)
    np.testing.assert_array_equal(
        retriever.scores(asks(history=("a", "b", "a"))), retriever.scores(asks(history=("b", "a")))
    )


def test_disliked_items_do_not_seed(interactions: Interactions) -> None:
    assert not EASERetriever.fit(interactions).retrieve(asks(history=("2",), disliked=("2",)), 5)


def test_no_interactions_give_a_retriever_that_says_nothing(films: Catalogue, tmp_path: Path) -> None:
    nothing = Interactions.from_rows((), films)
    for max_exact_items in (12_000, -1):
        retriever = EASERetriever.fit(nothing, max_exact_items=max_exact_items)
        assert not retriever.retrieve(asks(history=("2",)), 5)
        retriever.save(tmp_path)
        assert not EASERetriever.load(tmp_path, films.ids).retrieve(asks(history=("2",)), 5)


def test_beyond_the_limit_weights_are_shrunk_cosines_of_the_nearest_items() -> None:
    # a with b: met together by 2, by 2 and 3 users each; c with b: by 1, of 1 and 3.
    _, met = met_matrix(table("ab", "ab", "bc"))
    weights = neighbour_weights(met, 1.0, 2).toarray()
    ab, bc = 2 / (np.sqrt(2 * 3) + 1), 1 / (np.sqrt(3 * 1) + 1)
    np.testing.assert_allclose(weights, [[0, ab, 0], [ab, 0, bc], [0, bc, 0]], rtol=1e-6)
    nearest = neighbour_weights(met, 1.0, 1).toarray()
    np.testing.assert_allclose(nearest, [[0, ab, 0], [ab, 0, bc], [0, 0, 0]], rtol=1e-6)


def test_what_would_not_fit_in_memory_is_refused_before_it_is_tried(interactions: Interactions) -> None:
    with pytest.raises(DataError, match=r"EASE over 9 items needs about 0\.0 GiB and may use 0\.0 GiB"):
        EASERetriever.fit(interactions, max_memory_bytes=100)


def test_numbers_out_of_range_are_refused(interactions: Interactions) -> None:
    with pytest.raises(ConfigError, match=r"l2 is 0"):
        EASERetriever.fit(interactions, l2=0)
    with pytest.raises(ConfigError, match=r"half_life is 0; it must be above 0"):
        EASERetriever.fit(interactions, half_life=0)


def test_files_of_another_retriever_are_refused(interactions: Interactions, films: Catalogue, tmp_path: Path) -> None:
    EASERetriever.fit(interactions, max_exact_items=0).save(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match=r"weights\.npz cannot be read"):
        EASERetriever.load(tmp_path, films.ids)
    (tmp_path / "settings.json").write_text('{"kind": "popularity"}')
    with pytest.raises(ArtifactError, match="was not written by 'ease'"):
        EASERetriever.load(tmp_path, films.ids)
