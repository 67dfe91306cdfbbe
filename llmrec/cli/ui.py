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
    feedback: Annotated[
        list[Path] | None,
        typer.Option("--feedback", help="Where likes are kept (SQLite); once for each DIR, - for its own."),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Show how each reply came about; on this machine's own address only.")
    ] = False,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(
            "--evaluation",
            help="What `llmrec evaluate --out` wrote, for the Insights page; once for each DIR, - for none.",
        ),
    ] = None,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Open the chat at http://127.0.0.1:7860 until Ctrl-C."""
    # Before anything is loaded: what cannot be served is said at once.
    from llmrec.ui.launch import for_each, launch_pages, require_private

    require_private(host, keeps_trace=trace)
    stores = for_each(directories, "--feedback", feedback or ())
    evaluations = for_each(directories, "--evaluation", evaluation or ())
    from llmrec.feedback import SQLiteFeedbackStore
    from llmrec.service.running import one_processor_each
    from llmrec.ui.page import Served

    served = []
    for directory, store, evaluated in zip(directories, stores, evaluations, strict=True):
        recommender = open_recommender(
            directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments
        )
        recommender.warm_up()
        kept = SQLiteFeedbackStore(store or directory / "feedback.sqlite3")
        served.append(Served(recommender, kept, evaluated))
    with one_processor_each():
        launch_pages(served, keeps_trace=trace, host=host, port=port)
