from llmrec.data.catalogue import Catalogue
from llmrec.prompting.textualize import history_lines, item_line
from llmrec.types import Item, ItemId


def line(title: str, description: str = "", **facts: object) -> str:
    return item_line(Item(ItemId("1"), title, facts, description), max_description_chars=30)


def test_a_year_in_the_title_is_not_said_twice() -> None:
    assert line("Alien (1979)", year=1979, genres=("Horror", "Sci-Fi")) == "Alien (1979) | Horror, Sci-Fi"


def test_a_number_is_said_with_its_name() -> None:
    assert line("Hose", price=19.5, year=2020.0) == "Hose | price 19.5 | year 2020"


def test_flags_addresses_and_long_texts_are_left_out() -> None:
    assert line("Hose", in_stock=True, page="https://example.org", manual="word " * 30) == "Hose"


def test_many_facts_and_values_are_cut() -> None:
    facts = {f"fact{n}": f"value{n}" for n in range(6)}
    assert line("Hose", tags=tuple("abcdef"), **facts) == "Hose | a, b, c, d | value0 | value1 | value2"


def test_a_description_is_cut_at_a_word_end() -> None:
    assert line("Hose", "does not kink and lasts for twenty years") == "Hose | does not kink and lasts for…"


def test_history_keeps_time_order_and_the_last_of_repeats(films: Catalogue) -> None:
    ids = [ItemId(item_id) for item_id in ("2", "9", "unknown", "2", "5")]
    assert history_lines(ids, films, max_items=5) == ("Heat (1995)", "Alien (1979)", "The Matrix (1999)")


def test_of_a_long_history_the_newest_known_items_stay(films: Catalogue) -> None:
    ids = [ItemId(item_id) for item_id in ("2", "9", "5", "unknown")]
    assert history_lines(ids, films, max_items=2) == ("Heat (1995)", "The Matrix (1999)")


def short(title: str, **facts: object) -> str:
    item = Item(ItemId("1"), title, facts, "does not kink")
    return item_line(item, max_description_chars=30, text="short")


def test_a_short_line_is_the_title_without_what_the_facts_know_and_one_fact() -> None:
    assert (
        short("Alien (1979)", year=1979, genres=("Horror", "Sci-Fi"), cast=("Tom Skerritt",))
        == "Alien | Horror, Sci-Fi"
    )


def test_brackets_that_no_fact_repeats_stay_in_a_short_title() -> None:
    assert short("Alien (1979)", genres=("Horror",)) == "Alien (1979) | Horror"
    assert short("Hose (20 m)", year=1979) == "Hose (20 m) | year 1979"
    assert short("(1979)", year=1979) == "(1979)"


def test_a_short_history_has_short_titles(films: Catalogue) -> None:
    ids = [ItemId(item_id) for item_id in ("2", "9")]
    assert history_lines(ids, films, max_items=2, text="short") == ("Alien", "Heat")


def test_a_title_alone_is_short() -> None:
    item = Item(ItemId("1"), "Alien (1979)", {"year": 1979, "genres": ("Horror",)}, "stranded crew")
    assert item_line(item, max_description_chars=30, text="title") == "Alien"
