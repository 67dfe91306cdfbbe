"""No stage knows the future or reads ids; and a planted leak of either kind is caught."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Protocol
from llmrec.evaluation.fitting import FUSED, RunStages, Workshop
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.scoring import HistoryScorer, ScoreTable
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import ModelSettings, RetrievalSettings, Settings
from llmrec.stages import STAGES, StageContext
from llmrec.types import Histories, Interaction, Item, ItemId, UserId
from tests.evaluation.leaks import Case, Fit, assert_blind_to_answers, assert_id_permutation_invariant

N_ITEMS, N_USERS = 24, 30
PROTOCOLS: tuple[Protocol, ...] = ("leave-last-out", "temporal", "cold-items", "random-one-out", "user-fold")
WORDS = ("storm", "harbour", "lantern", "orchard", "violin", "desert", "glacier", "market")
SETTINGS = Settings(
    models=ModelSettings(sequential_dim=8, sequential_n_blocks=1, sequential_n_heads=1, sequential_max_epochs=2),
    retrieval=RetrievalSettings(itemknn=0.5),
)
CLOSED_SETTINGS = SETTINGS.changed(["retrieval.hybrid=0", "retrieval.ease=1", "retrieval.transitions=0.5"])
CLOSED_FORM = [name for name in STAGES if not STAGES[name].is_seeded]


@cache
def example() -> tuple[Catalogue, Interactions]:
    """Users who met 6 to 10 of 24 items, popular ones more often, at moments that are all different."""
    rng = np.random.default_rng(7)
    catalogue = Catalogue(
        Item(ItemId(f"i{n}"), f"{WORDS[n % 8]} {WORDS[n // 3]}", {"year": 1980 + n % 5}) for n in range(N_ITEMS)
    )
    taste = 1 / np.arange(1, N_ITEMS + 1)
    rows = [
        Interaction(UserId(f"u{user}"), catalogue.ids[item], float(rng.integers(1, 6)), float(rng.random()))
        for user in range(N_USERS)
        for item in rng.choice(N_ITEMS, size=rng.integers(6, 11), replace=False, p=taste / taste.sum())
    ]
    return catalogue, Interactions.from_rows(rows, catalogue)


def fit_of(name: str, settings: Settings = SETTINGS) -> Fit:
    """The stage called `name`, fitted as an evaluation does."""

    def fit(case: Case) -> HistoryScorer:
        catalogue = case.catalogue
        texts = [item_document(item) for item in catalogue.values()]
        vectors = HashingEmbedder(64).embed(texts, kind="document")
        context = StageContext(catalogue, settings, vectors=lambda: ExactVectorStore(catalogue.ids, vectors))
        shared = RunStages(Workshop(context), case.split.validation, seed=0)
        return shared.of(case.task).fitted(name).scorer

    return fit


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", [*CLOSED_FORM, "hybrid", FUSED])
def test_a_stage_predicts_the_same_whatever_the_future_is(name: str, protocol: Protocol) -> None:
    assert_blind_to_answers(fit_of(name), *example(), protocol)


@pytest.mark.parametrize("name", ["sasrec", "text_sequential"])
def test_a_trained_stage_predicts_the_same_whatever_the_future_is(name: str) -> None:
    assert_blind_to_answers(fit_of(name), *example())


# What is trained starts from vectors drawn by place: another order of items is to it what another seed is. The hybrid
# draws as well, but by no item's place.
@pytest.mark.parametrize("name", [*CLOSED_FORM, "hybrid", FUSED])
def test_a_stage_reads_neither_ids_nor_places_of_items(name: str) -> None:
    assert_id_permutation_invariant(fit_of(name, CLOSED_SETTINGS), *example())


def test_what_is_known_when_predicting_has_no_room_for_an_answer() -> None:
    assert {field.name for field in fields(Histories)} == {"starts", "items", "values", "at"}


@dataclass(frozen=True)
class ByItem:
    """The same score of an item for everyone."""

    name: str
    scores: NDArray[np.float64]

    def score_histories(self, histories: Histories) -> ScoreTable:
        return np.tile(self.scores.astype(np.float32), (len(histories), 1))


@dataclass(frozen=True)
class Oracle:
    """Knows the answers."""

    case: Case
    name: str = "oracle"

    def score_histories(self, histories: Histories) -> ScoreTable:
        scores = np.zeros((len(histories), len(self.case.catalogue)), dtype=np.float32)
        scores[self.case.task.answers.users, self.case.task.answers.items] = 1
        return scores


def popularity_of_everything(case: Case) -> HistoryScorer:
    return ByItem("popularity before the cut", counts(case, case.split.interactions))


def transitions_of_everything(case: Case) -> HistoryScorer:
    return TransitionRetriever.fit(case.split.interactions)


def popularity_by_place(case: Case) -> HistoryScorer:
    """Equal scores in the order of the catalogue, which may be that of first appearance."""
    return ByItem("ties by place", counts(case, case.task.fit_on) - 1e-3 * np.arange(len(case.catalogue)))


def popularity_by_id(case: Case) -> HistoryScorer:
    """A feature made of the id."""
    digits = np.array([int("".join(filter(str.isdigit, item_id))) % 7 for item_id in case.catalogue.ids])
    return ByItem("ids as numbers", counts(case, case.task.fit_on) + 0.1 * digits)


def counts(case: Case, interactions: Interactions) -> NDArray[np.float64]:
    return np.bincount(interactions.items, minlength=len(case.catalogue)).astype(np.float64)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("leaky", [popularity_of_everything, transitions_of_everything, Oracle])
def test_a_planted_look_into_the_future_is_caught(leaky: Fit, protocol: Protocol) -> None:
    with pytest.raises(AssertionError, match="predicts otherwise when nothing but the answers changes"):
        assert_blind_to_answers(leaky, *example(), protocol)


@pytest.mark.parametrize("leaky", [popularity_by_place, popularity_by_id])
def test_a_planted_use_of_ids_or_places_is_caught(leaky: Fit) -> None:
    assert_blind_to_answers(leaky, *example())
    with pytest.raises(AssertionError, match="scores items otherwise when they have other ids and places"):
        assert_id_permutation_invariant(leaky, *example())
