"""`llmrec evaluate`: what every stage reaches under one protocol, printed, stored and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import AsJson, Device, Set
from llmrec.cli.output import note, say, say_json
from llmrec.cli.subjects import (
    Core,
    Dataset,
    Evaluated,
    Quiet,
    SettingsFile,
    Source,
    chosen_settings,
    data_line,
    open_subject,
    stage_names,
    with_interval,
)

if TYPE_CHECKING:
    from llmrec.evaluation.results import Evaluation, StageResult

_Protocol = Annotated[
    Literal["leave-last-out", "temporal", "cold-items", "random-one-out", "user-fold", "conversation", "behaviour"],
    typer.Option(
        "--protocol",
        help="What is held out; conversation: what was recommended next in --data; behaviour: scripted dialogues.",
    ),
]
_COLUMNS = ("NDCG@10", "R@10", "R@20", "R@50", "R@100", "MRR@10", "coverage@10")
_WIDE = ("NDCG@10", "R@10")  # shown with their intervals
_WHICH = "new, empty or of an earlier run"


def evaluate(
    directory: Evaluated = None,
    dataset: Dataset = None,
    source: Source = None,
    protocol: _Protocol = "leave-last-out",
    ties: Annotated[
        Literal["file", "random"],
        typer.Option("--ties", help="Order of a user's interactions at one moment; random: a cut for each seed."),
    ] = "file",
    core: Core = 5,
    stages: Annotated[
        str | None, typer.Option("--stages", help="Names with commas between; by default what has a closed form.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds are averaged.")] = 3,
    part: Annotated[
        Literal["validation", "test"], typer.Option("--part", help="Whose answers are sought; choose on validation.")
    ] = "test",
    reference: Annotated[
        str, typer.Option("--reference", help="The stage that others are compared with; by default the best.")
    ] = "",
    limit_users: Annotated[
        int | None, typer.Option("--limit-users", min=1, help="Test so many users, drawn with a seed.")
    ] = None,
    user_table: Annotated[
        Path | None,
        typer.Option(
            "--users", help="A table with user_id and columns that divide users into groups, one row for each user."
        ),
    ] = None,
    settings: SettingsFile = None,
    assignments: Set = None,
    device: Device = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help=f"Directory for the result and its per-user values: {_WHICH}; an earlier result is replaced."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help=f"Directory for a report to look at: {_WHICH}; an earlier report is replaced."),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work",
            help="Directory that keeps what a language model answered, so that a run goes on; by default the cache.",
        ),
    ] = None,
    fusion: Annotated[
        Path | None,
        typer.Option(
            "--fusion",
            help="Write the weights of the stage fused, as ADAPTER/fusion.json; a recommender then ranks with them.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Rows of conversations, or dialogues that are scripted, for these protocols."),
    ] = None,
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="The items that these name.")] = None,
    train: Annotated[
        Path | None,
        typer.Option("--train", help="Directory of training dialogues, instead of those that are shipped."),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option("--encoder", help="A conversation encoder of your own, see docs/conversation.md."),
    ] = None,
    per_row: Annotated[
        Path | None, typer.Option("--per-row", help="Write the rank of each gold name of each row into this file.")
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Rank the whole catalogue for every tested user, and measure each stage.

    llmrec evaluate --dataset movielens-100k --stages popularity,ease,transitions --out runs/ml-100k

    llmrec evaluate --protocol conversation --data rows.jsonl --catalogue items.json
    """
    if protocol == "conversation":
        from llmrec.cli.conversation import ConversationFiles, evaluate_conversation
        from llmrec.settings import Settings

        chosen = chosen_settings(Settings(), settings, assignments, device)
        files = ConversationFiles(data, catalogue, train, encoder, per_row)
        evaluate_conversation(files, chosen, quiet=quiet, as_json=as_json)
        return
    if protocol == "behaviour":
        from llmrec.cli.behaviour import evaluate_behaviour

        evaluate_behaviour(
            directory,
            data=data,
            catalogue=catalogue,
            n_seeds=seeds,
            assignments=assignments,
            device=device,
            as_json=as_json,
        )
        return
    from llmrec.evaluation.learned_fusion import learned_fusion, require_fusion_file
    from llmrec.evaluation.run import Plan
    from llmrec.evaluation.run import evaluate as run
    from llmrec.evaluation.user_columns import read_user_columns

    columns = read_user_columns(user_table) if user_table else None
    plan = Plan(_stages(stages), part, tuple(range(seeds)), limit_users, reference)
    _require_directories(out, report, work)
    if fusion is not None:
        require_fusion_file(fusion, plan)
    subject = open_subject(
        directory,
        dataset,
        source,
        core=core,
        stages=plan.stages,
        settings=lambda own: chosen_settings(own, settings, assignments, device),
        quiet=quiet,
        answers=work,
    )
    cuts = subject.cut(protocol, ties=ties, seeds=plan.seeds)
    found = run(
        cuts,
        plan,
        subject.workshop,
        name=subject.name,
        core=subject.core,
        user_table=columns,
        progress=not quiet,
    )
    found = replace(found, notes=(*subject.notes, *found.notes))
    if fusion is not None:
        learned_fusion(found, source=subject.workshop.source).save(fusion)
    _keep(found, out, report, slate_size=subject.workshop.context.settings.ranking.slate_size)
    if as_json:
        say_json(found.to_json())
    else:
        _say(found)


def _stages(text: str | None) -> tuple[str, ...]:
    from llmrec.evaluation.fitting import LATER_STAGES
    from llmrec.stages import STAGES, require_stages

    named = stage_names(text)
    require_stages(named, (*STAGES, *LATER_STAGES))
    return named or tuple(name for name, stage in STAGES.items() if not stage.is_seeded)


def _require_directories(out: Path | None, report: Path | None, work: Path | None) -> None:
    """Raise ConfigError while nothing has been computed that a wrong place could lose."""
    from llmrec.evaluation.targets import require_place, require_report_directory, require_result_directory

    if out is not None:
        require_result_directory(out)
    if report is not None:
        require_report_directory(report)
    if work is not None:
        require_place(work, "answers")


def _keep(found: Evaluation, out: Path | None, report: Path | None, *, slate_size: int) -> None:
    if out is not None:
        found.save(out)
    if report is not None:
        # Imported here, so that a run without pictures needs no plotting.
        from llmrec.evaluation.report import write_report

        write_report(found, report, slate_size=slate_size)


def _say(found: Evaluation) -> None:
    from llmrec.evaluation.report_words import what_was_drawn
    from llmrec.evaluation.significance import verdict
    from llmrec.evaluation.wording import counted

    record = found.protocol
    say(data_line(record))
    say(
        f"{record.protocol}, {record.part}, ties {record.ties}, {counted(len(found.users), 'user')} tested, "
        f"{counted(len(record.seeds), 'seed')}, split {record.split_sha256[:12]}, code {record.commit}"
    )
    say("")
    width = max(len("stage"), *map(len, found.stages))
    heads = [metric.ljust(23) if metric in _WIDE else metric.rjust(11) for metric in _COLUMNS]
    say("  ".join(["stage".ljust(width), *heads, "   fit s", "   users/s", "p95 ms"]))
    for name, stage in found.stages.items():
        say(f"{name.ljust(width)}  {_cells(stage)}")
    say("")
    _say_slates(found)
    for difference in found.differences:
        say(verdict(difference))
    for sentence in (*what_was_drawn(record), *found.notes):
        note(sentence)


def _say_slates(found: Evaluation) -> None:
    """What each order of the slate is worth where the slate holds the answer, beside any order at all."""
    from llmrec.evaluation.fitting import RANDOM
    from llmrec.evaluation.results import WEIGHT
    from llmrec.evaluation.slate_metrics import SLATE_NDCG, SLATE_RECALL

    ordering = {name: stage.estimates for name, stage in found.stages.items() if SLATE_NDCG in stage.per_user}
    if not ordering:
        return
    width = max(map(len, ordering))
    say(f"{'stage'.ljust(width)}  {SLATE_RECALL.rjust(7)}  {SLATE_NDCG.ljust(23)}  x {RANDOM}")
    for name, estimates in ordering.items():
        _, at, suffix = name.partition("@")
        any_order = ordering.get(f"{RANDOM}{at}{suffix}")
        ratio = f"{estimates[SLATE_NDCG].mean / any_order[SLATE_NDCG].mean:.2f}" if any_order else "-"
        cells = (f"{estimates[SLATE_RECALL].mean:7.4f}", with_interval(estimates[SLATE_NDCG]).ljust(23), ratio)
        say("  ".join([name.ljust(width), *cells]))
    for name, estimates in ordering.items():
        weights = {key.removeprefix(WEIGHT): found.mean for key, found in estimates.items() if key.startswith(WEIGHT)}
        if weights:
            say(f"{name} weighs {', '.join(f'{voice} {weight:.3f}' for voice, weight in weights.items())}")
    say("")


def _cells(stage: StageResult) -> str:
    from llmrec.evaluation.wording import quantity_text

    estimates = stage.estimates
    cells = [
        with_interval(estimates[name]).ljust(23) if name in _WIDE else f"{estimates[name].mean:11.4f}"
        for name in _COLUMNS
    ]
    seconds = stage.seconds
    speed = quantity_text(stage.users_per_s)
    return "  ".join([*cells, f"{seconds['fit']:8.1f}", speed.rjust(10), f"{1000 * seconds['p95']:6.1f}"])
