"""Each item's nearest neighbours by who met them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError, ConfigError
from llmrec.retrieval.item_knn import ItemKNNRetriever
from llmrec.retrieval.item_weights import bm25_weighted, idf_weighted, met_table
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import RetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import UpdatableContract
from tests.retrieval.test_collaborative import table

FitKNN = Callable[[Interactions], ItemKNNRetriever]


class ItemKNNContract(RetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    @pytest.fixture
    def fit(self) -> FitKNN:
        return ItemKNNRetriever.fit

    @pytest.fixture
    def retriever(self, fit: FitKNN, interactions: Interactions) -> ItemKNNRetriever:
        return fit(interactions)

    @pytest.fixture
    def scorer(self, retriever: ItemKNNRetriever) -> ItemKNNRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: ItemKNNRetriever) -> ItemKNNRetriever:
        return retriever


class TestItemKNNRetriever(ItemKNNContract):
    pass


class TestItemKNNRetrieverOfFewNeighbours(ItemKNNContract):
    @pytest.fixture
    def fit(self) -> FitKNN:
        return partial(ItemKNNRetriever.fit, n_neighbours=2, shrinkage=0.0, weighting="idf")


class TestItemKNNRetrieverWeightedAsBM25(ItemKNNContract):
    @pytest.fixture
    def fit(self) -> FitKNN:
        return partial(ItemKNNRetriever.fit, weighting="bm25")


class TestLoadedItemKNNRetriever(ItemKNNContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> FitKNN:
        def fit_and_load(interactions: Interactions) -> ItemKNNRetriever:
            ItemKNNRetriever.fit(interactions, weighting="idf").save(tmp_path)
            return ItemKNNRetriever.load(tmp_path, films.ids)

        return fit_and_load


def test_scores_are_the_cosines_worked_by_hand() -> None:
    # a with b: met together by 2, by 2 and 3 users each; c with b: by 1, of 1 and 3.
    knn = ItemKNNRetriever.fit(table("ab", "ab", "bc"), shrinkage=1.0)
    np.testing.assert_allclose(
        knn.scores(asks(history=("b",))), [2 / (np.sqrt(6) + 1), 0, 1 / (np.sqrt(3) + 1), 0], rtol=1e-6
    )


def test_the_neighbours_of_each_item_to_score_are_cut_not_those_of_the_history() -> None:
    knn = ItemKNNRetriever.fit(table("ab", "ab", "bc"), n_neighbours=1, shrinkage=0.0)
    assert [c.item_id for c in knn.retrieve(asks(history=("b",)), 9)] == ["a", "c"]
    assert not knn.retrieve(asks(history=("c",)), 9)


def test_neighbours_tied_at_the_edge_all_stay() -> None:
    # b and c were both met by one user together with a; neither comes first, whatever their places in the catalogue.
    knn = ItemKNNRetriever.fit(table("ab", "ac"), n_neighbours=1)
    assert knn.scores(asks(history=("b",)))[0] == knn.scores(asks(history=("c",)))[0] > 0


def test_users_who_met_much_weigh_less_with_idf() -> None:
    # Four items: a user of two weighs 1 - ln 3 / ln 4, a user of three 1 - ln 4 / ln 4 = 0.
    of_two = 1 - np.log(3) / np.log(4)
    weighted = idf_weighted(met_table(table("ab", "abc"))).toarray()
    np.testing.assert_allclose(weighted, [[of_two, of_two, 0, 0], [0, 0, 0, 0]], atol=1e-6)


def test_popular_items_weigh_less_with_bm25() -> None:
    # Counts a 2, b 1, c 1, d 0, mean 1; users weigh 1 - ln 3 / ln 4; b weighs 2.2 / (1.2 * (0.25 + 0.75 * 1) + 1) = 1.
    weighted = bm25_weighted(met_table(table("ab", "ac"))).toarray()
    user = 1 - np.log(3) / np.log(4)
    of_a = 2.2 / (1.2 * (0.25 + 0.75 * 2) + 1)
    np.testing.assert_allclose(weighted[0], [user * of_a, user, 0, 0], rtol=1e-6)


def test_numbers_and_names_out_of_range_are_refused(interactions: Interactions) -> None:
    with pytest.raises(ConfigError, match=r"n_neighbours is 0, shrinkage 10\.0, weighting 'plain'"):
        ItemKNNRetriever.fit(interactions, n_neighbours=0)
    with pytest.raises(ConfigError, match="one of plain, idf, bm25"):
        ItemKNNRetriever.fit(interactions, weighting="tfidf")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="half_life is nan"):
        ItemKNNRetriever.fit(interactions, half_life=float("nan"))


def test_a_damaged_file_is_refused(interactions: Interactions, films: Catalogue, tmp_path: Path) -> None:
    ItemKNNRetriever.fit(interactions).save(tmp_path)
    (tmp_path / "neighbours.npz").write_bytes(b"PK")
    with pytest.raises(ArtifactError, match=r"neighbours\.npz cannot be read"):
        ItemKNNRetriever.load(tmp_path, films.ids)


def test_no_interactions_say_nothing(films: Catalogue) -> None:
    assert not ItemKNNRetriever.fit(Interactions.from_rows((), films)).retrieve(asks(history=("2",)), 5)
