"""The pictures of README and docs, taken from the real demo and a real report in a real browser.

Run: `make screenshots` (needs Chromium), or `python docs/screenshots.py DEMO REPORT` with directories that are there;
`-` leaves one out.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
SHOTS: dict[str, dict[str, Any]] = {
    "chat-light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "chat-dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "chat-phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "chat-chinese": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}, "locale": "zh-CN"},
}
REPORT_SHOTS: dict[str, dict[str, Any]] = {
    "report-light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 1105}},
    "report-dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 1105}},
}
# What stands under the first screen is on the page, so the window is as high as three rows of figures.
INSIGHTS_SHOTS: dict[str, dict[str, Any]] = {
    "insights-light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 1815}},
    "insights-dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 1815}},
    "insights-chinese": {"color_scheme": "light", "viewport": {"width": 1280, "height": 1815}, "locale": "zh-CN"},
}
MESSAGES = {"en": "a scary film from the 90s, I loved Alien", "zh": "90年代的恐怖片，我喜欢Alien"}
ANSWER_MS = 300_000
NOTHING = "-"


def main() -> None:
    """Write one PNG per entry of SHOTS, INSIGHTS_SHOTS and REPORT_SHOTS, and one of the first page."""
    demo, report = (sys.argv[1:] + ["runs/demo", "runs/report"][len(sys.argv) - 1 :])[:2]
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        if demo != NOTHING:
            picture_chat(browser, Path(demo))
        if report != NOTHING:
            picture_report(browser, Path(report))
        browser.close()


def picture_chat(browser: Browser, demo: Path) -> None:
    """Serve the demo and talk to it."""
    with served(demo) as url:
        for name, look in SHOTS.items():
            page = browser.new_page(**look)
            page.goto(f"{url}?__theme={look['color_scheme']}")
            converse(page, MESSAGES[look.get("locale", "en")[:2]])
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        picture_first_page(browser, url)
        for name, look in INSIGHTS_SHOTS.items():
            page = browser.new_page(**look)
            page.goto(f"{url}?__theme={look['color_scheme']}")
            converse(page, MESSAGES[look.get("locale", "en")[:2]])
            page.locator("[data-view=insights]").click()
            page.locator("#insights svg").first.wait_for(timeout=ANSWER_MS)
            page.locator("#insights .drawing").wait_for(state="detached", timeout=ANSWER_MS)
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()


def picture_first_page(browser: Browser, url: str) -> None:
    """Titles that are suggested while one is typed."""
    page = browser.new_page(**SHOTS["chat-light"])
    page.goto(f"{url}?__theme=light")
    page.locator("#message textarea").wait_for()
    page.get_by_role("combobox").press_sequentially("alien", delay=60)
    page.get_by_role("option").nth(1).wait_for(timeout=ANSWER_MS)
    page.screenshot(path=IMAGES / "first-page.png")
    page.close()


def picture_report(browser: Browser, directory: Path) -> None:
    """The table of a report and the figures under it."""
    for name, look in REPORT_SHOTS.items():
        page = browser.new_page(**look)
        page.goto((directory / "report.html").resolve().as_uri())
        page.locator("section h2").first.evaluate("heading => heading.scrollIntoView()")
        page.screenshot(path=IMAGES / f"{name}.png")
        page.close()


def converse(page: Page, message: str) -> None:
    """One message, its answer, a like on the second card, and the first card's reasons unfolded."""
    # By place rather than by name: the page speaks the browser's language.
    box = page.locator("#message textarea")
    page.locator(".welcome").wait_for(timeout=ANSWER_MS)
    box.fill(message)
    box.press("Enter")
    page.locator(".said").wait_for(timeout=ANSWER_MS)
    page.locator(".react-like:enabled").nth(1).click(timeout=ANSWER_MS)
    page.locator("#panel .liked li").nth(1).wait_for(state="attached")  # folded away on a phone
    page.locator(".why-box summary").first.click()
    page.locator(".asked").first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)


@contextmanager
def served(demo: Path) -> Iterator[str]:
    """The chat over `demo` on a free port, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "llmrec", "ui", str(demo), "--port", str(port)])
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if server.poll() is not None:
            raise SystemExit("the chat did not start; see its message above")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise SystemExit("the chat did not start within two minutes")


if __name__ == "__main__":
    main()
