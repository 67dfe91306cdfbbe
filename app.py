"""The chat in the browser: `python app.py [DIR ...]`, or `gradio app.py` while working on the page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from llmrec.errors import ConfigError, LLMRecError
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.recommender import Recommender
from llmrec.service.running import one_processor_each
from llmrec.ui import build_demo, build_notice, serve
from llmrec.ui.launch import DEFAULT_HOST, DEFAULT_PORT, for_each, require_private
from llmrec.ui.page import Served, build_pages

__all__ = ["build_demo", "demo"]

DEFAULT_DIRECTORY = "runs/demo"


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the chat of recommender directories.")
    directory = os.environ.get("LLMREC_RECOMMENDER", DEFAULT_DIRECTORY)
    parser.add_argument("directories", nargs="*", type=Path, default=[Path(directory)], help=f"default: {directory}")
    parser.add_argument("--host", default=DEFAULT_HOST)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--trace", action="store_true", help="show how each reply came about; on this machine only")
    parser.add_argument(
        "--evaluation", type=Path, action="append", default=[],
        help="what `llmrec evaluate --out` wrote, for the Insights page; once for each directory, - for none",
    )  # fmt: skip
    return parser.parse_args(arguments)


def _demo(arguments: argparse.Namespace, evaluations: Sequence[Path | None]) -> gr.Blocks:
    """The chat over the recommenders, or a page that says in a sentence why there is none."""
    missing = next((directory for directory in arguments.directories if not directory.is_dir()), None)
    if missing is not None:
        return build_notice(
            f"There is no recommender in {missing}: run `make demo` for the demo, "
            f"or `llmrec build --items items.csv --out {missing}` for your own items."
        )
    try:
        served = []
        for directory, evaluation in zip(arguments.directories, evaluations, strict=True):
            store = SQLiteFeedbackStore(directory / "feedback.sqlite3")
            served.append(Served(Recommender.from_pretrained(directory), store, evaluation))
        return build_pages(served, keeps_trace=arguments.trace)
    except LLMRecError as error:
        return build_notice(str(error))


_arguments = _parsed(sys.argv[1:] if __name__ == "__main__" else [])

try:
    require_private(_arguments.host, keeps_trace=_arguments.trace)
    _evaluations = for_each(_arguments.directories, "--evaluation", _arguments.evaluation)
    demo = _demo(_arguments, _evaluations)
    if __name__ == "__main__":
        with one_processor_each():
            serve(demo, host=_arguments.host, port=_arguments.port)
except ConfigError as error:
    sys.exit(str(error))
