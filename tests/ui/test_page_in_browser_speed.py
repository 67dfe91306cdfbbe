"""How quick the page is, in a real Chromium: the best of five, with `pytest -s` as it is on this machine."""

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

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
N_TRIES = 5
_PATIENCE = 5  # how many times the promise: a machine may be slow, and what is quadratic is slower still

# The load event is answered: what is typed and pressed from now on stays.
_INTERACTIVE = "() => Object.keys(localStorage).some((key) => key.startsWith('llmrec.'))"
# Milliseconds from a press to the button that shows it, and to the line of the panel.
_PRESSED = """(place) => new Promise((resolve) => {
  const button = document.querySelectorAll('.react-like')[place];
  const item = button.dataset.item;
  const n = document.querySelectorAll('#panel .liked li').length;
  const begun = performance.now();
  const look = () => {
    const shown = [...document.querySelectorAll('.react-like')].find((each) => each.dataset.item === item);
    const isListed = document.querySelectorAll('#panel .liked li').length > n;
    const isPressed = shown?.getAttribute('aria-pressed') === 'true';
    if (isListed && isPressed) resolve(performance.now() - begun); else requestAnimationFrame(look);
  };
  button.click();
  look();
})"""


def report(what: str, milliseconds: list[float]) -> float:
    """The best of them; `pytest -s` shows all."""
    sys.stdout.write(f"{what}: {', '.join(f'{each:.0f}' for each in milliseconds)} ms\n")
    return min(milliseconds)


def test_a_page_can_be_used_within_two_seconds(serve: Serve, browser: Browser, recommender: FakeRecommender) -> None:
    server = serve(recommender)
    taken = []
    for _ in range(N_TRIES):
        # A new context has an empty cache: the first visit of somebody.
        visitor = browser.new_context()
        page = visitor.new_page()
        begun = time.perf_counter()
        page.goto(server.url, wait_until="commit")
        page.wait_for_function(_INTERACTIVE)
        taken.append(1000 * (time.perf_counter() - begun))
        visitor.close()
    assert report("interactive", taken) <= _PATIENCE * 2000


def test_a_cards_button_shows_within_three_tenths_of_a_second_also_after_ten_turns(
    serve: Serve, visit: Visitor
) -> None:
    items = [Item(ItemId(str(n)), f"Item {n}", {"kind": ("a", "b")[n % 2 :], "year": 1950 + n}) for n in range(60)]
    with visit(serve(FakeRecommender(Catalogue(items)))) as visitor:
        for turn in range(1, 11):
            visitor.say(f"turn {turn}")
            visitor.answered(turn)
        # Some of the last reply, some far above it.
        taken = [float(visitor.page.evaluate(_PRESSED, place)) for place in (49, 45, 40, 20, 0)]
        assert report("a like", taken) <= _PATIENCE * 300
        visitor.assert_clean()
