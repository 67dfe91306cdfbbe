"""Questions that pay, worked by hand."""

from math import log2

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.asking import ValueAsker, offer_of
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Facts,
    History,
    Interaction,
    Item,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    QuestionEntry,
    UserId,
    WishEntry,
)
from tests.contracts.asker import AskerContract


class TestContract(AskerContract):
    """The asker keeps to its seam."""

    @pytest.fixture
    def asker(self, films: Catalogue) -> ValueAsker:
        return ValueAsker(films, cost_bits=0.1)


def catalogue(*facts: Facts) -> Catalogue:
    return Catalogue([Item(ItemId(str(n)), f"Item {n}", fact) for n, fact in enumerate(facts)])


def bits(name: str, *facts: Facts) -> float:
    items = catalogue(*facts)
    offer = offer_of(items.fields[name], list(items.values()))
    assert offer is not None
    return offer.bits


def test_two_equal_halves_are_one_bit() -> None:
    kinds: list[Facts] = [{"kind": "a"}, {"kind": "a"}, {"kind": "b"}, {"kind": "b"}]
    assert bits("kind", *kinds) == pytest.approx(1.0)


def test_an_item_of_two_kinds_answers_with_either() -> None:
    # 8 items: 4 are a, 2 are a and b, 2 are neither. "a" leaves 6 of 8, "b" leaves 2 of 8.
    kinds: list[Facts] = [{"kind": ("a",)}] * 4 + [{"kind": ("a", "b")}] * 2 + [{}] * 2
    expected = (4 * log2(8 / 6) + 2 * (log2(8 / 6) + log2(8 / 2)) / 2) / 8
    assert bits("kind", *kinds) == pytest.approx(expected)


def test_numbers_are_parted_nearest_to_the_middle() -> None:
    items = catalogue({"price": 5}, {"price": 5}, {"price": 5}, {"price": 9})
    offer = offer_of(items.fields["price"], list(items.values()))
    assert offer is not None
    assert offer.values == (5,)
    assert offer.bits == pytest.approx(3 / 4 * log2(4 / 3) + 1 / 4 * log2(4))


def test_who_wants_an_item_without_the_fact_has_no_answer() -> None:
    assert bits("price", {"price": 1}, {"price": 2}, {}, {}) == pytest.approx((log2(4) + log2(4)) / 4)


@pytest.mark.parametrize("fact", [{"kind": "a"}, {"kind": ("a", "b")}, {"price": 3}, {"used": True}])
def test_what_all_share_is_no_question(fact: Facts) -> None:
    items = catalogue(fact, fact, fact)
    (field,) = items.fields.values()
    assert offer_of(field, list(items.values())) is None


def test_names_that_most_items_do_not_bear_are_no_question() -> None:
    items = catalogue(*({"maker": f"Maker {n}"} for n in range(12)))
    assert offer_of(items.fields["maker"], list(items.values())) is None


HALVES = catalogue(*({"kind": "ab"[n % 2]} for n in range(8)))


def asked(profile: Profile, *, k: int = 1, cost_bits: float = 0.4, history: History | None = None) -> bool:
    query = Query(profile=profile, history=history or History())
    return ValueAsker(HALVES, cost_bits=cost_bits).ask(query, HALVES.ids, k=k, turn=1) is not None


def test_a_question_must_be_worth_more_than_it_costs() -> None:
    assert asked(Profile(), cost_bits=0.99)
    assert not asked(Profile(), cost_bits=1.0)


def test_a_question_is_worth_no_more_than_what_is_left_to_find() -> None:
    # 8 candidates, 6 shown at a time: log2(8 / 6) = 0.415 bits are left to find.
    assert asked(Profile(), k=6, cost_bits=0.4)
    assert not asked(Profile(), k=6, cost_bits=0.42)


def test_what_the_user_said_makes_questions_dearer() -> None:
    wishes = (WishEntry("something calm", 0),)
    liked = (ItemEntry(ItemId("1"), 0),)
    assert asked(Profile(wishes=wishes))  # 0.4 * 2 = 0.8 < 1
    assert not asked(Profile(wishes=wishes, liked=liked))  # 0.4 * 3 = 1.2 > 1


def test_who_is_known_is_not_asked() -> None:
    history = History(tuple(Interaction(UserId("u"), ItemId(str(n))) for n in range(2)))
    assert not asked(Profile(), history=history)


def test_what_was_asked_or_spoken_of_is_not_asked() -> None:
    assert not asked(Profile(asked=(QuestionEntry("kind", ("a", "b"), 0),)), cost_bits=0.0)
    stated = (ConstraintEntry(Constraint("kind", "$ne", "b"), 0),)
    assert not asked(Profile(constraints=stated), cost_bits=0.0)
