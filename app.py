"""The chat in the browser: `python app.py [DIR]`, or `gradio app.py` while working on the page."""

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
from llmrec.ui import build_demo, build_notice, serve
from llmrec.ui.launch import DEFAULT_HOST, DEFAULT_PORT

__all__ = ["build_demo", "demo"]

DEFAULT_DIRECTORY = "runs/demo"


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the chat of a recommender directory.")
    directory = os.environ.get("LLMREC_RECOMMENDER", DEFAULT_DIRECTORY)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(directory), help="default: %(default)s")
    parser.add_argument("--host", default=DEFAULT_HOST)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    return parser.parse_args(arguments)


def _demo(directory: Path) -> gr.Blocks:
    """The chat over the recommender in `directory`, or a page that says in a sentence why there is none."""
    if not directory.is_dir():
        return build_notice(
            f"There is no recommender in {directory}: run `make demo` for the demo, "
            f"or `llmrec build --items items.csv --out {directory}` for your own items."
        )
    try:
        recommender = Recommender.from_pretrained(directory)
        return build_demo(recommender, feedback=SQLiteFeedbackStore(directory / "feedback.sqlite3"))
    except LLMRecError as error:
        return build_notice(str(error))


_arguments = _parsed(sys.argv[1:] if __name__ == "__main__" else [])
demo = _demo(_arguments.directory)

if __name__ == "__main__":
    try:
        serve(demo, host=_arguments.host, port=_arguments.port)
    except ConfigError as error:
        sys.exit(str(error))
