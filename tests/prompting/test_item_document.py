"""The text an encoder and a word index read of an item."""

from llmrec.prompting.textualize import fact_text, item_document
from llmrec.types import Item, ItemId


def test_a_document_is_title_then_facts_as_words_then_description() -> None:
    item = Item(ItemId("2"), "Alien (1979)", {"year": 1979, "genres": ("Horror", "Sci-Fi")}, "Slow dread.")
    assert item_document(item) == "Alien (1979). genres Horror, Sci-Fi. year 1979. Slow dread."


def test_empty_parts_leave_no_trace() -> None:
    assert item_document(Item(ItemId("1"), "Lamp", {"tags": ()})) == "Lamp."


def test_facts_read_as_a_person_would_write_them() -> None:
    assert [fact_text(v) for v in (True, False, 5.0, 19.99, 1979, "red", ("a", "b"))] == [
        "yes", "no", "5", "19.99", "1979", "red", "a, b",
    ]  # fmt: skip
