"""What the page offers to say is made of the catalogue and understood by the conversation."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import Item, ItemEntry, ItemId, Profile, Turn
from llmrec.ui.critiques import Critiques
from llmrec.ui.examples import example_prompts
from llmrec.ui.words import words_in

ALIEN, SCREAM = ItemId("2"), ItemId("6")
ENGLISH, CHINESE = words_in("en"), words_in("zh")


def test_chips_speak_of_what_the_shown_items_have(films: Catalogue) -> None:
    chips = Critiques(films, ENGLISH).chips([films[ALIEN], films[SCREAM]])
    assert chips == ("newer", "older", "less scary", "less funny", "no Horror", "no Sci-Fi")
    assert Critiques(films, ENGLISH).chips([]) == ()


def test_nothing_newer_is_offered_beside_the_newest(films: Catalogue) -> None:
    chips = Critiques(films, ENGLISH).chips([films[ItemId("10")]])
    assert "newer" not in chips
    assert "older" in chips


def test_another_catalogue_has_other_dimensions() -> None:
    shop = Catalogue([Item(ItemId(str(n)), f"Mug {n}", {"price": 5.0 * n, "weight_kg": float(n)}) for n in range(1, 4)])
    chips = Critiques(shop, ENGLISH).chips([shop[ItemId("2")]])
    assert chips == ("pricier", "cheaper", "heavier", "lighter")


def test_a_reason_against_an_item_is_one_of_its_own_facts(films: Catalogue) -> None:
    reasons = Critiques(films, ENGLISH).reasons(films[ALIEN])
    assert [reason.label for reason in reasons] == ["Horror", "Sci-Fi", "too old", "too new"]
    assert reasons[2].message == "newer than Alien (1979)"


def test_chinese_offers_only_what_is_understood_in_chinese(films: Catalogue) -> None:
    chips = Critiques(films, CHINESE).chips([films[ALIEN], films[SCREAM]])
    assert chips == ("新一点的", "老一点的", "太恐怖了", "不要Horror", "不要Sci-Fi")
    reasons = Critiques(films, CHINESE).reasons(films[ALIEN])
    assert [(reason.label, reason.message) for reason in reasons[2:]] == [("太老了", "太老了"), ("太新了", "太新了")]


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize("shown", [(ALIEN, SCREAM), (ALIEN,), (ItemId("8"), ItemId("9"))])
def test_every_offered_message_changes_what_is_known(
    films: Catalogue, shown: tuple[ItemId, ...], words: Messages
) -> None:
    tracker = GrammarTracker(films, TitleIndex(films))
    profile = Profile(shown=tuple(ItemEntry(item_id, 1) for item_id in shown))
    critiques = Critiques(films, words)
    items = [films[item_id] for item_id in shown]
    messages = [*critiques.chips(items), *(reason.message for reason in critiques.reasons(items[0]))]
    for message in messages:
        after = tracker.update(profile, Turn("user", message), index=2).profile
        assert (after.constraints, after.wishes) != ((), ()), message


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_more_like_this_is_understood_as_a_like(films: Catalogue, words: Messages) -> None:
    tracker = GrammarTracker(films, TitleIndex(films))
    said = words.say("say_alike", title="Alien (1979)")
    after = tracker.update(Profile(), Turn("user", said), index=0).profile
    assert ([entry.item_id for entry in after.liked], after.wishes) == ([ALIEN], ())


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_examples_are_understood_in_their_language(films: Catalogue, words: Messages) -> None:
    tracker = GrammarTracker(films, TitleIndex(films))
    for said in (*example_prompts(films, words), words.say("say_recommend")):
        understood = tracker.update(Profile(), Turn("user", said), index=0)
        assert (understood.language, understood.notes, understood.profile.wishes) == (words.language, (), ()), said
