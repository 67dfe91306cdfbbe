"""`llmrec experiment start|status|stop|learn`: which settings users like better, and what an explored place learned."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import AsJson, Directory
from llmrec.cli.output import note, say, say_json

if TYPE_CHECKING:
    from llmrec.experiments.means import Mean
    from llmrec.experiments.reporting import Status

app = typer.Typer(
    name="experiment",
    help="Serve users in different ways and see which is better.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the experiment.")]
Feedback = Annotated[
    str,
    typer.Option("--feedback", help="Where feedback is kept, as `llmrec serve` has it; DIR by default."),
]
_VERDICTS = {"higher": "better", "lower": "worse", "not shown": "no difference shown"}
_ROOMS = ("language_model", "retrieval", "ranking", "explanation", "dialogue", "exploration")


@app.command("start")
def start(
    directory: Directory,
    name: Name,
    arms: Annotated[
        list[str],
        typer.Option(
            "--arm", metavar="NAME[:ROOM.KEY=VALUE;…]", help="Two or more; the first is what others are compared with."
        ),
    ],
    design: Annotated[
        Literal["split", "interleave"],
        typer.Option("--design", help="split: each user has one arm; interleave: two arms take turns in every list."),
    ] = "split",
    planned: Annotated[int, typer.Option("--planned-users", min=100, help="How many users you expect in all.")] = 5000,
    clicks: Annotated[list[str] | None, typer.Option("--click", help="Signals that count as a click.")] = None,
    conversions: Annotated[
        list[str] | None, typer.Option("--conversion", help="Signals that count as what you hope for.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Begin an experiment; whoever serves DIR gives each user their arm from the next request on.

    llmrec experiment start shop quiet --arm now --arm silent:ranking.lm_weight=0
    """
    from llmrec.experiments.definition import new_experiment
    from llmrec.experiments.definition import start as begin

    given = {"clicks": clicks, "conversions": conversions}
    experiment = new_experiment(
        name=name,
        arms=[_arm(text) for text in arms],
        design=design,
        planned_users=planned,
        started_at=time.time(),
        **{key: value for key, value in given.items() if value},
    )
    _check(directory, [arm.settings for arm in experiment.arms])
    begin(directory, experiment)
    if as_json:
        say_json(experiment.model_dump(mode="json"))
    else:
        say(f"{name} runs: {', '.join(experiment.arm_names)}. See `llmrec experiment status {directory}`.")


@app.command("status")
def status(
    directory: Directory,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The last one that was started by default.")] = "",
    feedback: Feedback = "",
    effect: Annotated[
        float | None, typer.Option("--effect", help="A difference you want to see, e.g. 0.01: how long will it take?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What came of an experiment so far. Look as often as you like: the intervals named `any time` allow it."""
    from llmrec.experiments.definition import named
    from llmrec.experiments.reporting import status_of
    from llmrec.feedback import open_store

    experiment = named(directory, name)
    with open_store(feedback or directory) as store:
        found = status_of(
            experiment,
            list(store.impressions(since=experiment.started_at)),
            list(store.reactions(since=experiment.started_at)),
            effect=effect,
            now=experiment.stopped_at or time.time(),
        )
    if as_json:
        say_json(found.to_json())
    else:
        _say_status(found)


@app.command("stop")
def stop(directory: Directory, as_json: AsJson = False) -> None:
    """End the experiment that runs; everybody is served as the settings say again. Its numbers stay."""
    from llmrec.experiments.definition import stop as end

    ended = end(directory, at=time.time())
    if as_json:
        say_json(ended.model_dump(mode="json"))
    else:
        say(f"{ended.name} has stopped.")


@app.command("learn")
def learn(directory: Directory, feedback: Feedback = "", as_json: AsJson = False) -> None:
    """Count what an explored place (exploration.place) was clicked for, so that better styles are drawn more often.

    Run it daily; a service takes the counts up when it starts.
    """
    from llmrec.experiments.definition import CLICKS
    from llmrec.experiments.learned import explored, style_values, tallies_of, write_tallies
    from llmrec.experiments.outcomes import answered
    from llmrec.feedback import open_store

    with open_store(feedback or directory) as store:
        rows = explored(store.impressions())
        clicked = answered(rows, store.reactions(), CLICKS)
    write_tallies(directory, tallies_of(rows, clicked))
    values = style_values(rows, clicked)
    if as_json:
        say_json({"impressions": len(rows), "styles": [value.to_json() for value in values]})
        return
    if not values:
        say("Nothing was explored yet; set exploration.place to the number of a place, and show some lists.")
        return
    say(f"{'style':12}  {'shown':>7}  {'clicked':>7}  if it were always this one: clicks each time, 95 % intervals")
    for value in values:
        estimates = ", ".join(f"{name} {_with(mean)}" for name, mean in value.estimates.items())
        say(f"{value.style:12}  {value.tally.shown:7}  {value.tally.clicked:7}  {estimates}")


def _say_status(found: Status) -> None:
    one = found.experiment
    state = "runs" if one.stopped_at is None else "has stopped"
    said = f"{found.n_lists[0]} lists, {found.n_lists[1]} of them won" if found.n_lists else _counts(found.n_users)
    say(f"{one.name} {state}: {said}")
    for sentence in found.warnings:
        note(sentence)
    width = max(len(arm) for arm in one.arm_names)
    for row in found.rows:
        own = f"{row.metric:11} {row.arm.ljust(width)} {row.mean.value:8.4f}"
        if row.difference is None:
            say(f"{own}  {_between(row.fixed)} at one look")
            continue
        judged = f"{_between(row.fixed)} at one look, {_between(row.anytime)} any time"
        say(f"{own}  {row.difference.value:+.4f} {judged}: {_VERDICTS[row.verdict]}")
    for wait in found.waits:
        when = "nobody comes" if math.isinf(wait.days) else f"in {wait.days:.1f} days at this rate"
        say(f"{wait.metric} of {wait.arm}: that effect would be seen at {wait.users} users, {when}")


def _counts(n_users: Mapping[str, int]) -> str:
    return ", ".join(f"{arm} {n} users" for arm, n in n_users.items())


def _between(interval: tuple[float, float]) -> str:
    return "[too few users]" if math.isinf(interval[0]) else f"[{interval[0]:+.4f}, {interval[1]:+.4f}]"


def _with(mean: Mean) -> str:
    return f"{mean.value:.4f} {_between(mean.fixed_interval())}"


def _arm(text: str) -> dict[str, object]:
    name, _, settings = text.partition(":")
    return {"name": name.strip(), "settings": tuple(part.strip() for part in settings.split(";") if part.strip())}


def _check(directory: Path, changes: Sequence[tuple[str, ...]]) -> None:
    """Raise ConfigError for an arm that cannot be served, ArtifactError where `directory` holds no recommender."""
    from llmrec.errors import ConfigError
    from llmrec.index import load

    settings = load(directory).settings
    for assignments in changes:
        settings.changed(assignments)
        for assignment in assignments:
            room = assignment.partition(".")[0].strip()
            if room not in _ROOMS:
                raise ConfigError(
                    f"{assignment} is fixed when a recommender is built, so arms cannot differ in it.",
                    hint=f"Arms may differ in {', '.join(_ROOMS)}.",
                )
