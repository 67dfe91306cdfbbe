"""Every stage that settings can name is fitted from one table, scores histories, and comes back from its directory."""

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
    chosen = context.settings.changed(["retrieval.itemknn=1", "retrieval.ease=0"])
    fitted = fitted_retrievers(interactions, StageContext(context.catalogue, chosen, context.vectors))
    assert fitted.keys() == {"bm25", "transitions", "popularity", "itemknn"}


def test_hyper_parameters_are_settings(context: StageContext, interactions: Interactions) -> None:
    def scores(*assignments: str) -> list[list[float]]:
        chosen = StageContext(context.catalogue, context.settings.changed(assignments), context.vectors)
        return STAGES["transitions"].fit(interactions, chosen, 0).score_histories(interactions.histories()).tolist()

    assert scores("models.transitions_window=1") != scores("models.transitions_window=3")


def test_a_stage_that_is_not_there_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"no stage is called 'eese'\. Did you mean 'ease'\? Known: popularity"):
        require_stages(["popularity", "eese"], STAGES)
