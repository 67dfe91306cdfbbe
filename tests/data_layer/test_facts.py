import math

import numpy as np
import pytest

from llmrec.data.facts import fact_columns
from llmrec.types import FactValue


def column(name: str, values: list[object]) -> list[FactValue | None]:
    facts = fact_columns([{name: value} for value in values], [set() for _ in values], {})
    return [fact.get(name) for fact in facts]


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        (["1", "2.5", ""], [1, 2.5, None]),
        (["2008.0", "1999"], [2008, 1999]),
        ([2008.0, math.nan], [2008, None]),
        (["007", "8"], ["007", "8"]),
        (["0", "0.5"], [0, 0.5]),
        (["1", "inf"], ["1", "inf"]),
        ([1, 2.5, None], [1, 2.5, None]),
        (["true", "False", ""], [True, False, None]),
        ([True, False], [True, False]),
        (["a|b", "c", "|"], [("a", "b"), ("c",), None]),
        (["['a', 'b']", '["c"]', "[]"], [("a", "b"), ("c",), None]),
        ([["a", "b"], [], np.array(["c"])], [("a", "b"), None, ("c",)]),
        (["red", "12"], ["red", "12"]),
        (["a, b", "c, d"], ["a, b", "c, d"]),
        (["[see note]", "x"], ["[see note]", "x"]),
        ([None, ""], [None, None]),
    ],
)
def test_the_kind_is_decided_over_the_whole_column(values: list[object], facts: list[object]) -> None:
    assert column("x", values) == facts


def test_genres_with_commas_are_lists_when_most_have_several() -> None:
    assert column("Genres", ["Drama, War", "Comedy", "Horror,Sci-Fi|Drama"]) == [
        ("Drama", "War"),
        ("Comedy",),
        ("Horror", "Sci-Fi", "Drama"),
    ]
    assert column("genre", ["Drama", "Comedy", "Rock, Pop & Soul"]) == ["Drama", "Comedy", "Rock, Pop & Soul"]


def test_repeated_words_of_a_list_stand_once() -> None:
    assert column("tags", ["a| a |b"]) == [("a", "b")]


def test_integers_stay_integers() -> None:
    assert [type(value) for value in column("year", ["1999", "2000.0"])] == [int, int]


def test_an_endless_literal_is_a_text() -> None:
    deep = "[" * 5000 + "]" * 5000
    assert column("x", [deep]) == [deep]


def test_facts_that_join_a_catalogue_keep_its_kinds() -> None:
    repairs: list[set[str]] = [set(), set()]
    rows = [{"genres": "Horror", "year": "1997"}, {"genres": "War", "year": "soon"}]
    facts = fact_columns(rows, repairs, {"genres": "list", "year": "number"})
    assert facts == [{"genres": ("Horror",), "year": 1997}, {"genres": ("War",)}]
    assert repairs == [set(), {"year left out: it is no number"}]
