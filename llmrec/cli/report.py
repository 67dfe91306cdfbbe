"""`llmrec report`: what a recommender learned and how its catalogue is, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import Device, Directory, NoModel, Set, User, open_recommender
from llmrec.cli.output import note, say

if TYPE_CHECKING:
    from llmrec.insights import Person, Section
    from llmrec.recommender import Recommender
    from llmrec.types import SignalCount


def report(
    directory: Directory,
    out: Annotated[Path, typer.Option("--out", help="Directory for the pictures and the page that shows them.")],
    user: User = None,
    k: Annotated[int, typer.Option("--k", help="How many recommendations of --user to show.", min=1, max=20)] = 8,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", help="What `llmrec evaluate --out` wrote, for the quality.")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option("--feedback", help="Where likes are kept (SQLite); DIR/feedback.sqlite3 by default.")
    ] = None,
    device: Device = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Draw what a recommender learned, its catalogue's health, reactions, and one user's taste.

    llmrec report runs/demo --user 42 --evaluation runs/evaluation --out runs/insights
    """
    recommender = open_recommender(directory, device=device, no_model=no_lm, assignments=assignments)
    from llmrec.evaluation.results import Evaluation
    from llmrec.insights import about_person, about_recommender, subject_of
    from llmrec.insights.report import write_insights
    from llmrec.insights.sections import plane_for

    subject = subject_of(
        recommender,
        reactions=_reactions(feedback or directory / "feedback.sqlite3", is_asked_for=feedback is not None),
        evaluation=Evaluation.load(evaluation) if evaluation is not None else None,
    )
    sections = [*about_recommender(subject), *_experiment(directory, feedback or directory)]
    if user is not None:
        sections.insert(0, about_person(subject, _person(recommender, user, k), plane_for(subject)))
    page = write_insights(subject.name, sections, out)
    n_charts = sum(len(section.charts) for section in sections)
    say(str(page))
    note(f"{n_charts} pictures, each for light and dark, in {out}")


def _reactions(path: Path, *, is_asked_for: bool) -> list[SignalCount]:
    from llmrec.errors import FeedbackError
    from llmrec.feedback import SQLiteFeedbackStore

    if not path.exists():
        if is_asked_for:
            raise FeedbackError(f"there is no feedback file {path}.", hint="Name the one that `llmrec ui` wrote.")
        return []
    with SQLiteFeedbackStore(path) as store:
        return list(store.daily())


def _experiment(directory: Path, feedback: Path) -> list[Section]:
    """The experiment that was started last; nothing where there is none."""
    from llmrec.experiments.definition import read_experiments
    from llmrec.experiments.reporting import status_of
    from llmrec.feedback import open_store
    from llmrec.insights.sections import about_experiment

    known = read_experiments(directory)
    if not known:
        return []
    since = known[-1].started_at
    with open_store(feedback) as store:
        shown, said = list(store.impressions(since=since)), list(store.reactions(since=since))
    return [about_experiment(status_of(known[-1], shown, said, effect=None, now=since))]


def _person(recommender: Recommender, user: str, k: int) -> Person:
    from llmrec.insights import Person

    found = recommender.recommend(user_id=user, k=k)
    candidates = next((stage.order for stage in found.trace.stages if stage.name == "fusion"), ())
    return Person(
        history=recommender.history(user),
        shown=tuple(item.item_id for item in found),
        voices={item.item_id: item.voices for item in found},
        candidates=candidates,
    )
