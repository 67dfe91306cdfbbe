"""What a page must bear and who must be able to use it: forged requests, and nothing but a keyboard."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.conftest import CHROMIUM, GRADIO_WARNINGS, Server
from tests.ui.fakes import FakeRecommender

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM"),
    *GRADIO_WARNINGS,
]
Serve = Callable[..., Server]
Visitor = Callable[..., Any]

_FORGED_STORES: list[object] = [
    "x" * 1_000_000,
    [["user", "hi"]],
    {"exchanges": [{"asked": "<b>", "text": 7}], "profile": {"liked": "all"}, "k": 10**9},
    {"user_id": "' OR 1=1; --", "earlier": [{"liked": [{"item_id": "../../etc/passwd", "turn": -1}]}] * 500},
]
_FORGED_PRESSES: list[Mapping[str, object]] = [
    {"event": "react", "signal": "own", "item": "2"},
    {"event": "react", "signal": "like", "item": {"$ne": None}},
    {"event": "react", "signal": ["like"], "item": "x" * 100_000},
    {"event": "react"},
]
# Everything that can be worked, by what tells it apart, as long as it is seen.
_WORKABLE = """() => [...document.querySelectorAll(
    '.gradio-container :is(button, a[href], input, textarea, summary):not(:disabled)')]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.offsetWidth > 1)
  .map((each, place) => { each.dataset.place = String(place); return String(place); })"""
_FOCUSED = "() => document.activeElement?.dataset?.place ?? ''"


def forge(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every event that the page sends from now on."""

    def changed(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        change(body)
        route.continue_(post_data=json.dumps(body))

    page.route("**/queue/join*", changed)


@pytest.mark.parametrize("place", range(len(_FORGED_STORES)))
def test_a_forged_store_in_a_request_leaves_the_open_conversation_as_it_is(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, place: int
) -> None:
    with visit(serve(recommender)) as visitor:
        visitor.say("something scary")
        visitor.answered()
        forge(visitor.page, lambda body: body["data"].__setitem__(0, _FORGED_STORES[place]))
        visitor.page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(visitor.page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        visitor.say("go on")
        visitor.answered(2)
        assert [turn.text for turn in recommender.calls[1][0]][::2] == ["something scary", "go on"]
        visitor.assert_clean()


def test_a_forged_press_does_nothing(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        visitor.say("something scary")
        visitor.answered()
        for press in _FORGED_PRESSES:
            forge(visitor.page, lambda body, press=press: body.__setitem__("event_data", press))
            visitor.page.get_by_role("button", name="Like: Alien (1979)").click()
            visitor.page.unroute("**/queue/join*")
        visitor.page.get_by_role("button", name="Seen it: Alien (1979)").click()
        expect(visitor.page.locator("#panel .seen li")).to_have_text(["Alien (1979)"])
        expect(visitor.page.locator("#panel .liked")).to_have_count(0)
        visitor.say("go on")
        visitor.answered(2)
        visitor.assert_clean()


def test_the_tab_key_reaches_everything_that_can_be_worked(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        for has_cards in (False, True):
            if has_cards:
                visitor.say("something scary")
                visitor.answered()
            places = page.evaluate(_WORKABLE)
            page.locator("#masthead button").first.focus()
            reached = set()
            for _ in range(len(places) + 5):
                reached.add(page.evaluate(_FOCUSED))
                page.keyboard.press("Tab")
            assert set(places) <= reached
        why = page.locator(".why-box summary").first
        why.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".reasons").first).to_be_visible()
        page.get_by_role("button", name="Forget: something scary").focus()
        page.keyboard.press("Space")
        expect(page.locator("#panel .wishes")).to_have_count(0)
        visitor.assert_clean()
