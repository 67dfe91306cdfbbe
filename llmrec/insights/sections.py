"""The pictures in the order of a page: yours, the recommender's, its catalogue's, its quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages
from llmrec.evaluation.charts import Chart, charts_of
from llmrec.evaluation.panels import panels_of
from llmrec.evaluation.results import Evaluation
from llmrec.experiments.reporting import Status, sentences
from llmrec.insights import charts, health, mood, taste
from llmrec.insights.figures import Values
from llmrec.insights.plane import Plane, plane_of
from llmrec.insights.subject import Person, Subject
from llmrec.insights.words import words_in
from llmrec.interfaces import ContributionMeter
from llmrec.types import ItemId, Query, Ranking, RankReport, SignalCount, Vectors

_MAX_ROWS = 8
_FAIR = "groups"
_SLATE_SIZE = 20
_CANDIDATES = "fused_without_lm"


@dataclass(frozen=True)
class Section:
    """A heading, a sentence under it, and pictures; without any, the sentence says why.

    Attributes:
        language: Of the charts' words; those of an evaluation are in English whatever the page speaks.
    """

    title: str
    lead: str
    charts: tuple[Chart, ...] = ()
    language: str = DEFAULT_LANGUAGE


def plane_for(subject: Subject) -> Plane | None:
    """The map that `about_person` draws on; the same for everybody, so it is worth keeping."""
    return plane_of(subject.vectors) if subject.vectors is not None else None


def about_person(subject: Subject, person: Person, plane: Plane | None, *, language: str = DEFAULT_LANGUAGE) -> Section:
    """What one user likes, and what that did to the last reply."""
    words = words_in(language)
    if not (person.liked or person.disliked or person.shown):
        return Section(words.say("you"), words.say("you_nothing"))
    found = [*_taste(subject, person, words), *_reply(subject, person, plane, words)]
    counts = {"liked": len(person.liked), "disliked": len(person.disliked), "shown": len(person.shown)}
    return _section(words, "you", words.say("you_known", **counts), found)


def about_recommender(subject: Subject, *, language: str = DEFAULT_LANGUAGE) -> Iterator[Section]:
    """What decides, how well the catalogue is known, how reactions go, and how good the last evaluation found it."""
    words = words_in(language)
    weights = charts.weights_chart(subject.weights, words)
    if weights is not None:
        yield _section(words, "decides", words.say("decides_lead"), [weights])
    yield _catalogue(subject, words)
    yield from about_reactions(subject.reactions, language=language)
    yield from _quality(subject.evaluation, words)


def about_experiment(status: Status) -> Section:
    """What the arms of an experiment did so far, for its owner."""
    return Section(f"Experiment {status.experiment.name}", " ".join(sentences(status)))


def about_reactions(reactions: Sequence[SignalCount], *, language: str = DEFAULT_LANGUAGE) -> Iterator[Section]:
    """How reactions go; nothing where there are none."""
    words = words_in(language)
    rates = charts.rates_chart(health.like_rates(reactions), words)
    if rates is not None:
        yield _section(words, "reactions", words.say("reactions_lead"), [rates])


def _section(words: Messages, title: str, lead: str, found: Sequence[Chart | None]) -> Section:
    return Section(words.say(title), lead, tuple(chart for chart in found if chart is not None), words.language)


def _taste(subject: Subject, person: Person, words: Messages) -> Iterator[Chart | None]:
    catalogue = subject.catalogue
    liked = [catalogue[item_id] for item_id in person.liked if item_id in catalogue]
    kinds = taste.kind_fields(catalogue)
    for number, field in enumerate(kinds):
        yield charts.taste_chart(f"kinds_{number}", taste.kinds_of(liked, catalogue, field.name), words)
    if kinds:
        yield charts.split_chart(kinds[0].name, taste.split_of(liked, kinds[0].name), words)
    yield _mood(subject, person, words)
    for number, field in enumerate(taste.number_fields(catalogue)):
        yield charts.taste_chart(f"numbers_{number}", taste.numbers_of(liked, catalogue, field), words)


def _mood(subject: Subject, person: Person, words: Messages) -> Chart | None:
    field, catalogue = mood.mood_field(subject.catalogue), subject.catalogue
    if field is None or subject.vectors is None:
        return None
    positions = catalogue.positions([item_id for item_id in person.liked if item_id in catalogue])
    moods = mood.moods_of(positions.tolist(), subject.vectors, catalogue, field.name)
    return charts.mood_chart(field.name, moods, words)


def _reply(subject: Subject, person: Person, plane: Plane | None, words: Messages) -> Iterator[Chart | None]:
    if plane is not None:
        yield charts.map_chart(plane, subject.catalogue, person, words)
    if person.shown and person.liked:
        yield _heat(subject, person, words)
    yield charts.voices_chart(person.voices, words)


def _heat(subject: Subject, person: Person, words: Messages) -> Chart | None:
    catalogue = subject.catalogue
    rows = [item_id for item_id in person.liked if item_id in catalogue][-_MAX_ROWS:]
    columns = [item_id for item_id in person.shown if item_id in catalogue][:_MAX_ROWS]
    beside, above = ([catalogue[item_id].title for item_id in ids] for ids in (rows, columns))
    measured = _measured(subject.meter, person, rows, columns) if subject.meter is not None else None
    if measured is not None:
        return charts.heat_chart(measured, beside, above, words, is_measured=True)
    if subject.vectors is None:
        return None
    alike = _alike(subject.vectors, subject, rows, columns)
    return charts.heat_chart(alike, beside, above, words, is_measured=False)


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


def _catalogue(subject: Subject, words: Messages) -> Section:
    found = [charts.filled_chart(subject.catalogue, words)]
    lead = words.say("catalogue_lead", n=len(subject.catalogue))
    if subject.counts is not None:
        met, times = int((subject.counts > 0).sum()), int(subject.counts.sum())
        lead = words.say("catalogue_met", n=len(subject.catalogue), met=met, times=times)
        if times:
            found += [charts.met_chart(subject.counts, words), charts.popularity_chart(subject.counts, words)]
    return _section(words, "catalogue", lead, found)


def _quality(evaluation: Evaluation | None, words: Messages) -> Iterator[Section]:
    if evaluation is None:
        yield Section(words.say("quality"), words.say("quality_none"))
        return
    panel = next(panels_of(evaluation), None)
    if panel is None:
        yield Section(words.say("quality"), words.say("quality_empty"))
        return
    found = charts_of(panel, evaluation.popularity, slate_size=_SLATE_SIZE, candidates=_CANDIDATES)
    lead = words.say("quality_lead", users=len(evaluation.users), stages=len(panel.stages))
    yield Section(words.say("quality"), lead, tuple(chart for chart in found if chart.name != _FAIR))
    fair = tuple(chart for chart in found if chart.name == _FAIR)
    if fair:
        yield Section(words.say("fairness"), words.say("fairness_lead"), fair)
