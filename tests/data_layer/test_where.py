"""Conditions on facts: reading, checking, applying."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import FactColumns, constraint_text, contradiction, mask, matches, parse_where
from llmrec.errors import ConstraintError
from llmrec.types import Constraint, Item, ItemId

Where = Mapping[str, object] | Sequence[str] | None

SHOP = Catalogue(
    [
        Item(ItemId("a"), "Lamp", {"price": 19.5, "colour": "Red", "tags": ("Home", "Light"), "sale": True}),
        Item(ItemId("b"), "Chair", {"price": 80, "colour": "Blue", "tags": ("Home",), "sale": False}),
        Item(ItemId("c"), "Gift card", {}),
    ]
)


def ids(constraints: tuple[Constraint, ...]) -> str:
    return "".join(np.array(SHOP.ids)[mask(SHOP, constraints)])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"price": {"$gte": 19.5}}, "ab"),
        ({"price": {"$gt": 19.5}}, "b"),
        ({"price": {"$gt": 10, "$lt": 80}}, "a"),
        ({"colour": "red"}, "a"),
        ({"colour": {"$ne": "red"}}, "bc"),
        ({"tags": "HOME"}, "ab"),
        ({"tags": {"$nin": ["Light"]}}, "bc"),
        ({"tags": ["Light", "Home"]}, "ab"),
        ({"sale": True}, "a"),
        ({"price": {"$ne": 80}}, "ac"),
        ({"Price": 80}, "b"),
        (["price<20"], "a"),
        (["tags=Light|Home", "colour!=Red"], "b"),
        (["colour!=red|blue"], "c"),
        ("sale=no", "b"),
        (["price == 19.5"], "a"),
        (None, "abc"),
        ({}, "abc"),
    ],
)
def test_conditions_select_the_items_they_name(where: Where, expected: str) -> None:
    assert ids(parse_where(where, SHOP.fields)) == expected


def test_values_are_spelled_as_the_catalogue_spells_them() -> None:
    assert parse_where(["tags=home"], SHOP.fields) == (Constraint("tags", "$eq", "Home"),)


def test_whole_numbers_stay_whole() -> None:
    assert parse_where(["price>=20"], SHOP.fields) == (Constraint("price", "$gte", 20),)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"prise": 3},
            r"no field is called 'prise'; did you mean 'price'\? The fields are price, colour, tags, sale\.",
        ),
        ({"price": {"$gtee": 3}}, r"no operator is called '\$gtee'; did you mean '\$gte'\? The operators are \$eq"),
        (["price>=abc"], r"price is a number, not 'abc'; here 19\.5 to 80\."),
        ({"price": True}, r"price is a number, not True"),
        ({"price": float("nan")}, r"price is a number, not nan"),
        (["price<20|30"], r"price is a number, not '20\|30'"),
        (["colour>Red"], r"colour is not a number, so > cannot compare it; use = or !=\."),
        (["tags=Hoome"], r"tags never has the value 'Hoome'; did you mean 'Home'\? Its values are Home, Light\."),
        (["sale=maybe"], r"sale is yes or no, not 'maybe'\."),
        (["price"], r"the condition 'price' has no comparison\. Write it like year>=1990\."),
        (["price>=200", "price<90"], r"price >= 200 and price < 90 cannot both hold; drop or change one of them\."),
        (["colour=red", "colour!=red"], r"colour = Red and colour != Red cannot both hold"),
        (["colour=red", "colour=blue"], r"colour = Red and colour = Blue cannot both hold"),
        ({"tags": []}, r"tags must be one of an empty list, which no item can be"),
        ({"price": {"$gt": 5, "$lt": 5}}, r"price > 5 and price < 5 cannot both hold"),
        ({"price": {"$eq": 5, "$gt": 5}}, r"price = 5 and price > 5 cannot both hold"),
        ({"tags": {"$in": ["Home"], "$nin": ["Home", "Light"]}}, r"tags = Home and tags != Home\|Light cannot both"),
    ],
)
def test_nonsense_is_one_clear_sentence(where: Where, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        parse_where(where, SHOP.fields)


@pytest.mark.parametrize(
    "where",
    [
        ["price>=5", "price<=5"],
        ["tags=Home", "tags=Light"],
        ["tags=Home|Light", "tags!=Light"],
        ["colour!=red", "colour!=blue"],
        ["price>1", "price>2", "price!=3"],
    ],
)
def test_what_some_item_could_satisfy_is_no_contradiction(where: Where) -> None:
    assert parse_where(where, SHOP.fields)


def test_a_very_long_condition_is_refused_quickly_and_briefly() -> None:
    for text in (" " * 10**6, "=" * 10**6, "n" * 10**6 + "=1", "price>=" + "x" * 10**6, "tags=" + "y" * 10**6):
        with pytest.raises(ConstraintError) as caught:
            parse_where([text], SHOP.fields)
        assert len(str(caught.value)) < 300


def test_three_conditions_can_contradict_where_no_two_do() -> None:
    found = contradiction([Constraint("n", "$in", (1, 5)), Constraint("n", "$gt", 1), Constraint("n", "$lt", 5)])
    assert found == "n = 1|5, n > 1 and n < 5 cannot both hold; drop or change one of them."


def test_texts_of_an_unknown_field_may_stand_together() -> None:
    both = [Constraint("genres", "$eq", "Horror"), Constraint("genres", "$eq", "Comedy")]
    assert not contradiction(both)
    assert contradiction([*both, Constraint("genres", "$ne", "horror")]).startswith("genres = Horror and genres != hor")


def test_the_mask_gives_the_verdict_of_matches_for_every_operator_and_kind() -> None:
    values = (80, 19.5, "red", "Home", True, "80", "nothing")
    single = [Constraint(f, op, v) for f in ("price", "colour", "tags", "sale", "none") for v in values
              for op in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")]  # fmt: skip
    several = [Constraint(f, op, ("Blue", 80)) for f in ("price", "colour", "none") for op in ("$in", "$nin")]
    columns = FactColumns(SHOP)
    for constraint in single + several:
        assert columns.mask([constraint]).tolist() == [matches(item, constraint) for item in SHOP.values()], constraint


def test_a_missing_fact_satisfies_exclusions_only() -> None:
    lost = Item(ItemId("x"), "Unknown", {})
    verdicts = {op: matches(lost, Constraint("year", op, 1990)) for op in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")}
    assert [op for op, verdict in verdicts.items() if verdict] == ["$ne"]
    assert matches(lost, Constraint("year", "$nin", (1990,)))


def test_a_constraint_is_written_as_one_would_type_it() -> None:
    assert constraint_text(Constraint("genres", "$nin", ("Horror", "Crime"))) == "genres != Horror|Crime"
