"""`llmrec mcp`: the recommender as tools of another model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmrec.cli.options import Device, Directory, NoModel, Set, open_recommender
from llmrec.errors import ConfigError


def mcp(
    directory: Directory,
    user: Annotated[
        str, typer.Option("--user", help="Whose history and feedback count; the tools know nobody else.")
    ] = "me",
    state: Annotated[Path | None, typer.Option("--state", help="Directory of the feedback; by default DIR.")] = None,
    device: Device = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Serve the tools recommend, explain and feedback on standard input and output (Model Context Protocol).

    llmrec mcp runs/demo --user 42
    """
    try:
        from llmrec.service.mcp_tools import tools_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise ConfigError("the package mcp is not installed.", hint="Install it: pip install 'llmrec[mcp]'.") from error
    from llmrec.feedback import open_store
    from llmrec.service.people import People
    from llmrec.types import UserId

    recommender = open_recommender(directory, device=device, no_model=no_lm, assignments=assignments)
    recommender.warm_up()
    with open_store(state or directory) as store:
        tools_server(recommender, People(recommender, store), UserId(user)).run()
