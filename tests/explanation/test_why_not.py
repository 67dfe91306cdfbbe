from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.why_not import WhyNotExplainer
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    History,
    Interaction,
    Item,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Standing,
    UserId,
    WhyNot,
)

HEAT = ItemId("9")
SHOWN = (ItemId("2"), ItemId("4"))
BELOW = Standing(HEAT, SHOWN, is_allowed=True, n_candidates=100, retrieved={"hybrid": 12, "dense": 40}, rank=7)


class Fixed:
    """Every item stands as it is told; remembers the query."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.asked: list[Query] = []

    def of(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> Sequence[Standing]:
        self.asked.append(query)
        return [replace(self._standing, item_id=item_id) for item_id in item_ids]


def why_not(films: Catalogue, standing: Standing, query: Query | None = None, item_id: ItemId = HEAT) -> WhyNot:
    return WhyNotExplainer(films, Fixed(standing)).why_not(query or Query(), item_id, k=2)


def entries(*item_ids: str, turn: int = 0) -> tuple[ItemEntry, ...]:
    return tuple(ItemEntry(ItemId(item_id), turn) for item_id in item_ids)


def stated(*constraints: Constraint) -> Query:
    return Query(profile=Profile(constraints=tuple(ConstraintEntry(constraint, 0) for constraint in constraints)))


def test_what_is_shown_is_said_to_be(films: Catalogue) -> None:
    found = why_not(films, BELOW, item_id=SHOWN[1])
    assert (found.reason, found.text) == ("shown", "Alien³ (1992) is shown, at place 2.")


@pytest.mark.parametrize(
    ("query", "reason", "text"),
    [
        (Query(profile=Profile(disliked=entries("9"))), "disliked", "because you do not want it"),
        (Query(profile=Profile(seen=entries("9"))), "seen", "because you have seen it"),
        (Query(profile=Profile(liked=entries("9"))), "known", "because you know it already"),
        (Query(history=History((Interaction(UserId("a"), HEAT),))), "known", "because you know it already"),
        (
            Query(profile=Profile(shown=entries("9", turn=1) + entries("2", turn=3))),
            "shown_before",
            "because it was shown to you before",
        ),
    ],
)
def test_what_was_met_or_refused_is_left_out_for_that(films: Catalogue, query: Query, reason: str, text: str) -> None:
    found = why_not(films, Standing(HEAT, SHOWN), query)
    assert (found.reason, found.text) == (reason, f"Heat (1995) is left out {text}.")


def test_an_item_that_cannot_be_had_is_said_to_be() -> None:
    gone = Catalogue([Item(HEAT, "Heat (1995)", available=False)])
    assert why_not(gone, Standing(HEAT, ())).text == "Heat (1995) is left out because it is not available."


@pytest.mark.parametrize(
    ("constraints", "text"),
    [
        ([Constraint("year", "$gte", 2000)], "its year is 1995, and you asked for not before 2000"),
        (
            [Constraint("genres", "$eq", "Horror")],
            "its genres are Crime, Thriller, and you asked for Horror",
        ),
        (
            [Constraint("genres", "$ne", "Crime"), Constraint("year", "$gt", 1990)],
            "its genres are Crime, Thriller, and you asked for not Crime",
        ),
        (
            [Constraint("genres", "$nin", ("Crime", "War")), Constraint("year", "$lt", 1990)],
            "its genres are Crime, Thriller, and you asked for not Crime or War; its year is 1995, and you asked for "
            "before 1990",
        ),
        ([Constraint("price", "$lte", 10)], "its record does not say its price, and you asked for one"),
    ],
)
def test_broken_conditions_are_named_with_the_fact_that_breaks_them(
    films: Catalogue, constraints: list[Constraint], text: str
) -> None:
    found = why_not(films, Standing(HEAT, SHOWN), stated(*constraints))
    assert (found.reason, found.text) == ("condition", f"Heat (1995) is left out: {text}.")
    assert found.broken
    assert set(found.broken) <= set(constraints)


def test_a_condition_that_was_given_up_is_no_reason(films: Catalogue) -> None:
    given_up, kept = Constraint("year", "$gte", 2000), Constraint("genres", "$eq", "Horror")
    found = why_not(films, Standing(HEAT, SHOWN, relaxed=(given_up,)), stated(given_up, kept))
    assert found.broken == (kept,)


@pytest.mark.parametrize(
    ("retrieved", "text"),
    [
        ({}, "nothing that is known of you leads to it"),
        (
            {"hybrid": 412, "dense": 640},
            "by what you met and liked alone, which puts it highest, it is number 412",
        ),
    ],
)
def test_what_was_no_candidate_has_its_best_rank_told(
    films: Catalogue, retrieved: Mapping[str, int], text: str
) -> None:
    found = why_not(films, replace(BELOW, rank=None, retrieved=retrieved))
    assert found.reason == "not_found"
    assert found.text == f"Heat (1995) was not among the 100 items that were ranked: {text}."


@pytest.mark.parametrize(
    ("lead", "text"),
    [
        (
            {"hybrid": 0.4, "language model": 0.9},
            ". What puts the last of these ahead of it is mostly the language model.",
        ),
        ({"hybrid": 0.4, "language model": -0.9}, ". What puts the last of these ahead of it is mostly what you met"),
        ({}, ": by what you met and liked alone, which puts it highest, it is number 12."),
    ],
)
def test_what_ranked_below_is_told_which_voice_put_others_ahead(
    films: Catalogue, lead: Mapping[str, float], text: str
) -> None:
    found = why_not(films, replace(BELOW, lead=lead))
    assert found.reason == "ranked_below"
    assert found.text.startswith(f"Heat (1995) is number 7 of 100, and 2 are shown{text}")


def test_what_was_passed_over_for_its_series_is_told_so(films: Catalogue) -> None:
    found = why_not(films, replace(BELOW, is_passed_over=True))
    assert (found.reason, found.text) == (
        "series",
        "Heat (1995) is number 7, but enough others of its series are shown.",
    )


def test_the_question_is_about_the_last_reply(films: Catalogue) -> None:
    source = Fixed(BELOW)
    shown = entries("5", turn=1) + entries("2", "4", turn=3)
    WhyNotExplainer(films, source).why_not(Query(profile=Profile(shown=shown)), HEAT, k=2)
    assert source.asked[0].profile.shown == shown[:1]
