"""Every stage that settings can name is fitted from one table, scores histories, and comes back from its directory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.index import fitted_retrievers
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import STAGES, STORED, StageContext, require_stages

SMALL = [
    f"models.sequential_{setting}" for setting in ("dim=4", "n_heads=1", "n_blocks=1", "max_epochs=1", "max_length=3")
]


@pytest.fixture(scope="module")
def context(films: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    vectors = embed_resumable(films, HashingEmbedder(), tmp_path_factory.mktemp("vectors"))
    store = ExactVectorStore(films.ids, vectors)
    return StageContext(films, Settings().changed(SMALL), vectors=lambda: store)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_scores_every_item_under_its_own_name(
    name: str, context: StageContext, interactions: Interactions
) -> None:
    scorer = STAGES[name].fit(interactions, context, 0)
    scores = scorer.score_histories(interactions.histories())
    assert scorer.name == name
    assert (scores.shape, scores.dtype) == ((4, 10), np.float32)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", STORED)
def test_what_is_stored_comes_back_the_same(
    name: str, context: StageContext, interactions: Interactions, tmp_path: Path
) -> None:
    fitted = STORED[name].fit(interactions, context, 0)
    fitted.save(tmp_path / name)
    loaded = STORED[name].load(tmp_path / name, context.catalogue.ids)
    everybody = interactions.histories()
    np.testing.assert_array_equal(loaded.score_histories(everybody), fitted.score_histories(everybody))


def test_a_build_fits_what_settings_give_a_weight(context: StageContext, interactions: Interactions) -> None:
    chosen = context.settings.changed(["retrieval.itemknn=1", "retrieval.hybrid=0", "retrieval.ease=1"])
    fitted = fitted_retrievers(interactions, StageContext(context.catalogue, chosen, context.vectors))
    assert fitted.keys() == {"bm25", "ease", "popularity", "itemknn"}


def test_by_default_a_build_fits_the_hybrid_and_nothing_it_is_made_of(
    context: StageContext, interactions: Interactions
) -> None:
    assert fitted_retrievers(interactions, context).keys() == {"bm25", "hybrid", "popularity"}


def test_without_interactions_there_is_no_hybrid(context: StageContext, films: Catalogue) -> None:
    nothing = Interactions.from_rows((), films)
    assert fitted_retrievers(nothing, context).keys() == {"bm25", "popularity"}


def test_whoever_builds_is_told_of_each_part_of_the_hybrid_and_the_log_of_each_retriever(
    context: StageContext, interactions: Interactions, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    STORED["hybrid"].fit(interactions, replace(context, on_part=told.append), 0)
    assert told[-4:] == ["ease", "transitions", "slit", "itemknn"]
    with caplog.at_level("INFO", "llmrec.index"):
        fitted_retrievers(interactions, context)
    assert [record.retriever for record in caplog.records] == ["bm25", "hybrid", "popularity"]


def test_hyper_parameters_are_settings(context: StageContext, interactions: Interactions) -> None:
    def scores(*assignments: str) -> list[list[float]]:
        chosen = StageContext(context.catalogue, context.settings.changed(assignments), context.vectors)
        return STAGES["transitions"].fit(interactions, chosen, 0).score_histories(interactions.histories()).tolist()

    assert scores("models.transitions_window=1") != scores("models.transitions_window=3")


def test_a_stage_that_is_not_there_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"no stage is called 'eese'\. Did you mean 'ease'\? Known: popularity"):
        require_stages(["popularity", "eese"], STAGES)
