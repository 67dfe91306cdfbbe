"""How quick the page is in a real Chromium: from opening to usable, and from a card's button to what it changes.

python -m benchmarks.page DIR [--json]

Run it where nothing else runs: the numbers are of the machine as much as of the page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

TARGETS_MS: Mapping[str, int] = {"interactive": 2000, "like": 300}
N_TURNS = 10
_N_TRIES = 5
_START_S, _PATIENCE_MS = 600, 300_000
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the milliseconds of each try, their median and the target."""
    parser = argparse.ArgumentParser(prog="benchmarks.page", description=__doc__)
    parser.add_argument("directory", type=Path, help="a recommender")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    with _served(asked.directory) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        )
        found = measure(browser, url)
        browser.close()
    sys.stdout.write(json.dumps(found) + "\n" if asked.json else table(found))


def measure(browser: Browser, url: str) -> Mapping[str, Sequence[float]]:
    """Milliseconds until the page can be used, and of likes at the end of a chat of ten turns."""
    opened = interactive_ms(browser, url, n_tries=_N_TRIES)
    page = browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(url)
    page.wait_for_function(_INTERACTIVE)
    for turn in range(1, N_TURNS + 1):
        page.locator("#message textarea").fill("surprise me")
        page.keyboard.press("Enter")
        page.locator(f".exchange[data-exchange='{turn - 1}'] .answer[aria-busy=false]").wait_for()
    n_cards = page.locator(".react-like:enabled").count()
    likes = likes_ms(page, [n_cards - 1, n_cards * 3 // 4, n_cards // 2, n_cards // 4, 0])
    page.close()
    return {"interactive": opened, "like": likes}


def interactive_ms(browser: Browser, url: str, *, n_tries: int) -> list[float]:
    """Milliseconds from opening to usable, each for a first visit with an empty cache."""
    taken = []
    for _ in range(n_tries):
        visitor = browser.new_context()
        visitor.set_default_timeout(_PATIENCE_MS)
        page = visitor.new_page()
        begun = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_function(_INTERACTIVE)
        taken.append(1000 * (time.perf_counter() - begun))
        visitor.close()
    return taken


def likes_ms(page: Page, places: Sequence[int]) -> list[float]:
    """Milliseconds from a like to the button and the line of the panel that show it, on cards by their place."""
    return [float(page.evaluate(_PRESSED, place)) for place in places]


def table(found: Mapping[str, Sequence[float]]) -> str:
    """A line for each measure."""
    lines = [
        f"{name:<12} median {statistics.median(taken):5.0f} ms, target {TARGETS_MS[name]} ms"
        f" (tries: {', '.join(f'{each:.0f}' for each in taken)})"
        for name, taken in found.items()
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def _served(directory: Path) -> Iterator[str]:
    """The page over `directory` on a free port; without the language model, which neither measure asks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llmrec", "ui", str(directory), "--no-lm", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise SystemExit("the page did not start; see its message above")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"the page did not start within {_START_S} s")


if __name__ == "__main__":
    main()
