"""The Insights page, accessibility of everything, and hostile names, in a real Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item, ItemId
from tests.ui.conftest import CHROMIUM, GRADIO_WARNINGS, Server
from tests.ui.fakes import FakeRecommender

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM"),
    *GRADIO_WARNINGS,
]
Serve = Callable[..., Server]
Visitor = Callable[..., Any]


def grave(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def drawn(page: Page) -> None:
    expect(page.locator("#insights svg").first).to_be_visible(timeout=60_000)
    expect(page.locator("#insights .drawing")).to_have_count(0, timeout=60_000)


def test_pictures_follow_what_is_said(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        page.get_by_role("button", name="Insights").click()
        drawn(page)
        expect(page.locator("#insights")).to_contain_text("Nothing is known of you yet")
        expect(page.locator("#columns")).to_be_hidden()
        page.get_by_role("button", name="Chat").click()
        visitor.say("something scary")
        visitor.answered()
        page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        page.get_by_role("button", name="Insights").click()
        expect(page.get_by_role("img", name="Bars of genres among the items you like: Horror 1")).to_be_visible(
            timeout=60_000
        )
        drawn(page)
        expect(page.get_by_role("heading", name="Who decided the last answer")).to_be_visible()
        visitor.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_the_way_of_anybody(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, scheme: str
) -> None:
    with visit(serve(recommender), color_scheme=scheme) as visitor:
        page = visitor.page
        page.get_by_role("combobox").press_sequentially("ali")
        expect(page.get_by_role("option")).to_have_count(3)
        assert grave(page) == []
        page.get_by_role("combobox").press("Escape")
        visitor.say("something scary")
        visitor.answered()
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".welcome")).to_be_visible()
        visitor.say("something else")
        visitor.answered()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert grave(page) == []
        page.get_by_role("button", name="Insights").click()
        drawn(page)
        assert grave(page) == []


def test_hostile_names_are_only_drawn(serve: Serve, visit: Visitor) -> None:
    bad = [
        "<img src=http://evil.example/x onerror=alert(1)>",
        "${fetch('http://evil.example/')}",
        "</svg><script>alert(1)</script>",
        "url(http://evil.example/x.png)",
    ]
    items = [
        Item(ItemId(f'{n}"x'), f"Bad {n} {text}", {"kind": bad[n % 2], "year": 1990 + n}) for n, text in enumerate(bad)
    ]
    hostile = FakeRecommender(Catalogue(items), name=bad[0])
    with visit(serve(hostile)) as visitor:
        page = visitor.page
        page.get_by_role("combobox").press_sequentially("bad")
        page.get_by_role("option").first.click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        for text in bad:
            hostile.reply = hostile.why = text.replace("{", "{{").replace("}", "}}")
            visitor.say(text)
            visitor.answered()
            page.get_by_role("button", name="New conversation").click()
            expect(page.locator(".welcome")).to_be_visible()
        expect(page.locator("#shelf .kept")).to_have_count(4)
        page.locator("#shelf .kept").first.click()
        visitor.answered()
        page.get_by_role("button", name="Insights").click()
        drawn(page)
        assert page.locator(".gradio-container :is(img, iframe, object, form)").count() == 0
        visitor.assert_clean()
