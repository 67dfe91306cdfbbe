"""`llmrec ui`: the chat in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmrec.cli.options import Device, Directory, NoModel, Prompts, Set, open_recommender


def ui(
    directory: Directory,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 127.0.0.1 is this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)] = 7860,
    feedback: Annotated[Path | None, typer.Option("--feedback", help="Where likes are kept (SQLite).")] = None,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Open the chat at http://127.0.0.1:7860 until Ctrl-C."""
    recommender = open_recommender(directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments)
    from llmrec.feedback import SQLiteFeedbackStore
    from llmrec.ui.launch import launch

    recommender.warm_up()
    launch(recommender, host=host, port=port, feedback=SQLiteFeedbackStore(feedback or directory / "feedback.sqlite3"))
