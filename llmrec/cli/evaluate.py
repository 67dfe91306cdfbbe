"""`llmrec evaluate`: what every stage reaches under one protocol, printed, stored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from llmrec.cli.behaviour import evaluate_behaviour
from llmrec.cli.conversation import ConversationFiles, evaluate_conversation
from llmrec.cli.held_out import HeldOutFiles, Measured, evaluate_held_out
from llmrec.cli.options import AsJson, Device, Quiet, Set, SettingsFile, Source
from llmrec.cli.subjects import Core, Dataset, Evaluated, chosen_settings

_WHICH = "new, empty or of an earlier run"
_Protocol = Annotated[
    Literal["leave-last-out", "temporal", "cold-items", "random-one-out", "user-fold", "conversation", "behaviour"],
    typer.Option(
        "--protocol",
        help="What is held out; conversation: what was recommended next in --data; behaviour: scripted dialogues.",
    ),
]
_Ties = Annotated[
    Literal["file", "random"],
    typer.Option("--ties", help="Order of a user's interactions at one moment; random: a cut for each seed."),
]
_Stages = Annotated[
    str | None, typer.Option("--stages", help="Names with commas between; by default what has a closed form.")
]
_Seeds = Annotated[int, typer.Option("--seeds", min=1, help="How many seeds are averaged.")]
_Part = Annotated[
    Literal["validation", "test"], typer.Option("--part", help="Whose answers are sought; choose on validation.")
]
_Reference = Annotated[
    str, typer.Option("--reference", help="The stage that others are compared with; by default the best.")
]
_LimitUsers = Annotated[int | None, typer.Option("--limit-users", min=1, help="Test so many users, drawn with a seed.")]
_Users = Annotated[
    Path | None,
    typer.Option(
        "--users", help="A table with user_id and columns that divide users into groups, one row for each user."
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help=f"Directory for the result and its per-user values: {_WHICH}; an earlier result is replaced."
    ),
]
_Report = Annotated[
    Path | None,
    typer.Option("--report", help=f"Directory for a report to look at: {_WHICH}; an earlier report is replaced."),
]
_Work = Annotated[
    Path | None,
    typer.Option(
        "--work",
        help="Directory that keeps what a language model answered, so that a run goes on; by default the cache.",
    ),
]
_Fusion = Annotated[
    Path | None,
    typer.Option(
        "--fusion",
        help="Write the weights of the stage fused, as ADAPTER/fusion.json; a recommender then ranks with them.",
    ),
]
_Data = Annotated[
    Path | None,
    typer.Option("--data", help="Rows of conversations, or dialogues that are scripted, for these protocols."),
]
_Catalogue = Annotated[Path | None, typer.Option("--catalogue", help="The items that these name.")]
_Train = Annotated[
    Path | None,
    typer.Option("--train", help="Directory of training dialogues, instead of those that are shipped."),
]
_Encoder = Annotated[
    Path | None,
    typer.Option("--encoder", help="A conversation encoder of your own, see docs/conversation.md."),
]
_PerRow = Annotated[
    Path | None, typer.Option("--per-row", help="Write the rank of each gold name of each row into this file.")
]


def evaluate(
    directory: Evaluated = None,
    dataset: Dataset = None,
    source: Source = None,
    protocol: _Protocol = "leave-last-out",
    ties: _Ties = "file",
    core: Core = 5,
    stages: _Stages = None,
    seeds: _Seeds = 3,
    part: _Part = "test",
    reference: _Reference = "",
    limit_users: _LimitUsers = None,
    user_table: _Users = None,
    settings: SettingsFile = None,
    assignments: Set = None,
    device: Device = None,
    out: _Out = None,
    report: _Report = None,
    work: _Work = None,
    fusion: _Fusion = None,
    data: _Data = None,
    catalogue: _Catalogue = None,
    train: _Train = None,
    encoder: _Encoder = None,
    per_row: _PerRow = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Rank the whole catalogue for every tested user, and measure each stage.

    llmrec evaluate --dataset movielens-100k --stages popularity,ease,transitions --out runs/ml-100k

    llmrec evaluate --protocol conversation --data rows.jsonl --catalogue items.json
    """
    if protocol == "conversation":
        from llmrec.settings import Settings

        conversations = ConversationFiles(data, catalogue, train, encoder, per_row)
        chosen = chosen_settings(Settings(), settings, assignments, device)
        evaluate_conversation(conversations, chosen, quiet=quiet, as_json=as_json)
    elif protocol == "behaviour":
        evaluate_behaviour(
            directory,
            data=data,
            catalogue=catalogue,
            n_seeds=seeds,
            assignments=assignments,
            device=device,
            as_json=as_json,
        )
    else:
        measured = Measured(
            directory=directory,
            dataset=dataset,
            source=source,
            core=core,
            protocol=protocol,
            ties=ties,
            part=part,
            n_seeds=seeds,
            stages=stages,
            reference=reference,
            limit_users=limit_users,
            settings=lambda own: chosen_settings(own, settings, assignments, device),
        )
        evaluate_held_out(measured, HeldOutFiles(user_table, out, report, work, fusion), quiet=quiet, as_json=as_json)
