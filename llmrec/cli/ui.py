"""`llmrec ui`: the chat in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmrec.cli.options import Device, NoModel, Prompts, Set, open_recommender


def ui(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR [DIR ...]", help="Recommender directories, a page for each; the first is at the root."
        ),
    ],
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 127.0.0.1 is this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)] = 7860,
    feedback: Annotated[Path | None, typer.Option("--feedback", help="Where likes are kept (SQLite).")] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Show how each reply came about; on this machine's own address only.")
    ] = False,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", help="What `llmrec evaluate --out` wrote, for the Insights page.")
    ] = None,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Open the chat at http://127.0.0.1:7860 until Ctrl-C."""
    # Before anything is loaded: what cannot be served is said at once.
    from llmrec.ui.launch import launch_pages, require_one, require_private

    require_private(host, keeps_trace=trace)
    require_one(directories, feedback=feedback, evaluation=evaluation)
    from llmrec.feedback import SQLiteFeedbackStore
    from llmrec.ui.page import Served

    served = []
    for directory in directories:
        recommender = open_recommender(
            directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments
        )
        recommender.warm_up()
        store = SQLiteFeedbackStore(feedback or directory / "feedback.sqlite3")
        served.append(Served(recommender, store, evaluation))
    launch_pages(served, keeps_trace=trace, host=host, port=port)
