import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.mentions import MentionFinder
from llmrec.dialogue.title_index import TitleIndex
from llmrec.types import Item, ItemId

TITLES = ("Heat", "Speed", "It", "Big", "Contact", "Fear", "Scream", "Toy Story", "The Game", "Drama", "Alien", "187")


@pytest.fixture(scope="module")
def finder() -> MentionFinder:
    catalogue = Catalogue([Item(ItemId(title), f"{title} (1990)", {"genres": ("Drama",)}) for title in TITLES])
    return MentionFinder(TitleIndex(catalogue), is_value=ConstraintGrammar(catalogue).names_value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("the heat was on", []),
        ("a film with big speed and contact", []),
        ("I fear it", []),
        ("loved it", []),
        ("I loved it and heat", []),
        ("I love big cities", []),
        ("I loved big", ["Big"]),
        ("I loved It", ["It"]),
        ("I loved the game", []),
        ("I loved The Game", ["The Game"]),
        ("we saw Contact there", ["Contact"]),
        ("Scary things", []),
        ("Fear of flying", []),
        ("it is as good as Fear, really", ["Fear"]),
        ('a film such as "fear"', ["Fear"]),
        ("fear (1990) is one", ["Fear"]),
        ("something with the speed of toy story", []),
        ("I like drama", []),
        ("I loved Alien Autopsy", []),
        ("I loved 187", ["187"]),
        ("I loved 90s things", []),
        ("I loved 187 (1990)", ["187"]),
    ],
)
def test_a_common_word_is_a_title_only_by_clear_signs(finder: MentionFinder, text: str, named: list[str]) -> None:
    assert [item_id for mention in finder.find(text).found for item_id in mention.item_ids] == named


def test_the_longest_title_wins(films: Catalogue) -> None:
    titles = TitleIndex(films)
    (mention,) = MentionFinder(titles, is_value=lambda _: False).find("I loved Alien 3").found
    assert mention.item_ids == ("4",)


def test_a_mention_says_where_it_stands(films: Catalogue) -> None:
    text = "something like The Matrix, please"
    (mention,) = MentionFinder(TitleIndex(films), is_value=lambda _: False).find(text).found
    assert text[mention.span.start : mention.span.end] == "The Matrix"
    assert mention.stances == ("liked",)
    assert mention.cut is not None
    assert text[mention.cut.start : mention.cut.end] == "something like The Matrix"
