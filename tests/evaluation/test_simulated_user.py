"""The simulated user, worked by hand over a catalogue of a few items."""

import math

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.behaviour import weightless_assistant
from llmrec.evaluation.simulated_user import (
    MAX_TURNS,
    SimulatedUser,
    success_estimates,
    turns_by_popularity,
    turns_to_success,
)
from llmrec.types import FactValue, Item, ItemId, QuestionEntry


def item(number: int, year: int, kinds: tuple[str, ...]) -> Item:
    return Item(ItemId(str(number)), f"Secret Name {number}", {"year": year, "kinds": kinds})


ITEMS = Catalogue([item(1, 1990, ("Drama",)), item(2, 1995, ("Comedy",)), item(3, 2000, ("Comedy", "Crime"))])
EARLY, LATE = ITEMS[ItemId("1")], ITEMS[ItemId("3")]


def user(target: Item) -> SimulatedUser:
    return SimulatedUser(target, ITEMS, np.random.default_rng(3))


def test_the_first_message_names_a_kind_and_never_the_title() -> None:
    assert user(EARLY).open() == "I'd like Drama"


@pytest.mark.parametrize(
    ("target", "field", "values", "answer"),
    [
        (EARLY, "year", (1995,), "up to 1995"),
        (LATE, "year", (1995,), "over 1995"),
        (EARLY, "kinds", ("Comedy", "Drama"), "Drama"),
        (EARLY, "kinds", ("Comedy", "Crime"), "none of these"),
    ],
)
def test_questions_are_answered_by_the_facts(
    target: Item, field: str, values: tuple[FactValue, ...], answer: str
) -> None:
    assert user(target).react(QuestionEntry(field, values, 1), []) == answer


def test_what_is_shown_is_criticised_by_what_the_item_is_not() -> None:
    said = _everything_said(EARLY, [LATE])
    assert said == {"older", "no Comedy", "no Crime", "I've seen number 1", "more"}


def _everything_said(target: Item, cards: list[Item]) -> set[str]:
    looking = user(target)
    return {looking.react(None, cards) for _ in range(60)}


def test_the_item_is_found_when_its_kind_is_asked_for() -> None:
    assistant = weightless_assistant(ITEMS, name="items")
    assert turns_to_success(assistant, ITEMS, ItemId("1"), seed=0) == 1


def test_popularity_shows_five_at_a_time() -> None:
    order = [ItemId(str(n)) for n in range(100)]
    assert turns_by_popularity(order, ItemId("4")) == 1
    assert turns_by_popularity(order, ItemId("5")) == 2
    assert turns_by_popularity(order, ItemId("49")) == MAX_TURNS
    assert math.isnan(turns_by_popularity(order, ItemId("50")))


def test_a_failure_counts_as_one_turn_more_than_the_most() -> None:
    nan = float("nan")
    found = success_estimates({"a": np.array([1.0, 3.0, nan, nan]), "b": np.array([2.0, nan, nan, nan])}, seed=0)
    assert found["a", "success"].mean == pytest.approx(0.5)
    assert found["a", "turns"].mean == pytest.approx((1 + 3 + 11 + 11) / 4)
    assert found["b", "success - first"].mean == pytest.approx(-0.25)
    assert found["b", "turns - first"].mean == pytest.approx((1 + 8) / 4)
