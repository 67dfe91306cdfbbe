import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.named_items import NamedItems
from llmrec.dialogue.title_index import TitleIndex
from llmrec.types import Item, ItemId

ITEMS = (
    Item(ItemId("1"), "Alien (1979)", {"year": 1979}),
    Item(ItemId("2"), "Little Women (1933)", {"year": 1933}),
    Item(ItemId("3"), "Little Women (1994)", {"year": 1994}),
    Item(ItemId("4"), "夜账", {"year": 1994}),
)


@pytest.fixture(scope="module")
def named() -> NamedItems:
    return NamedItems(TitleIndex(Catalogue(ITEMS)), is_value=lambda text: text.casefold() == "drama")


def test_what_is_said_before_a_title_is_told_with_it(named: NamedItems) -> None:
    text = "who is in the 1997 comedy Alien?"
    found = named.first(text)
    assert found is not None
    assert (found.item_ids, found.said, found.year_before) == ((ItemId("1"),), "1997 comedy", 1997)
    assert text[found.span.start : found.span.end] == "the 1997 comedy Alien"


@pytest.mark.parametrize("text", ["who is in the 1994 film Little Women?", "who is in Little Women (1994)?"])
def test_a_year_chooses_between_namesakes(named: NamedItems, text: str) -> None:
    assert named.ids(text) == (ItemId("3"),)


def test_a_year_that_none_of_the_namesakes_has_leaves_all(named: NamedItems) -> None:
    found = named.first("is Little Women from 2019?")
    assert found is not None
    assert (found.item_ids, found.year_after) == ((ItemId("2"), ItemId("3")), 2019)


@pytest.mark.parametrize("text", ["is it alien to you?", "who is in it?", "", "a Drama?"])
def test_a_word_in_small_letters_or_a_value_is_no_title(named: NamedItems, text: str) -> None:
    assert named.ids(text) == ()


def test_a_script_without_capitals_names_titles(named: NamedItems) -> None:
    assert named.ids('who directed "夜账"?') == (ItemId("4"),)
