"""The pictures of README and docs, taken from the real demo in a real browser.

Run: `make screenshots` (needs `runs/demo` and Chromium).
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

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
SHOTS: dict[str, dict[str, Any]] = {
    "chat-light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "chat-dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "chat-phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}
MESSAGE = "a scary film from the 90s, I loved Alien"
ANSWER_MS = 120_000


def main() -> None:
    """Serve the demo, talk to it, write one PNG per entry of SHOTS."""
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
    IMAGES.mkdir(exist_ok=True)
    with served(demo) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        for name, look in SHOTS.items():
            page = browser.new_page(**look)
            page.goto(f"{url}?__theme={look['color_scheme']}")
            converse(page)
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        browser.close()


def converse(page: Page) -> None:
    """One message, its answer, and a like on the second card."""
    box = page.get_by_role("textbox")
    box.fill(MESSAGE)
    box.press("Enter")
    page.locator(".said").wait_for(timeout=ANSWER_MS)
    page.get_by_role("button", name="Like: ").nth(1).click()
    page.locator("#panel .liked li").nth(1).wait_for(state="attached")  # folded away on a phone
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
