"""Examples of fusion: what is held out is the newest, and nothing that predicts it has seen it."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.fusion_weights import Examples, fitted_weights
from llmrec.retrieval.held_out import FusionPlan, PartFits, has_cold_items, held_out_examples
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.retrieval.signalled import CLOSED, SPY, PlacePart, World, spying, world
from tests.retrieval.test_collaborative import table

TWO = FusionPlan(max_held_out=2)


def letters(*histories: str) -> World:
    """The items a to d, met as told, without times."""
    interactions = table(*histories)
    catalogue = Catalogue(Item(item_id, item_id) for item_id in interactions.item_ids)
    return World(catalogue, interactions, np.eye(4, dtype=np.float32))


@dataclass(frozen=True)
class Seen:
    """One example: whose, which item was held out, and which it competed with."""

    user: int
    answer: int
    others: frozenset[int]


@dataclass(frozen=True)
class Watched:
    """Examples, and every part that was fitted for them."""

    examples: Examples
    closed: list[PlacePart]
    trained: list[PlacePart]

    def places(self) -> NDArray[np.int64]:
        """Which item each candidate is: the spy's standardised score grows with the place in the catalogue."""
        n_items = len(self.closed[0].fitted_on.item_ids)
        columns = [n for n, name in enumerate(self.examples.names) if name in {SPY, f"cold:{SPY}"}]
        scores = self.examples.signals[..., columns].sum(axis=-1)
        places = np.arange(n_items)
        return np.abs(scores[..., None] - ((places - places.mean()) / places.std())).argmin(axis=-1)

    def seen(self) -> list[Seen]:
        """The examples in words."""
        counted = np.isfinite(self.examples.log_shares)
        rows = zip(self.examples.users.tolist(), self.places(), counted, strict=True)
        return [Seen(user, int(p[0]), frozenset(p[1:][c[1:]].tolist())) for user, p, c in rows]


def watched(made: World, plan: FusionPlan, *, seed: int = 0) -> Watched:
    closed: list[PlacePart] = []
    trained: list[PlacePart] = []
    fits = PartFits(closed={SPY: spying(closed)}, trained={"sasrec": spying(trained)})
    content = ContentSignals.fit(made.catalogue, made.vectors)
    return Watched(held_out_examples(made.interactions, fits, content, plan=plan, seed=seed), closed, trained)


def pairs(interactions: Interactions) -> list[str]:
    return [
        f"{user}{interactions.item_ids[item]}"
        for user, item in zip(interactions.users, interactions.items, strict=True)
    ]


def test_the_newest_of_those_with_enough_are_held_out_one_after_the_other() -> None:
    # User 2 has nothing left before two; a to d are 0 to 3. Items of the history are no competitors.
    found = watched(letters("abcd", "bca", "ab"), TWO).seen()
    assert found == [
        Seen(0, 3, frozenset()),
        Seen(1, 0, frozenset({3})),
        Seen(0, 2, frozenset({3})),
        Seen(1, 2, frozenset({0, 3})),
    ]


def test_no_part_was_fitted_on_what_it_has_to_predict() -> None:
    made = watched(letters("abcd", "bca", "ab"), TWO)
    assert [pairs(part.fitted_on) for part in made.closed] == [
        ["0a", "0b", "0c", "1b", "1c", "2a"],
        ["0a", "0b", "1b"],
    ]
    # Trained once, so without anything that is held out at all.
    assert [pairs(part.fitted_on) for part in made.trained] == [["0a", "0b", "1b"]]


def test_an_answer_is_never_in_the_history_it_is_predicted_from() -> None:
    made = world(n_cold=3)
    for age, part in enumerate(watched(made, FusionPlan(cold_share=0.0)).closed):
        everyone = made.interactions.histories()
        asked = np.concatenate([histories.items for histories in part.asked])
        lengths = np.concatenate([histories.lengths for histories in part.asked])
        users = np.flatnonzero(everyone.lengths > 3)
        assert lengths.tolist() == (everyone.lengths[users] - age - 1).tolist()
        expected = [everyone.items[everyone.starts[u] : everyone.starts[u + 1] - age - 1] for u in users]
        assert asked.tolist() == np.concatenate(expected).tolist()


def test_an_item_met_before_and_an_empty_history_make_no_example() -> None:
    # User 0 meets a again: not an example. What is left is b | a of user 1, at age 0.
    assert watched(letters("aba", "ab"), FusionPlan(max_held_out=1)).seen() == [Seen(1, 1, frozenset({2, 3}))]
    assert watched(letters("a", ""), FusionPlan()).seen() == []


def test_items_made_cold_are_in_nothing_that_parts_learn_from_or_are_asked() -> None:
    made = world(n_items=60, n_users=120, n_cold=5)
    found = watched(made, FusionPlan(cold_share=0.3))
    hidden = np.setdiff1d(made.interactions.items, np.concatenate([p.fitted_on.items for p in found.closed]))
    popular = np.bincount(made.interactions.items, minlength=60) > 10
    n_hidden = int(popular[hidden].sum())
    assert 0.1 < n_hidden / popular.sum() < 0.6
    for part in (*found.closed, *found.trained):
        assert not np.isin(hidden, part.fitted_on.items).any()
        assert not any(np.isin(hidden, histories.items).any() for histories in part.asked)
    answers = np.array([seen.answer for seen in found.seen()])
    assert np.isin(answers, hidden).any()
    # They are cold to the signals, too, as is what nobody ever met.
    cold = found.examples.signals[..., found.examples.names.index("cold")]
    np.testing.assert_array_equal(cold[:, 0] == 1, np.isin(answers, hidden) | _first_met_later(made, found, answers))


def _first_met_later(made: World, found: Watched, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether an answer stands in nothing that the parts of its piece were fitted on."""
    sizes = [sum(len(histories) for histories in part.asked) for part in found.closed]
    fitted = [part.fitted_on.items for part in found.closed]
    pieces = np.split(answers, np.cumsum(sizes)[:-1])
    return np.concatenate([~np.isin(piece, items) for piece, items in zip(pieces, fitted, strict=True)])


def test_nothing_is_made_cold_where_everything_is_met() -> None:
    found = watched(world(), FusionPlan(cold_share=0.5))
    assert not any(name.startswith("cold") for name in found.examples.names)
    assert not has_cold_items(world().interactions)
    assert has_cold_items(world(n_cold=1).interactions)


def test_users_are_drawn_by_seed_where_there_are_enough() -> None:
    made, plan = world(n_users=100), FusionPlan(max_examples=30)
    first, again, other = (watched(made, plan, seed=seed).examples.users.tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 30
    assert len(set(first)) == 30


@pytest.mark.parametrize(
    ("n_users", "n_items", "expected"),
    [(0, 0, 3), (1_000, 1_000, 3), (2_000, 1_000, 3), (2_001, 1_000, 2), (50_000, 17_000, 1), (250, 100_000, 2)],
)
def test_fewer_are_held_out_of_each_where_users_or_items_are_many(n_users: int, n_items: int, expected: int) -> None:
    assert FusionPlan().n_held_out(n_users, n_items) == expected


def test_candidates_beyond_the_best_half_stand_for_all_that_were_not_drawn() -> None:
    found = watched(world(n_items=60), FusionPlan(n_candidates=20, max_held_out=1))
    shares = np.exp(found.examples.log_shares)
    assert shares.shape[1] == 20
    np.testing.assert_allclose(shares[:, 0], 1.0)
    np.testing.assert_allclose(shares[:, :10], 1.0)
    assert set(np.round(shares[:, 10:], 4).ravel().tolist()) == {0.0, 5.0}  # 50 that are not the best, 10 drawn
    assert all(len(set(row.tolist())) == 20 for row in found.places())
    known = {user: set(made.tolist()) for user, made in _histories(world(n_items=60)).items()}
    assert all(not seen.others & known[seen.user] for seen in found.seen())


def _histories(made: World) -> dict[int, NDArray[np.int32]]:
    rows = made.interactions
    return {user: rows.items[rows.rows_of(user)][:-1] for user in range(len(rows.user_ids))}


def test_sampled_competitors_give_nearly_the_weights_of_all_of_them() -> None:
    made = world(n_items=120, n_users=300)
    content = ContentSignals.fit(made.catalogue, made.vectors)
    fits = PartFits(closed={"ease": CLOSED.closed["ease"]}, trained={})
    everything, sampled = (
        held_out_examples(made.interactions, fits, content, plan=FusionPlan(max_held_out=1, n_candidates=n), seed=0)
        for n in (120, 60)
    )
    scores = [everything.signals @ fitted_weights(each, l2=3e-3) for each in (everything, sampled)]
    # Signals overlap, so weights may trade places; what they say together is the same.
    assert np.corrcoef(scores[0].ravel(), scores[1].ravel())[0, 1] > 0.99
    assert scores[1].std() == pytest.approx(scores[0].std(), rel=0.1)


def test_no_id_and_no_place_decides_what_is_held_out_or_made_cold() -> None:
    made = world(n_cold=4)
    other, places = made.permuted(1)
    plan = FusionPlan(cold_share=0.3)
    first, second = watched(made, plan), watched(other, plan)
    assert second.seen() == [
        Seen(seen.user, int(places[seen.answer]), frozenset(places[list(seen.others)].tolist()))
        for seen in first.seen()
    ]


@pytest.mark.parametrize(
    "made",
    [letters(), letters("", "a"), World(Catalogue([]), Interactions.from_rows([], Catalogue([])), np.zeros((0, 2)))],
)
def test_without_enough_there_are_no_examples(made: World) -> None:
    found = watched(made, FusionPlan())
    assert len(found.examples.users) == 0
    assert found.examples.names == ()


def test_a_single_item_competes_with_nothing() -> None:
    catalogue = Catalogue([Item(ItemId("a"), "a")])
    interactions = Interactions.from_rows([Interaction(UserId("u"), ItemId("a"))] * 3, catalogue)
    assert not len(watched(World(catalogue, interactions, np.ones((1, 1), np.float32)), FusionPlan()).examples.users)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"l2": -1.0}, r"l2 is -1\.0, .* l2 must be at least 0"),
        ({"n_candidates": 1}, "n_candidates 1, .* n_candidates at least 2"),
        ({"cold_share": 1.0}, r"cold_share 1\.0; .* cold_share in \[0, 1\)"),
        ({"max_held_out": 0}, "max_held_out is 0, .* at least 1"),
        ({"n_neighbours": 0}, "n_neighbours 0; each must be at least 1"),
    ],
)
def test_numbers_out_of_range_are_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FusionPlan(**change)  # type: ignore[arg-type]  # keys of different types
