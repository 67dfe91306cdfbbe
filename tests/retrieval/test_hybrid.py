"""All signals at once: what is learned, what is told of it, and what happens where there is little to learn from."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, DataError, UnknownItemError
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.held_out import FusionPlan, PartFits, signals_of
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.retrieval.signals import standardised
from llmrec.types import Interaction, Item, ItemId, Query, UserId, Vectors
from tests.contracts.history_scorer import QueryScorerContract, histories_of
from tests.contracts.retriever import BulkRetrieverContract, asks
from tests.contracts.score_parts import ScorePartsContract
from tests.contracts.updatable import Fit, UpdatableContract
from tests.retrieval.signalled import CLOSED, PlacePart, World, spying, world

NOTHING = PartFits(closed={}, trained={})


def texts_of(films: Catalogue) -> Vectors:
    return HashingEmbedder(32).embed([f"{item.title} {item.description}" for item in films.values()], kind="document")


class HybridContract(BulkRetrieverContract, QueryScorerContract, ScorePartsContract):
    @pytest.fixture
    def retriever(self, films: Catalogue, interactions: Interactions) -> HybridRetriever:
        return HybridRetriever.fit(interactions, films, CLOSED, vectors=texts_of(films))

    @pytest.fixture
    def scorer(self, retriever: HybridRetriever) -> HybridRetriever:
        return retriever

    @pytest.fixture
    def explained(self, retriever: HybridRetriever) -> HybridRetriever:
        return retriever


class TestHybridRetriever(HybridContract):
    pass


class TestHybridRetrieverThatWeighsEverything(HybridContract, UpdatableContract):
    """Given weights and no texts to lift by, an update is the same as a fit on both."""

    @pytest.fixture
    def fit(self, films: Catalogue) -> Fit:
        content = ContentSignals.fit(films, None)

        def fit(interactions: Interactions) -> HybridRetriever:
            parts = CLOSED.fit_closed(interactions)
            signals = signals_of(interactions, parts, content, plan=FusionPlan(), with_cold=True)
            names = [name for name, _ in signals.tables(interactions.histories())]
            return HybridRetriever(films.ids, signals, {name: 0.05 * (1 + n % 7) for n, name in enumerate(names)})

        return fit

    @pytest.fixture
    def retriever(self, fit: Fit, interactions: Interactions) -> HybridRetriever:
        fitted = fit(interactions)
        assert isinstance(fitted, HybridRetriever)
        return fitted


def fitted(made: World, fits: PartFits = CLOSED, **plan: float) -> HybridRetriever:
    chosen = FusionPlan(**plan)  # type: ignore[arg-type]  # keys of different types
    return HybridRetriever.fit(made.interactions, made.catalogue, fits, vectors=made.vectors, plan=chosen)


def scores(retriever: HybridRetriever, made: World) -> NDArray[np.float32]:
    return retriever.score_histories(made.interactions.histories())


def weighed(made: World, weights: Mapping[str, float], *, with_cold: bool = False) -> HybridRetriever:
    """Without learning anything."""
    content = ContentSignals.fit(made.catalogue, made.vectors)
    parts = CLOSED.fit_closed(made.interactions)
    signals = signals_of(made.interactions, parts, content, plan=FusionPlan(), with_cold=with_cold)
    return HybridRetriever(made.catalogue.ids, signals, weights)


def test_scores_are_the_weighted_sum_of_standardised_signals() -> None:
    made = world()
    everybody = made.interactions.histories()
    ease = EASERetriever.fit(made.interactions, l2=20.0, half_life=3.0).score_histories(everybody)
    popularity = np.log1p(np.bincount(made.interactions.items, minlength=40)).astype(np.float32)
    expected = 2.0 * standardised(ease) - 0.5 * standardised(np.tile(popularity, (len(everybody), 1)))
    retriever = weighed(made, {"ease@3": 2.0, "popularity": -0.5, "a signal that is not there": 9.0})
    np.testing.assert_allclose(scores(retriever, made), expected, atol=1e-5)


def test_what_is_learned_finds_the_next_item_better_than_any_one_signal_did() -> None:
    # Users meet items of their group, popular ones first: both ease and popularity know a part of it.
    made = world(n_items=60, n_users=150)
    ages = made.interactions.histories().ages
    past = World(made.catalogue, made.interactions.where(ages > 0), made.vectors)
    newest = made.interactions.items[ages == 0][:150]
    known = past.interactions.histories().of(np.arange(150))

    def reciprocal_rank(retriever: HybridRetriever) -> float:
        found = retriever.score_histories(known)
        found[known.users, known.items] = -np.inf
        target = found[np.arange(len(known)), newest][:, None]
        return float((1 / (found >= target).sum(axis=1)).mean())

    learned = fitted(past, max_held_out=1)
    alone = {name: reciprocal_rank(weighed(past, {name: 1.0})) for name in ("popularity", "ease@20", "text@5")}
    assert reciprocal_rank(learned) > max(alone.values())
    assert np.count_nonzero(list(learned.weights.values())) > 3


def test_items_that_nobody_met_are_reached_by_what_they_are_like() -> None:
    # Item and user n are of the group n modulo 4.
    made = world(n_items=60, n_users=120, n_cold=12)
    retriever = fitted(made, max_held_out=1)
    cold = scores(retriever, made)[:120, 48:]
    own = np.arange(48, 60)[None, :] % 4 == np.arange(120)[:, None] % 4
    of_own_group, of_others = cold[own].reshape(120, 3), cold[~own].reshape(120, 9)
    assert (of_own_group.mean(axis=1) > of_others.mean(axis=1)).mean() > 0.7


def test_the_bonus_lifts_items_that_nobody_met_and_no_others() -> None:
    made = world(n_cold=5)
    plain, lifted = (scores(fitted(made, cold_bonus=bonus), made) for bonus in (0.0, 2.5))
    np.testing.assert_allclose((lifted - plain)[:, -5:], 2.5, atol=1e-5)
    np.testing.assert_array_equal(lifted[:, :-5], plain[:, :-5])
    everything_met = world()
    np.testing.assert_array_equal(*(scores(fitted(everything_met, cold_bonus=b), everything_met) for b in (0.0, 2.5)))


def test_the_same_seed_gives_the_same_scores_and_weights_cannot_be_changed_from_outside() -> None:
    made = world(n_cold=3)
    retriever = fitted(made)
    np.testing.assert_array_equal(scores(retriever, made), scores(fitted(made), made))
    dict(retriever.weights).clear()
    assert retriever.weights == fitted(made).weights != {}


def test_ids_and_places_of_items_decide_nothing() -> None:
    for made in (world(), world(n_cold=4), world(timed=False)):
        other, places = made.permuted(3)
        expected = scores(fitted(made), made)
        np.testing.assert_allclose(scores(fitted(other), other)[:, places], expected, atol=2e-5)


def test_nothing_is_retrieved_for_somebody_without_a_known_item() -> None:
    retriever = fitted(world())
    for query in (Query(), asks("anything"), asks(history=("gone",)), asks(history=("i1",), disliked=("i1",))):
        assert not retriever.retrieve(query, 5)
        assert np.isfinite(retriever.scores(query)).all()
    assert len(retriever.retrieve(asks(history=("gone", "i1")), 5)) == 5


def test_many_at_once_get_what_each_gets_alone() -> None:
    retriever = fitted(world())
    queries = [asks(history=("i1", "i2")), Query(), asks(history=("i3",), disliked=("i1",))]
    masks = [None, None, np.arange(len(world().interactions.item_ids)) % 2 == 0]
    together = retriever.retrieve_many(queries, 4, allowed=masks)
    alone = [retriever.retrieve(query, 4, allowed=mask) for query, mask in zip(queries, masks, strict=True)]
    assert [[one.item_id for one in found] for found in together] == [[one.item_id for one in found] for found in alone]
    assert [len(found) for found in together] == [4, 0, 4]
    assert retriever.retrieve_many([], 4, allowed=[]) == []
    with pytest.raises(ConfigError, match="k is 0"):
        retriever.retrieve_many([], 0, allowed=[])


def test_shares_of_a_single_linear_signal_are_its_own_times_weight_and_scale() -> None:
    made = world()
    query = asks(history=("i1", "i7", "i2"))
    ease = EASERetriever.fit(made.interactions, l2=20.0, half_life=20.0)
    raw = ease.scores(query).astype(np.float64)
    parts = weighed(made, {"ease@20": 3.0, "popularity": 1.0}).explain(query, ItemId("i4"))
    own = ease.explain(query, ItemId("i4")).items
    assert parts.items == pytest.approx({seed: 3.0 * share / raw.std() for seed, share in own.items()}, rel=1e-4)
    popularity = np.log1p(np.bincount(made.interactions.items, minlength=40))
    rest = -3.0 * raw.mean() / raw.std() + (popularity[4] - popularity.mean()) / popularity.std()
    assert parts.rest == pytest.approx(rest, rel=1e-3)


def test_signals_that_are_not_linear_are_all_rest() -> None:
    parts = weighed(world(), {"text@5": 1.0, "lifted:ease@20": 1.0}).explain(asks(history=("i1",)), ItemId("i4"))
    assert (parts.items, parts.words, parts.rest) == ({}, {}, parts.score)
    with pytest.raises(UnknownItemError, match="no item has the id 'gone'"):
        weighed(world(), {}).explain(Query(), ItemId("gone"))


def test_an_update_updates_every_part_counts_demand_anew_and_keeps_the_weights() -> None:
    made = world(n_cold=3)
    late = [Interaction(UserId("u3"), ItemId("i39"), 1.0, 2e9), Interaction(UserId("new"), ItemId("i0"), 1.0, 2e9)]
    added = Interactions.from_rows(late, made.catalogue)
    before = fitted(made)
    after = before.update(made.interactions, added)
    both = made.interactions.joined(added, made.catalogue)
    # The same weights over parts of both; neighbours are looked for in a fit only.
    content = ContentSignals.fit(made.catalogue, made.vectors)
    updated = {
        name: part.update(made.interactions, added) for name, part in CLOSED.fit_closed(made.interactions).items()
    }
    known_then = signals_of(made.interactions, {}, content, plan=FusionPlan(), with_cold=True)
    now = signals_of(both, updated, content, plan=FusionPlan(), with_cold=True)
    assert now.cold.tolist() == [False] * 37 + [True] * 2 + [False]
    expected = HybridRetriever(
        made.catalogue.ids,
        type(now)(updated, now.popularity, content, known_then.nearest, now.cold, with_cold=True),
        before.weights,
    )
    everybody = both.histories()
    np.testing.assert_allclose(after.score_histories(everybody), expected.score_histories(everybody), atol=1e-4)
    assert after.weights == before.weights
    elsewhere = Interactions.from_rows([], Catalogue([Item(ItemId("1"), "One")]))
    with pytest.raises(DataError, match="needs the same items as before"):
        before.update(made.interactions, elsewhere)


def test_parts_are_fitted_on_everything_in_the_end() -> None:
    made = world()
    closed: list[PlacePart] = []
    trained: list[PlacePart] = []
    fits = PartFits(closed={"one": spying(closed)}, trained={"two": spying(trained)})
    fitted(made, fits, max_held_out=2)
    left = [int((made.interactions.histories().ages >= n).sum()) for n in (0, 1, 2)]
    assert [len(part.fitted_on) for part in closed] == [left[1], left[2], left[0]]
    assert [len(part.fitted_on) for part in trained] == [left[2], left[0]]


def test_without_texts_facts_or_times_there_is_what_users_did() -> None:
    made = world(timed=False)
    bare = Catalogue(Item(item_id, "title") for item_id in made.catalogue.ids)
    retriever = HybridRetriever.fit(made.interactions, bare, CLOSED)
    assert not any(name.startswith(("text", "same", "amounts", "around", "lifted")) for name in retriever.weights)
    assert retriever.retrieve(asks(history=("i1",)), 3)


def test_without_any_part_there_is_what_is_popular_and_alike() -> None:
    retriever = fitted(world(), NOTHING)
    assert len(retriever.retrieve(asks(history=("i1",)), 3)) == 3
    parts = retriever.explain(asks(history=("i1",)), ItemId("i2"))
    assert parts.rest == parts.score


TINY = {
    "no items": ([], []),
    "one item and nobody": (["a"], []),
    "items and nobody": (["a", "b"], []),
    "one item of one user": (["a"], [("u", "a")]),
    "one item many times": (["a"], [("u", "a")] * 5),
    "one user": (["a", "b", "c"], [("u", "a"), ("u", "b")]),
    "one user who met everything": (["a", "b", "c", "d", "e"], [("u", item) for item in "abcde"]),
    "two users of one item each": (["a", "b", "c"], [("u", "a"), ("v", "b")]),
    "two users of the same two": (["a", "b"], [("u", "a"), ("u", "b"), ("v", "a"), ("v", "b")]),
}


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("with_texts", [True, False])
@pytest.mark.parametrize("case", TINY)
def test_tiny_data_gives_finite_scores(case: str, with_texts: bool, timed: bool) -> None:
    names, rows = TINY[case]
    items = Catalogue(Item(ItemId(name), name, {"year": 2000 + n, "new": n % 2 == 0}) for n, name in enumerate(names))
    met = [Interaction(UserId(u), ItemId(i), 1.0, float(n) if timed else None) for n, (u, i) in enumerate(rows)]
    interactions = Interactions.from_rows(met, items)
    vectors = np.eye(len(names), 3, dtype=np.float32) if with_texts else None
    retriever = HybridRetriever.fit(interactions, items, CLOSED, vectors=vectors)
    for histories in (interactions.histories(), histories_of(items, [(), tuple(names)]), histories_of(items, [])):
        found = retriever.score_histories(histories)
        assert found.shape == (len(histories), len(names))
        assert np.isfinite(found).all()
    if names:
        retriever.explain(asks(history=tuple(names)), ItemId(names[0]))
        assert len(retriever.retrieve(asks(history=(names[0],)), 9)) == len(names)
        more = Interactions.from_rows([Interaction(UserId("w"), ItemId(names[0]), 1.0, 9.0)], items)
        assert np.isfinite(retriever.update(interactions, more).scores(asks(history=(names[0],)))).all()


def test_too_little_to_learn_from_is_weighed_by_rule() -> None:
    made = world(n_cold=1)
    few = World(made.catalogue, made.interactions.where(made.interactions.users < 9), made.vectors)
    by_rule = {"popularity": 1.0, "ease@20": 1.0, "text@5": 1.0, "cold:text@5": 1.0}
    assert fitted(few).weights == by_rule  # three interactions of each of nine users
    assert fitted(few, min_examples=5).weights.keys() > by_rule.keys()
    one_each = World(made.catalogue, made.interactions.where(made.interactions.histories().ages == 0), made.vectors)
    assert fitted(one_each, min_examples=1).weights == by_rule
