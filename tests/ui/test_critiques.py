"""What the page offers to say is made of the catalogue and understood by the conversation."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import Item, ItemEntry, ItemId, Profile, Turn
from llmrec.ui.critiques import Critiques

ALIEN, SCREAM = ItemId("2"), ItemId("6")


def test_chips_speak_of_what_the_shown_items_have(films: Catalogue) -> None:
    chips = Critiques(films).chips([films[ALIEN], films[SCREAM]])
    assert chips == ("newer", "older", "less scary", "less funny", "no Horror", "no Sci-Fi")
    assert Critiques(films).chips([]) == ()


def test_nothing_newer_is_offered_beside_the_newest(films: Catalogue) -> None:
    chips = Critiques(films).chips([films[ItemId("10")]])
    assert "newer" not in chips
    assert "older" in chips


def test_another_catalogue_has_other_dimensions() -> None:
    shop = Catalogue([Item(ItemId(str(n)), f"Mug {n}", {"price": 5.0 * n, "weight_kg": float(n)}) for n in range(1, 4)])
    chips = Critiques(shop).chips([shop[ItemId("2")]])
    assert chips == ("pricier", "cheaper", "heavier", "lighter")


def test_a_reason_against_an_item_is_one_of_its_own_facts(films: Catalogue) -> None:
    reasons = Critiques(films).reasons(films[ALIEN])
    assert [reason.label for reason in reasons] == ["Horror", "Sci-Fi", "too old", "too new"]
    assert reasons[2].message == "newer than Alien (1979)"


@pytest.mark.parametrize("shown", [(ALIEN, SCREAM), (ALIEN,), (ItemId("8"), ItemId("9"))])
def test_every_offered_message_changes_what_is_known(films: Catalogue, shown: tuple[ItemId, ...]) -> None:
    tracker = GrammarTracker(films, TitleIndex(films))
    profile = Profile(shown=tuple(ItemEntry(item_id, 1) for item_id in shown))
    critiques = Critiques(films)
    items = [films[item_id] for item_id in shown]
    messages = [*critiques.chips(items), *(reason.message for reason in critiques.reasons(items[0]))]
    for message in messages:
        after = tracker.update(profile, Turn("user", message), index=2).profile
        assert (after.constraints, after.wishes) != ((), ()), message


def test_more_like_this_is_understood_as_a_like(films: Catalogue) -> None:
    tracker = GrammarTracker(films, TitleIndex(films))
    after = tracker.update(Profile(), Turn("user", "More like Alien (1979)"), index=0).profile
    assert [entry.item_id for entry in after.liked] == [ALIEN]
