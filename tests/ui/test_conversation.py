"""What a browser sends is checked part by part."""

import json
import uuid
from dataclasses import replace

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Constraint, ConstraintEntry, ItemEntry, ItemId, Profile, Turn, UserId, WishEntry
from llmrec.ui.conversation import Card, Conversation, Exchange
from llmrec.ui.stored import from_browser, to_browser

USER = UserId(str(uuid.UUID(int=7, version=4)))
PROFILE = Profile(
    liked=(ItemEntry(ItemId("2"), 0),),
    constraints=(ConstraintEntry(Constraint("year", "$gte", 1990), 0),),
    wishes=(WishEntry("scary", 0),),
)
CONVERSATION = Conversation(
    "5f0c2d4e-7a1b-4c3d-9e8f-0123456789ab",
    USER,
    (
        Exchange("scary", "Here.", (Card(ItemId("2"), "because", ("it is new",), {"dense": 0.5}),), "43 fit, 0.8 s"),
        Exchange("lighter", "It failed.", failed=True),
    ),
    PROFILE,
    language="zh",
    earlier=(Profile(), PROFILE),
    candidates=(ItemId("3"), ItemId("4")),
)


def test_a_conversation_comes_back_from_json_as_it_was(films: Catalogue) -> None:
    stored = json.loads(json.dumps(to_browser(CONVERSATION, films)))
    restored, complaint = from_browser(stored, films)
    assert restored == CONVERSATION
    assert complaint == ()


def test_failed_exchanges_are_no_turns() -> None:
    assert CONVERSATION.turns == (Turn("user", "scary"), Turn("assistant", "Here."))


@pytest.mark.parametrize("data", ["x", 7, []])
def test_what_is_no_conversation_at_all_gets_a_sentence(films: Catalogue, data: object) -> None:
    conversation, complaint = from_browser(data, films)
    assert (conversation.exchanges, conversation.profile) == ((), Profile())
    assert complaint == ("bad_store",)


@pytest.mark.parametrize("data", [None, {}])
def test_nothing_is_a_new_conversation_without_complaint(films: Catalogue, data: object) -> None:
    conversation, complaint = from_browser(data, films)
    assert (conversation.exchanges, conversation.profile, complaint) == ((), Profile(), ())


def test_a_forged_profile_costs_only_the_profile(films: Catalogue) -> None:
    stored = {**to_browser(CONVERSATION, films), "profile": {"liked": [{"item_id": "999", "turn": 0}]}}
    conversation, complaint = from_browser(stored, films)
    assert conversation.exchanges == CONVERSATION.exchanges
    assert conversation.profile == Profile()
    assert complaint == ("bad_profile",)


@pytest.mark.parametrize(
    "exchanges",
    [
        "x",
        [7],
        [{}],
        [{"asked": "a", "text": "b", "cards": [], "status": 7}],
        [{"asked": "a", "text": "b", "cards": {}, "status": ""}],
        [{"asked": "a", "text": "b", "cards": [7], "status": ""}],
        [{"asked": "a", "text": "b", "cards": [{"item_id": 2, "why": ""}], "status": ""}],
        [{"asked": "a", "text": "b", "cards": [{"item_id": "2", "why": "", "voices": {"x": "1"}}], "status": ""}],
        [{"asked": "a", "text": "b", "cards": [{"item_id": "2", "why": "", "voices": {"x": 1e999}}], "status": ""}],
        [{"asked": "a", "text": "b", "cards": [{"item_id": "2", "why": "", "evidence": "x"}], "status": ""}],
        [{"asked": "a" * 4001, "text": "b", "cards": [], "status": ""}],
        [{"asked": "a", "text": "b" * 20_001, "cards": [], "status": ""}],
        [{"asked": "a", "text": "b", "cards": [], "status": ""}] * 201,
    ],
)
def test_a_forged_conversation_costs_only_the_conversation(films: Catalogue, exchanges: object) -> None:
    conversation, complaint = from_browser({**to_browser(CONVERSATION, films), "exchanges": exchanges}, films)
    assert (conversation.user_id, conversation.exchanges, conversation.profile) == (USER, (), PROFILE)
    assert complaint == ("bad_exchanges",)


@pytest.mark.parametrize("user_id", [None, 7, "ann", "' OR 1=1", "x" * 1_000_000])
def test_a_forged_user_id_is_replaced(films: Catalogue, user_id: object) -> None:
    conversation, complaint = from_browser({**to_browser(CONVERSATION, films), "user_id": user_id}, films)
    assert uuid.UUID(conversation.user_id).version == 4
    assert conversation.user_id != USER
    assert complaint == ("bad_user_id",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("earlier", "x"),
        ("earlier", [7]),
        ("earlier", [{}] * 21),
        ("earlier", [{"liked": [{"item_id": "999"}]}]),
        ("language", "xx"),
        ("language", ["zh"]),
    ],
)
def test_forged_settings_and_changes_cost_only_themselves(films: Catalogue, name: str, value: object) -> None:
    conversation, complaint = from_browser({**to_browser(CONVERSATION, films), name: value}, films)
    assert (conversation.exchanges, conversation.profile) == (CONVERSATION.exchanges, PROFILE)
    assert complaint == (f"bad_{name}",)
    assert (conversation.earlier, conversation.language) == {
        "earlier": ((), "zh"),
        "language": (CONVERSATION.earlier, "follow"),
    }[name]


@pytest.mark.parametrize("candidates", ["x", [7, "3", "999"], {"a": 1}])
def test_candidates_that_cannot_be_read_are_left_out(films: Catalogue, candidates: object) -> None:
    conversation, complaint = from_browser({**to_browser(CONVERSATION, films), "candidates": candidates}, films)
    assert (set(conversation.candidates) <= {"3"}, complaint) == (True, ())


@pytest.mark.parametrize("k", [0, 4, 10_000, True, "five", None])
def test_a_forged_number_of_cards_is_the_usual_one(films: Catalogue, k: object) -> None:
    conversation, complaint = from_browser({**to_browser(CONVERSATION, films), "k": k}, films)
    assert conversation.k == 5
    assert complaint == ("bad_k",)


def test_undo_goes_back_one_change_at_a_time_but_remembers_what_was_shown() -> None:
    shown = (ItemEntry(ItemId("1"), 1),)
    changed = CONVERSATION.with_profile(replace(PROFILE, wishes=()))
    changed = changed.with_profile(replace(changed.profile, liked=(), shown=shown))
    once = changed.undone()
    assert once.profile == replace(PROFILE, wishes=(), shown=shown)
    assert once.undone().profile == replace(PROFILE, shown=shown)
    assert replace(CONVERSATION, earlier=()).undone() == replace(CONVERSATION, earlier=())


def test_an_item_that_left_the_catalogue_takes_only_its_card_along(films: Catalogue) -> None:
    exchange = {"asked": "a", "text": "b", "status": "", "cards": [{"item_id": i, "why": ""} for i in ("2", "gone")]}
    conversation, complaint = from_browser({"exchanges": [exchange]}, films)
    assert conversation.exchanges[0].cards == (Card(ItemId("2"), ""),)
    assert complaint == ()
