"""What a visitor can do on the page beside talking, in a real Chromium."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.feedback import SQLiteFeedbackStore
from tests.ui.conftest import CHROMIUM, GRADIO_WARNINGS, Server
from tests.ui.fakes import FakeRecommender

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM"),
    *GRADIO_WARNINGS,
]
Serve = Callable[..., Server]
Visitor = Callable[..., Any]


def test_titles_are_picked_by_typing_their_beginning(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        field = page.get_by_role("combobox", name="Or pick titles you like")
        field.press_sequentially("ali")
        expect(page.get_by_role("option")).to_have_text(["Alien (1979)", "Aliens (1986)", "Alien³ (1992)"])
        expect(field).to_have_attribute("aria-expanded", "true")
        field.press("ArrowDown")
        field.press("ArrowDown")
        expect(page.get_by_role("option", selected=True)).to_have_text("Aliens (1986)")
        field.press("Enter")
        expect(page.locator("#panel .liked li")).to_have_text(["Aliens (1986)"])
        expect(field).to_have_value("")
        expect(field).to_be_focused()
        expect(page.get_by_role("option")).to_have_count(0)
        field.press_sequentially("matr")
        page.get_by_role("option", name="The Matrix (1999)").click()
        expect(page.locator("#panel .liked li")).to_have_text(["Aliens (1986)", "The Matrix (1999)"])
        field.press_sequentially("zzzzqqqq")
        expect(page.locator("#suggestions")).to_contain_text("No title like that here.")
        field.press("Escape")
        expect(page.locator("#suggestions .nothing")).to_have_count(0)
        page.get_by_role("button", name="Recommend from these").click()
        visitor.answered()
        expect(field).to_be_hidden()
        assert [entry.item_id for entry in recommender.calls[0][1].liked] == ["3", "5"]
        visitor.assert_clean()


def test_every_button_of_a_card_does_what_it_says(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, feedback: SQLiteFeedbackStore
) -> None:
    with visit(serve(recommender, feedback=feedback)) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        alien = page.locator(".card").nth(1)
        alien.get_by_text("Why?").click()
        expect(alien.locator(".reasons li")).to_have_text(["it fits what you said"])
        expect(
            alien.get_by_role("img", name="Score 0.75: likeness in content +1.00, the language model -0.25")
        ).to_be_visible()
        alien.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        # A rendering later, what was unfolded still is.
        expect(alien.locator(".reasons")).to_be_visible()
        alien.get_by_role("button", name="More like this: Alien (1979)").click()
        visitor.answered(2)
        expect(page.locator(".asked bdi").last).to_have_text("More like Alien (1979)")
        last = page.locator(".exchange").last
        scream = last.locator(".card").filter(has_text="Scream (1996)")
        scream.get_by_text("Not this, because").click()
        scream.get_by_role("button", name="Horror").click()
        visitor.answered(3)
        expect(page.locator(".asked bdi").last).to_have_text("no Horror")
        expect(page.locator("#panel .disliked li")).to_have_text(["Scream (1996)"])
        visitor.assert_clean()


def test_critiques_undo_and_the_number_of_cards(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_disabled()
        page.get_by_role("button", name="3", exact=True).click()
        expect(page.get_by_role("button", name="3", exact=True)).to_have_attribute("aria-pressed", "true")
        visitor.say("something scary")
        visitor.answered()
        expect(page.locator(".card")).to_have_count(3)
        page.get_by_role("group", name="Say next").get_by_role("button", name="newer").click()
        visitor.answered(2)
        expect(page.locator(".asked bdi").last).to_have_text("newer")
        page.locator(".exchange").last.locator(".react-seen").first.click()
        expect(page.locator("#panel .seen li")).to_have_count(1)
        undo.click()
        expect(page.locator("#panel .seen")).to_have_count(0)
        undo.click()
        expect(page.locator("#panel .wishes li")).to_have_text(["something scary"])
        visitor.assert_clean()


def test_what_failed_is_tried_again(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    recommender.error = ModelError("the model is away.", hint="Try again.")
    with visit(serve(recommender)) as visitor:
        visitor.say("something scary")
        visitor.answered()
        expect(visitor.page.locator(".failure")).to_contain_text("the model is away.")
        recommender.error = None
        visitor.page.get_by_role("button", name="Try again").click()
        expect(visitor.page.locator(".said")).to_have_text("You said: something scary. Here is what fits.")
        visitor.answered()
        expect(visitor.page.locator(".failure")).to_have_count(0)
        visitor.assert_clean()


def test_conversations_are_kept_opened_and_deleted(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        visitor.say("the first one")
        visitor.answered()
        page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".welcome")).to_be_visible()
        expect(page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        expect(page.locator("#panel .wishes")).to_have_count(0)
        visitor.say("the second one")
        visitor.answered()
        page.reload()
        visitor.answered()
        page.get_by_role("button", name="Open: the first one").click()
        expect(page.locator(".asked bdi")).to_have_text(["the first one"])
        page.get_by_role("button", name="Delete: the second one").click()
        expect(page.locator("#shelf .kept")).to_have_count(0)
        page.reload()
        visitor.answered()
        expect(page.locator(".asked bdi")).to_have_text(["the first one"])
        expect(page.locator("#shelf .kept")).to_have_count(0)
        visitor.assert_clean()


def test_a_visitor_takes_their_data_along_and_deletes_it(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, feedback: SQLiteFeedbackStore, tmp_path: Path
) -> None:
    with visit(serve(recommender, feedback=feedback)) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").click()
        download.value.save_as(tmp_path / "mine.json")
        data = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
        assert download.value.suggested_filename == "my-recommendations.json"
        assert data["conversation"]["exchanges"][0]["asked"] == "something scary"
        kept = data["on_the_server"]
        assert [row["item_id"] for row in kept if row["kind"] == "feedback"] == ["2"]
        assert [row["item_id"] for row in kept if row["kind"] == "impression"] == ["1", "2", "3", "4", "5"]

        page.get_by_text("Delete everything").click()
        page.get_by_role("button", name="Yes, delete it all").click()
        expect(page.locator("#notice")).to_contain_text("All of it is gone: 6 entries")
        expect(page.locator(".welcome")).to_be_visible()
        assert feedback.daily() == []
        page.reload()
        expect(page.locator(".welcome")).to_be_visible()
        expect(page.locator("#panel .nothing")).to_be_visible()
        visitor.assert_clean()


def test_ten_turns_in_a_row_stay_in_order(serve: Serve, visit: Visitor, films: Catalogue) -> None:
    recommender = FakeRecommender(films)
    with visit(serve(recommender)) as visitor:
        for number in range(1, 11):
            visitor.say(f"turn {number}")
            visitor.answered(number)
        expect(visitor.page.locator(".asked bdi")).to_have_text([f"turn {number}" for number in range(1, 11)])
        assert [len(turns) for turns, _ in recommender.calls] == list(range(1, 20, 2))
        visitor.assert_clean()


@pytest.mark.parametrize("stored", ["garbage", '"x"', "{}"])
def test_a_store_that_cannot_be_read_gets_a_sentence_and_costs_nothing_but_itself(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, stored: str
) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        page.evaluate("(value) => Object.keys(localStorage).forEach((key) => localStorage.setItem(key, value))", stored)
        page.reload()
        expect(page.locator(".welcome")).to_be_visible()
        expect(page.locator("#notice .notice")).to_have_text("What this browser kept was unreadable.")
        visitor.errors.clear()  # the browser's own, of what it could not read
        visitor.say("go on")
        visitor.answered()
        expect(page.locator("#notice")).to_have_text("")
        page.reload()
        visitor.answered()
        expect(page.locator("#notice")).to_have_text("")
        visitor.assert_clean()


def test_a_message_of_a_megabyte_gets_a_sentence(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        visitor.say("x" * 1_000_000)
        expect(visitor.page.locator("#notice")).to_contain_text("Your message has 1,000,000 characters")
        assert recommender.calls == []
        visitor.assert_clean()


def test_a_server_that_was_restarted_under_an_open_page_goes_on(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, films: Catalogue
) -> None:
    server = serve(recommender)
    with visit(server) as visitor:
        visitor.say("something scary")
        visitor.answered()
        visitor.assert_clean()
        server.demo.close(verbose=False)
        restarted = FakeRecommender(films)
        serve(restarted, port=server.port)
        visitor.say("go on")
        visitor.answered(2)
        assert [turn.text for turn in restarted.calls[0][0]][::2] == ["something scary", "go on"]
        expect(visitor.page.locator("#panel .wishes li")).to_have_text(["something scary", "go on"])
