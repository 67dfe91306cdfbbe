"""Starting the page on this machine, with everything closed that a private chat does not need."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from llmrec.errors import ConfigError
from llmrec.insights.report import theme_css
from llmrec.interfaces import FeedbackStore
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.doors import PrivateDoors
from llmrec.ui.page import Served, build_pages

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
_NOTHING = "-"
_ASSETS = Path(__file__).parent / "assets"
# Names only: the fonts are the system's, nothing is fetched.
_FONT = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif")
_FIGURES = theme_css("#insights", ".dark #insights")
_MONO = ("ui-monospace", "Consolas", "monospace")


def launch(
    recommender: ChatRecommender,
    *,
    feedback: FeedbackStore | None = None,
    keeps_trace: bool = False,
    evaluation: Path | None = None,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    quiet: bool = False,
    wait: bool = True,
) -> gr.Blocks:
    """Serve the chat over `recommender` at `http://host:port`.

    Args:
        recommender: Answers; one object serves every visitor.
        feedback: Where likes, dislikes and seen go; None keeps them in the visitor's browser only.
        keeps_trace: Whether every reply shows how it came about; only where nobody else can look.
        evaluation: A directory of `llmrec evaluate --out`, shown on the Insights page.
        host: `127.0.0.1` is this machine alone; `0.0.0.0` lets the network in.
        port: Exactly this one.
        quiet: Say nothing on the terminal.
        wait: Return only when the server ends (Ctrl-C).

    Raises:
        ConfigError: The port is taken or not a port, or a trace would leave this machine.
    """
    served = [Served(recommender, feedback, evaluation)]
    return launch_pages(served, keeps_trace=keeps_trace, host=host, port=port, quiet=quiet, wait=wait)


def launch_pages(
    served: Sequence[Served],
    *,
    keeps_trace: bool = False,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    quiet: bool = False,
    wait: bool = True,
) -> gr.Blocks:
    """Serve a page for each recommender, the first one at the root; arguments and errors as for `launch`."""
    require_private(host, keeps_trace=keeps_trace)
    return serve(build_pages(served, keeps_trace=keeps_trace), host=host, port=port, quiet=quiet, wait=wait)


def require_private(host: str, *, keeps_trace: bool) -> None:
    """Raise ConfigError where a trace would leave this machine."""
    if keeps_trace and not _is_loopback(host):
        raise ConfigError(
            f"a trace shows what users said; it is not served on {host}.", hint="Listen on 127.0.0.1, or leave --trace."
        )


def for_each(directories: Sequence[Path], option: str, given: Sequence[Path]) -> tuple[Path | None, ...]:
    """What was given for each directory with an option that is repeated in their order; None where nothing was.

    Raises:
        ConfigError: Not as often as there are directories, or one path for two, which would mix their items.
    """
    if not given:
        return (None,) * len(directories)
    if len(given) != len(directories):
        raise ConfigError(
            f"there is not one {option} for each of the {len(directories)} directories.",
            hint=f"Give it once for each, in their order; {_NOTHING} for none.",
        )
    paths = tuple(None if str(path) == _NOTHING else path for path in given)
    twice = next((path for path in paths if path is not None and paths.count(path) > 1), None)
    if twice is not None:
        raise ConfigError(
            f"{option} {twice} is given for two directories, whose items have nothing to do with each other.",
            hint="Name another for one of them.",
        )
    return paths


def serve(
    demo: gr.Blocks, *, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, quiet: bool = False, wait: bool = True
) -> gr.Blocks:
    """Serve a page that is built already; arguments and errors as for `launch`."""
    _check_port(host, port)
    # Gradio's own greeting advises a public link.
    demo.launch(server_name=host, server_port=port, quiet=True, prevent_thread_lock=True, **private_settings())
    if not quiet:
        sys.stdout.write(f"The chat is at {demo.local_url} - press Ctrl-C to stop it.\n")
        sys.stdout.flush()
    if wait:
        demo.block_thread()
    return demo


def private_settings() -> dict[str, Any]:
    """Arguments of `gr.Blocks.launch` for a page that keeps its visitors' words to itself."""
    return {
        "share": False,
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        # True would send the text of any exception to the browser.
        "show_error": False,
        "allowed_paths": [],
        "blocked_paths": [],
        "max_file_size": "1kb",
        "footer_links": [],
        "strict_cors": True,
        "state_session_capacity": 1000,
        "app_kwargs": {"middleware": [Middleware(PrivateDoors)], "docs_url": None, "redoc_url": None},
        "theme": gr.themes.Base(font=_FONT, font_mono=_MONO),
        # As `css` Gradio would rewrite the selectors, and lose those inside @media.
        "head": f"<style>{(_ASSETS / 'page.css').read_text(encoding='utf-8')}{_FIGURES}</style>",
    }


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise ConfigError(f"the port {port} does not exist.", hint="Choose one from 1 to 65535 with --port.")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}.", hint="Choose another one with --port."
        ) from error
