"""What most users met."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.popularity import PopularityRetriever
from llmrec.types import Interaction, ItemId, Query, UserId
from tests.contracts.history_scorer import QueryScorerContract
from tests.contracts.retriever import PartialRetrieverContract
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract


class PopularityContract(PartialRetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return PopularityRetriever.fit

    @pytest.fixture
    def retriever(self, fit: Fit, interactions: Interactions) -> PopularityRetriever:
        fitted = fit(interactions)
        assert isinstance(fitted, PopularityRetriever)
        return fitted

    @pytest.fixture
    def scorer(self, retriever: PopularityRetriever) -> PopularityRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: PopularityRetriever) -> PopularityRetriever:
        return retriever


class TestPopularityRetriever(PopularityContract):
    pass


class TestLoadedPopularityRetriever(PopularityContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> Fit:
        def fit_and_load(interactions: Interactions) -> PopularityRetriever:
            PopularityRetriever.fit(interactions, half_life_s=3.0).save(tmp_path)
            return PopularityRetriever.load(tmp_path, films.ids)

        return fit_and_load


def test_the_most_met_come_first_and_those_nobody_met_not_at_all(interactions: Interactions) -> None:
    found = PopularityRetriever.fit(interactions).retrieve(Query(), 10)
    assert [(c.item_id, c.score) for c in found][:4] == [("2", 2.0), ("3", 2.0), ("8", 2.0), ("10", 2.0)]
    assert {c.item_id for c in found} == {"1", "2", "3", "4", "5", "6", "7", "8", "10"}


def test_old_interactions_count_less_when_they_decay(films: Catalogue) -> None:
    rows = [Interaction(UserId(user), ItemId("1"), at=0.0) for user in "abc"]
    rows += [Interaction(UserId("d"), ItemId("2"), at=20.0)]
    interactions = Interactions.from_rows(rows, films)
    assert PopularityRetriever.fit(interactions).retrieve(Query(), 1)[0].item_id == "1"
    found = PopularityRetriever.fit(interactions, half_life_s=10.0).retrieve(Query(), 2)
    assert [(c.item_id, c.score) for c in found] == [("2", 1.0), ("1", 0.75)]


def test_interactions_without_time_all_count_alike(films: Catalogue) -> None:
    interactions = Interactions.from_rows([Interaction(UserId("a"), ItemId("1"))], films)
    assert PopularityRetriever.fit(interactions, half_life_s=1.0).retrieve(Query(), 2)[0].score == 1.0


def test_a_catalogue_nobody_used_has_no_popular_items(films: Catalogue) -> None:
    assert not PopularityRetriever.fit(Interactions.from_rows((), films)).retrieve(Query(), 3)
    with pytest.raises(ConfigError, match="half_life_s is 0"):
        PopularityRetriever.fit(Interactions.from_rows((), films), half_life_s=0)
