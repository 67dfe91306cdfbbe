"""`llmrec prompts`: see the templates, and what the model would read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from llmrec.cli.options import AsJson
from llmrec.cli.output import say, say_json
from llmrec.errors import ConfigError

app = typer.Typer(help="List, show and render prompt templates.", no_args_is_help=True, rich_markup_mode=None)

Own = Annotated[Path | None, typer.Option("--prompts", help="A directory of your own prompt templates.")]
Name = Annotated[str, typer.Argument(help="A template's name, e.g. rank.")]


@app.command("list")
def list_(own: Own = None, as_json: AsJson = False) -> None:
    """Names, versions and hashes of the templates in use."""
    from llmrec.prompting.templates import PromptLibrary

    library = PromptLibrary.load(own)
    rows = [
        {"name": t.name, "version": t.version, "hash": t.hash, "description": t.description, "path": str(t.path)}
        for t in library.values()
    ]
    if as_json:
        say_json({"prompts": rows})
        return
    for row in rows:
        say(f"{row['name']:12} v{row['version']}  {row['hash']}  {row['description']}")


@app.command()
def show(name: Name, own: Own = None) -> None:
    """The template's file as it is."""
    from llmrec.prompting.templates import PromptLibrary

    say(PromptLibrary.load(own)[name].path.read_text(encoding="utf-8"))


@app.command()
def render(
    name: Name,
    variables: Annotated[Path, typer.Argument(help="A JSON file with the template's inputs.")],
    own: Own = None,
    as_json: AsJson = False,
) -> None:
    """The messages a model would get for these inputs."""
    from llmrec.prompting.templates import PromptLibrary

    template = PromptLibrary.load(own)[name]
    try:
        values = json.loads(variables.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"the inputs {variables} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"the inputs {variables} must be a JSON object with {', '.join(template.inputs)}.")
    prompt = template.render(**values)
    if as_json:
        say_json(
            {
                "hash": prompt.template_hash,
                "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            }
        )
        return
    for message in prompt.messages:
        say(f"[{message.role}]\n{message.content}\n")
