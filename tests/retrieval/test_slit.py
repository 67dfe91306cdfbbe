"""What comes soon after what, all of the near past and future at once."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError, ConfigError
from llmrec.retrieval.slit import SLITPlan, SLITRetriever
from llmrec.types import Item, ItemId, UserId
from tests.contracts.history_scorer import QueryScorerContract, histories_of
from tests.contracts.retriever import RetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract
from tests.retrieval.test_collaborative import table

ONE_STEP = SLITPlan(l2=1.0, half_life=1.0, past=1, future=1)


class SLITContract(RetrieverContract, QueryScorerContract, UpdatableContract, ScorePartsContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return lambda interactions: SLITRetriever.fit(interactions, plan=SLITPlan(l2=1.0))

    @pytest.fixture
    def retriever(self, fit: Fit, interactions: Interactions) -> SLITRetriever:
        fitted = fit(interactions)
        assert isinstance(fitted, SLITRetriever)
        return fitted

    @pytest.fixture
    def scorer(self, retriever: SLITRetriever) -> SLITRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: SLITRetriever) -> SLITRetriever:
        return retriever


class TestSLITRetriever(SLITContract):
    pass


class TestSLITRetrieverOfSomeItems(SLITContract):
    @pytest.fixture
    def fit(self) -> Fit:
        return lambda interactions: SLITRetriever.fit(interactions, plan=SLITPlan(l2=1.0, max_items=7))


class TestLoadedSLITRetriever(SLITContract):
    @pytest.fixture
    def fit(self, films: Catalogue, tmp_path: Path) -> Fit:
        def fit_and_load(interactions: Interactions) -> SLITRetriever:
            SLITRetriever.fit(interactions, plan=SLITPlan(l2=2.0, half_life=4.0)).save(tmp_path)
            return SLITRetriever.load(tmp_path, films.ids)

        return fit_and_load


def weights_of(retriever: SLITRetriever, items: Iterable[str]) -> NDArray[np.float64]:
    """The learned table, read off scores: what a history of one item gives every item."""
    return np.array([retriever.scores(asks(history=(item_id,))) for item_id in items], dtype=np.float64)


def least_squares(interactions: Interactions, plan: SLITPlan) -> NDArray[np.float64]:
    """The table by its definition, every row of the regression written out."""
    n_items, users, items = len(interactions.item_ids), interactions.users.tolist(), interactions.items.tolist()
    past, future = np.zeros((2, len(users), n_items))
    for row, user in enumerate(users):
        for step in range(1, plan.past + 1):
            if row - step >= 0 and users[row - step] == user:
                past[row, items[row - step]] += 0.5 ** ((step - 1) / plan.half_life)
        for step in range(plan.future):
            if row + step < len(users) and users[row + step] == user:
                future[row, items[row + step]] += plan.decay**step
    solved = np.linalg.solve(past.T @ past + plan.l2 * np.eye(n_items), past.T @ future)
    counts = np.bincount(items, minlength=n_items).astype(float)
    return solved / np.maximum(counts, 1.0) ** plan.popularity_power


def drawn(n_users: int, n_each: int, n_items: int, *, seed: int) -> Interactions:
    """Interactions at random, some items met again and again."""
    catalogue = Catalogue(Item(ItemId(str(n)), str(n)) for n in range(n_items))
    users = np.repeat(np.arange(n_users, dtype=np.int32), n_each)
    items = np.random.default_rng(seed).integers(0, n_items, len(users)).astype(np.int32)
    at = np.arange(len(users), dtype=np.float64)
    names = tuple(UserId(str(n)) for n in range(n_users))
    return Interactions.from_columns(
        names, catalogue, users=users, items=items, values=np.ones(len(users), np.float32), at=at
    )


def test_one_step_is_worked_by_hand() -> None:
    # Rows with a past: a -> b twice. G_aa = 2, plus l2 = 1; so a gives b 2/3, over the root of b's two interactions.
    retriever = SLITRetriever.fit(table("ab", "ab"), plan=ONE_STEP)
    expected = np.zeros((4, 4))
    expected[0, 1] = 2 / 3 / np.sqrt(2)
    np.testing.assert_allclose(weights_of(retriever, "abcd"), expected, rtol=1e-6)


def test_the_future_fades_with_distance_and_ends() -> None:
    # The only row with a past looks at b, then c at half weight; d is too far. The past of c and d is not a.
    retriever = SLITRetriever.fit(table("abcd"), plan=replace(ONE_STEP, future=2, decay=0.5, popularity_power=0.0))
    np.testing.assert_allclose(retriever.scores(asks(history=("a",))), [0, 1 / 2, 1 / 4, 0], rtol=1e-6)


def test_the_past_fades_with_age_and_ends() -> None:
    # Rows: b | a; c | b, a at 1/2. G = [[1.25, .5], [.5, 1]] + 1, and c is told by (.5, 1).
    plan = replace(ONE_STEP, past=2, popularity_power=0.0)
    learned = weights_of(SLITRetriever.fit(table("abc"), plan=plan), "abcd")
    expected = np.linalg.solve(np.array([[2.25, 0.5], [0.5, 2.0]]), np.array([[1.0, 0.5], [0.0, 1.0]]))
    np.testing.assert_allclose(learned[:2, 1:3], expected, rtol=1e-6)
    assert weights_of(SLITRetriever.fit(table("abc"), plan=ONE_STEP), "abcd")[0, 2] == 0


@pytest.mark.parametrize(
    "plan", [SLITPlan(l2=3.0), SLITPlan(l2=0.5, half_life=2.0, past=4, future=3, decay=0.6, popularity_power=1.0)]
)
def test_the_table_is_that_of_dense_least_squares(plan: SLITPlan) -> None:
    interactions = drawn(20, 11, 9, seed=0)
    learned = weights_of(SLITRetriever.fit(interactions, plan=plan), interactions.item_ids)
    np.testing.assert_allclose(learned, least_squares(interactions, plan), rtol=1e-4, atol=1e-6)


def test_pieces_of_many_interactions_and_items_add_up() -> None:
    # More interactions than are read at once, and a history across the border; then more items than are added at once.
    plan = SLITPlan(l2=5.0, half_life=2.0, past=3, future=2)
    long, wide = drawn(19, 7_000, 6, seed=1), drawn(60, 60, 1_100, seed=2)
    for interactions in (long, wide):
        learned = weights_of(SLITRetriever.fit(interactions, plan=plan), interactions.item_ids)
        np.testing.assert_allclose(learned, least_squares(interactions, plan), rtol=1e-3, atol=1e-6)


def test_newer_items_of_a_history_count_more() -> None:
    retriever = SLITRetriever.fit(table("ac", "bd"), plan=ONE_STEP)
    np.testing.assert_allclose(retriever.scores(asks(history=("a", "b"))), [0, 0, 0.25, 0.5], rtol=1e-6)


def test_the_same_table_can_be_read_with_another_half_life() -> None:
    retriever = SLITRetriever.fit(table("ac", "bd"), plan=ONE_STEP)
    query = asks(history=("a", "b"))
    np.testing.assert_allclose(retriever.at_half_life(np.inf).scores(query), [0, 0, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(retriever.scores(query), [0, 0, 0.25, 0.5], rtol=1e-6)
    assert (retriever.half_life, retriever.at_half_life(7.0).half_life) == (1.0, 7.0)


def test_only_the_most_met_items_are_learned_and_those_tied_go_together() -> None:
    # Met: a 3, b 2, c 2, d 1. Three places: a, b, c. Two: b and c are tied for the last, so neither has it.
    interactions = table("ab", "ac", "abcd")
    tables = [weights_of(SLITRetriever.fit(interactions, plan=SLITPlan(max_items=n)), "abcd") for n in (4, 3, 2)]
    assert [np.flatnonzero(each.any(axis=0)).tolist() for each in tables] == [[1, 2, 3], [1, 2], []]


@pytest.mark.parametrize("history", ["", "a"])
def test_too_little_says_nothing(history: str) -> None:
    retriever = SLITRetriever.fit(table(history))
    assert not retriever.retrieve(asks(history=("a",)), 3)
    assert not retriever.score_histories(
        histories_of(Catalogue(Item(ItemId(n), n) for n in "abcd"), [("a", "b")])
    ).any()


def test_a_catalogue_without_items_has_no_scores() -> None:
    nothing = Catalogue([])
    fitted = SLITRetriever.fit(Interactions.from_rows([], nothing))
    assert fitted.score_histories(histories_of(nothing, [()])).shape == (1, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"l2": 0.0}, "l2 is 0.0, .* must be above 0"),
        ({"half_life": 0.0}, "half_life 0.0, .* must be above 0"),
        ({"decay": 1.5}, r"decay 1.5; .* decay in \(0, 1\]"),
        ({"past": 0}, "past is 0, .* at least 1"),
        ({"max_items": 0}, "max_items 0; each must be at least 1"),
    ],
)
def test_numbers_out_of_range_are_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SLITPlan(**change)  # type: ignore[arg-type]  # keys of different types


@pytest.mark.parametrize("file", ["settings.json", "known.npy", "table.npy"])
def test_a_damaged_directory_is_named(tmp_path: Path, file: str) -> None:
    SLITRetriever.fit(table("ab")).save(tmp_path)
    (tmp_path / file).write_bytes(b"no")
    with pytest.raises(ArtifactError, match=rf"{file} cannot be read"):
        SLITRetriever.load(tmp_path, table("ab").item_ids)
