"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmrec.recommender import Recommender

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="A recommender directory made by `llmrec build`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
User = Annotated[str | None, typer.Option("--user", help="A user id of the interactions.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.")]
Prompts = Annotated[Path | None, typer.Option("--prompts", help="A directory of your own prompt templates.")]
NoModel = Annotated[bool, typer.Option("--no-lm", help="Rank by retrieval alone; no language model is loaded.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="A TOML or JSON file of settings.")]
Source = Annotated[Path | None, typer.Option("--from", help="Directory with the data set's files.")]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="LLMREC_STORE",
        help="Where feedback and new interactions are kept: a directory, a file, or postgresql+psycopg://…",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="ROOM.KEY=VALUE", help="Change a setting, e.g. ranking.lm_weight=0; several values as a,b."
    ),
]


def open_recommender(
    directory: Path,
    *,
    device: str | None = None,
    prompts: Path | None = None,
    no_model: bool = False,
    assignments: list[str] | None = None,
) -> Recommender:
    """The recommender in `directory` with what the command line changes. Raises LLMRecError."""
    from llmrec.build import Overrides
    from llmrec.recommender import Recommender

    changes = setting_changes(device=device, no_model=no_model, assignments=assignments)
    return Recommender.from_pretrained(directory, overrides=Overrides(prompts=prompts, settings=changes))


def setting_changes(
    *, device: str | None, no_model: bool = False, assignments: list[str] | None = None
) -> tuple[str, ...]:
    """What the command line changes, as `room.key=value`."""
    changes = [*(assignments or [])]
    if device is not None:
        changes += [f"language_model.device={device}", f"encoder.device={device}"]
    if no_model:
        changes += ["language_model.model=none"]
    return tuple(changes)
