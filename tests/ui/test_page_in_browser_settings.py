"""Languages, catalogues, and what is left after a reload, in a real Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from llmrec.data.catalogue import Catalogue
from llmrec.types import ChatMessage, Item, ItemId, Prompt, RankReport
from llmrec.ui.words import words_in
from tests.ui.conftest import CHROMIUM, GRADIO_WARNINGS, Server, held
from tests.ui.fakes import FakeRecommender

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM"),
    *GRADIO_WARNINGS,
]
ZH = words_in("zh")
Serve = Callable[..., Server]
Visitor = Callable[..., Any]


@pytest.fixture
def books() -> FakeRecommender:
    items = [Item(ItemId(str(n)), f"Book {n}", {"year": 1900 + n}) for n in range(1, 8)]
    return FakeRecommender(Catalogue(items), name="Books")


def test_the_whole_page_speaks_the_chosen_language_and_keeps_it(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        page.get_by_role("button", name="New conversation").click()
        expect(page.get_by_role("button", name="Open: something scary")).to_be_visible()
        page.get_by_role("button", name="中文").click()
        expect(page.get_by_role("heading", name=ZH.say("welcome"))).to_be_visible()
        expect(page.get_by_role("button", name=ZH.say("open", title="something scary"))).to_be_visible()
        expect(page.get_by_role("combobox", name="或者选几个您喜欢的")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "zh"
        page.get_by_role("textbox", name="您的消息").fill("hello")
        page.get_by_role("button", name="发送").click()
        alien = ZH.say("about_item", label="喜欢", title="Alien (1979)")
        expect(page.get_by_role("button", name=alien, exact=True)).to_be_enabled()
        page.reload()
        expect(page.get_by_role("button", name=alien, exact=True)).to_be_enabled()
        expect(page.get_by_role("button", name="发送")).to_be_visible()
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        expect(page.get_by_role("button", name="Open: something scary")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "en"
        english = "".join(page.locator("#masthead, #composer, #side, #now .actions, #now .more").all_inner_texts())
        assert [character for character in english if "\u4e00" <= character <= "\u9fff"] == ["中", "文"]
        visitor.assert_clean()


def test_a_chinese_browser_is_greeted_in_chinese_and_followed_to_english(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender), locale="zh-CN") as visitor:
        page = visitor.page
        expect(page.get_by_role("heading", name=ZH.say("welcome"))).to_be_visible()
        page.get_by_role("combobox").press_sequentially("zzzzqqqq")
        expect(page.locator("#suggestions")).to_contain_text("这里没有这个名字。")
        page.get_by_role("textbox", name="您的消息").fill("something scary")
        page.keyboard.press("Enter")
        visitor.answered()
        expect(page.get_by_role("heading", name="What I know about you")).to_be_visible()
        visitor.assert_clean()


def test_each_catalogue_has_a_page_and_conversations_of_its_own(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, books: FakeRecommender
) -> None:
    with visit(serve(recommender, books), viewport={"width": 360, "height": 740}) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        page.get_by_text("Catalogues").click()
        expect(page.get_by_role("link")).to_have_text(["Films", "Books"])  # and no list of Gradio's own
        expect(page.get_by_role("link", name="Films")).to_have_attribute("aria-current", "page")
        page.get_by_role("link", name="Books").click()
        expect(page.get_by_role("heading", name="Books", level=1)).to_be_visible()
        expect(page.locator(".welcome")).to_be_visible()
        expect(page.locator("#panel .nothing")).to_have_count(1)
        page.wait_for_function("() => 'llmrec.Books' in localStorage")
        visitor.say("something old")
        visitor.answered()
        expect(page.locator(".card h3").first).to_contain_text("Book 1")
        page.reload()
        visitor.answered()
        page.get_by_text("Catalogues").click()
        page.get_by_role("link", name="Films").click()
        visitor.answered()
        expect(page.locator(".asked bdi")).to_have_text(["something scary"])
        expect(page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        assert [len(each.calls) for each in (recommender, books)] == [1, 1]
        visitor.assert_clean()


def test_changes_can_be_taken_back_after_a_reload_and_a_restart(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, films: Catalogue
) -> None:
    server = serve(recommender)
    with visit(server) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        for title in ("Alien (1979)", "Aliens (1986)"):
            page.get_by_role("button", name=f"Like: {title}").click()
            expect(page.get_by_role("button", name=f"Forget: {title}")).to_be_visible()
        page.reload()
        visitor.answered()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        visitor.assert_clean()
        server.demo.close(verbose=False)
        serve(FakeRecommender(films), port=server.port)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#panel .liked")).to_have_count(0)
        expect(page.locator("#panel .wishes li")).to_have_text(["something scary"])
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#panel .nothing")).to_be_visible()
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        expect(page.locator(".asked bdi")).to_have_text(["something scary"])


@pytest.mark.parametrize("cut_by", ["reload", "restart"])
def test_a_message_whose_answer_is_cut_off_can_be_asked_again(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, films: Catalogue, cut_by: str
) -> None:
    recommender.hold = held()
    server = serve(recommender)
    with visit(server) as visitor:
        page = visitor.page
        visitor.say("something scary")
        expect(page.locator(".card")).to_have_count(5)
        if cut_by == "restart":
            server.demo.close(verbose=False)
            serve(FakeRecommender(films), port=server.port)
        recommender.hold.set()
        page.reload()
        expect(page.locator(".failure")).to_have_text("The answer was interrupted before it was whole.")
        page.get_by_role("button", name="Try again").click()
        visitor.answered()
        expect(page.locator(".said")).to_have_text("You said: something scary. Here is what fits.")
        expect(page.locator(".failure")).to_have_count(0)


def test_a_trace_shows_the_prompt_and_the_browser_never_keeps_it(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    asked = Prompt((ChatMessage("user", "Which of <b>these</b>?"),), "abc")
    recommender.report = RankReport(lm_scores={ItemId("2"): -1.25}, prompts=(asked,))
    with visit(serve(recommender, keeps_trace=True)) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        page.get_by_text("Trace", exact=True).click()
        expect(page.get_by_role("region", name="Prompt 1")).to_have_text("user:\nWhich of <b>these</b>?")
        expect(page.get_by_role("cell", name="-1.250")).to_be_visible()
        page.reload()
        visitor.answered()
        expect(page.locator(".trace")).to_have_count(0)
        visitor.assert_clean()
