"""What the page shows is logged, and a log that fails costs no answer."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from llmrec.feedback import SQLiteFeedbackStore
from llmrec.types import ItemId, Placement, Profile, Recommendation, Reply, ReplyEvent, TextEvent, Trace, UserId
from llmrec.ui.conversation import new_conversation
from llmrec.ui.handlers import ChatHandlers
from llmrec.ui.shown_log import note_shown
from tests.ui.fakes import FakeRecommender

ANN = UserId("ann")


def whole_reply() -> ReplyEvent:
    cards = (
        Recommendation(ItemId("2"), "Alien (1979)", 0.9, 1, "lm+retrieval", "", ()),
        Recommendation(
            ItemId("9"), "Heat (1995)", 0.1, 2, "retrieval", "", (), placement=Placement(0.25, "rare", "test/b")
        ),
    )
    return ReplyEvent(Reply("These.", cards, Profile(), Trace(prompt_hash="p1", adapter="a1")))


def test_every_place_is_a_row_with_what_put_it_there(feedback: SQLiteFeedbackStore) -> None:
    note_shown(feedback, ANN, TextEvent("The"), at=5.0)
    note_shown(feedback, ANN, whole_reply(), at=6.0)
    first, second = feedback.impressions_of(ANN)
    assert (first.item_id, first.position, first.propensity, first.stage, first.arm) == ("2", 1, 1.0, "fused", "")
    assert (second.item_id, second.position, second.propensity, second.stage, second.arm) == (
        "9", 2, 0.25, "rare", "test/b",
    )  # fmt: skip
    assert first.query_id == second.query_id
    assert (first.prompt_hash, first.adapter, first.at) == ("p1", "a1", 6.0)


def test_a_turn_of_the_page_is_logged_under_its_user(
    recommender: FakeRecommender, feedback: SQLiteFeedbackStore
) -> None:
    handlers = ChatHandlers(recommender, feedback, now=lambda: 17.0)
    conversation = new_conversation()
    found = handlers.ask(conversation, "something scary", None)
    assert found is not None
    *_, (_, over) = handlers.answer(conversation, found[1])
    logged = feedback.impressions_of(conversation.user_id)
    assert [row.item_id for row in logged] == [card.item_id for card in over.cards]
    assert {row.at for row in logged} == {17.0}


def test_a_log_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "feedback.sqlite3"
    with SQLiteFeedbackStore(path, busy_timeout_s=0.01) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING):
            note_shown(store, ANN, whole_reply(), at=6.0)
        other.close()
    assert "impressions are lost" in caplog.text
