"""The pictures in the order of a page: yours, the recommender's, its catalogue's, its quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmrec.evaluation.charts import Chart, charts_of
from llmrec.evaluation.panels import panels_of
from llmrec.evaluation.results import Evaluation
from llmrec.experiments.reporting import Status, sentences
from llmrec.insights import charts, health, mood, taste
from llmrec.insights.figures import Values
from llmrec.insights.plane import Plane, plane_of
from llmrec.insights.subject import Person, Subject
from llmrec.interfaces import ContributionMeter
from llmrec.types import ItemId, Query, Ranking, RankReport, SignalCount, Vectors

_MAX_ROWS = 8
_FAIR = "groups"
_SLATE_SIZE = 20
_CANDIDATES = "fused_without_lm"


@dataclass(frozen=True)
class Section:
    """A heading, a sentence under it, and pictures; without any, the sentence says why."""

    title: str
    lead: str
    charts: tuple[Chart, ...] = ()


def plane_for(subject: Subject) -> Plane | None:
    """The map that `about_person` draws on; the same for everybody, so it is worth keeping."""
    return plane_of(subject.vectors) if subject.vectors is not None else None


def about_person(subject: Subject, person: Person, plane: Plane | None) -> Section:
    """What one user likes, and what that did to the last reply."""
    if not (person.liked or person.disliked or person.shown):
        return Section("You", "Nothing is known of you yet: like a title or say what you feel like, and look again.")
    found = [*_taste(subject, person), *_reply(subject, person, plane)]
    known = f"{len(person.liked)} you like, {len(person.disliked)} not for you, {len(person.shown)} in the last answer."
    return Section("You", known, tuple(chart for chart in found if chart is not None))


def about_recommender(subject: Subject) -> Iterator[Section]:
    """What decides, how well the catalogue is known, how reactions go, and how good the last evaluation found it."""
    weights = charts.weights_chart(subject.weights)
    if weights is not None:
        yield Section("What decides", "The inputs of the learned fusion, and their weights.", (weights,))
    yield _catalogue(subject)
    yield from about_reactions(subject.reactions)
    yield from _quality(subject.evaluation)


def about_experiment(status: Status) -> Section:
    """What the arms of an experiment did so far, for its owner."""
    return Section(f"Experiment {status.experiment.name}", " ".join(sentences(status)))


def about_reactions(reactions: Sequence[SignalCount]) -> Iterator[Section]:
    """How reactions go; nothing where there are none."""
    rates = charts.rates_chart(health.like_rates(reactions))
    if rates is not None:
        yield Section("Reactions", "Of all users together; nothing of any single one.", (rates,))


def _taste(subject: Subject, person: Person) -> Iterator[Chart | None]:
    catalogue = subject.catalogue
    liked = [catalogue[item_id] for item_id in person.liked if item_id in catalogue]
    kinds = taste.kind_fields(catalogue)
    for number, field in enumerate(kinds):
        yield charts.taste_chart(f"kinds_{number}", taste.kinds_of(liked, catalogue, field.name))
    if kinds:
        yield charts.split_chart(kinds[0].name, taste.split_of(liked, kinds[0].name))
    yield _mood(subject, person)
    for number, field in enumerate(taste.number_fields(catalogue)):
        yield charts.taste_chart(f"numbers_{number}", taste.numbers_of(liked, catalogue, field))


def _mood(subject: Subject, person: Person) -> Chart | None:
    field, catalogue = mood.mood_field(subject.catalogue), subject.catalogue
    if field is None or subject.vectors is None:
        return None
    positions = catalogue.positions([item_id for item_id in person.liked if item_id in catalogue])
    return charts.mood_chart(field.name, mood.moods_of(positions.tolist(), subject.vectors, catalogue, field.name))


def _reply(subject: Subject, person: Person, plane: Plane | None) -> Iterator[Chart | None]:
    if plane is not None:
        yield charts.map_chart(plane, subject.catalogue, person)
    if person.shown and person.liked:
        yield _heat(subject, person)
    yield charts.voices_chart(person.voices)


def _heat(subject: Subject, person: Person) -> Chart | None:
    catalogue = subject.catalogue
    rows = [item_id for item_id in person.liked if item_id in catalogue][-_MAX_ROWS:]
    columns = [item_id for item_id in person.shown if item_id in catalogue][:_MAX_ROWS]
    titles = [[catalogue[item_id].title for item_id in ids] for ids in (rows, columns)]
    measured = _measured(subject.meter, person, rows, columns) if subject.meter is not None else None
    if measured is not None:
        return charts.heat_chart(measured, *titles, is_measured=True)
    if subject.vectors is None:
        return None
    return charts.heat_chart(_alike(subject.vectors, subject, rows, columns), *titles, is_measured=False)


def _measured(
    meter: ContributionMeter, person: Person, rows: Sequence[ItemId], columns: Sequence[ItemId]
) -> Values | None:
    """float64 [n_rows, n_columns], nan where an item is out of reach; None where nothing can be measured."""
    # What is shown was allowed to be: as long as it counts as shown, it could not come up again.
    query = Query(profile=replace(person.profile, shown=()), history=person.history)
    ranking = Ranking(tuple(columns), (0.0,) * len(columns), "retrieval", RankReport())
    found = meter.measure(query, ranking, rows)
    cells = [[np.nan if each is None else each.items.get(row, np.nan) for each in found] for row in rows]
    table = np.array(cells, dtype=np.float64)
    return table if np.isfinite(table).any() and np.nanmax(np.abs(table)) > 0 else None


def _alike(vectors: Vectors, subject: Subject, rows: Sequence[ItemId], columns: Sequence[ItemId]) -> Values:
    one, other = (vectors[subject.catalogue.positions(ids)].astype(np.float64) for ids in (rows, columns))
    return np.asarray(one @ other.T, dtype=np.float64)


def _catalogue(subject: Subject) -> Section:
    found = [charts.filled_chart(subject.catalogue)]
    if subject.counts is not None and subject.counts.sum():
        found += [charts.met_chart(subject.counts), charts.popularity_chart(subject.counts)]
    lead = f"{len(subject.catalogue):,} items"
    if subject.counts is not None:
        met = int((subject.counts > 0).sum())
        lead += f", {met:,} of them met by somebody, in {int(subject.counts.sum()):,} interactions"
    return Section("The catalogue", f"{lead}.", tuple(found))


def _quality(evaluation: Evaluation | None) -> Iterator[Section]:
    if evaluation is None:
        yield Section(
            "Quality", "No evaluation is here: `llmrec evaluate DIR --out RUN` makes one, --evaluation shows it."
        )
        return
    panel = next(panels_of(evaluation), None)
    if panel is None:
        yield Section("Quality", "The evaluation has no stage to show.")
        return
    found = charts_of(panel, evaluation.popularity, slate_size=_SLATE_SIZE, candidates=_CANDIDATES)
    lead = f"{len(evaluation.users):,} users, {len(panel.stages)} stages, 95 % intervals."
    yield Section("Quality", lead, tuple(chart for chart in found if chart.name != _FAIR))
    fair = tuple(chart for chart in found if chart.name == _FAIR)
    if fair:
        yield Section("Fairness", "The same metric within groups of users; intervals that overlap show no gap.", fair)
