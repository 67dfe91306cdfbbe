"""The Insights page: pictures of the user's taste, of the recommender and of its catalogue, as they are drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from llmrec.errors import LLMRecError
from llmrec.evaluation.results import Evaluation
from llmrec.insights import Person, Section, Subject, about_person, about_recommender, subject_of
from llmrec.insights.plane import Plane
from llmrec.insights.report import chart_svg
from llmrec.insights.sections import about_reactions, plane_for
from llmrec.interfaces import FeedbackStore
from llmrec.recommender import Recommender
from llmrec.types import SignalCount
from llmrec.ui.contract import ChatRecommender
from llmrec.ui.conversation import Conversation
from llmrec.ui.markup import Html, element, text

logger = logging.getLogger(__name__)
_FAILED = "The pictures could not be drawn: {reason}"


@runtime_checkable
class _Counts(Protocol):
    def daily(self) -> Sequence[SignalCount]: ...


class InsightsPage:
    """Draws the page for one recommender. What is the same for everybody is drawn once, when it is first looked at."""

    def __init__(self, recommender: ChatRecommender, feedback: FeedbackStore | None, evaluation: Path | None) -> None:
        """Draw from what the recommender has learned, the reactions in `feedback` and an evaluation's directory."""
        self._recommender = recommender
        self._feedback = feedback
        self._evaluation = evaluation
        self._kept: tuple[Html, ...] = ()

    def grow(self, conversation: Conversation) -> Iterator[Html]:
        """The page, with one section more each time; a sentence where something cannot be drawn."""
        drawn: list[Html] = []
        drawing = element("p", Html("Drawing"), class_="drawing", role="status")
        yield drawing
        try:
            for section in self._sections(conversation):
                drawn.append(section)
                yield _sections_html([*drawn, drawing])
        except LLMRecError as error:
            logger.warning("insights failed", extra={"reason": str(error)})
            drawn.append(element("p", text(_FAILED.format(reason=error)), class_="notice", role="alert"))
        yield _sections_html(drawn)

    def _sections(self, conversation: Conversation) -> Iterator[Html]:
        yield _section_html(about_person(self._subject, person_of(conversation), self._plane))
        reactions = self._feedback.daily() if isinstance(self._feedback, _Counts) else ()
        yield from map(_section_html, about_reactions(reactions))
        yield from self._kept or self._common()

    def _common(self) -> Iterator[Html]:
        drawn: list[Html] = []
        for section in about_recommender(self._subject):
            drawn.append(_section_html(section))
            yield drawn[-1]
        self._kept = tuple(drawn)

    @cached_property
    def _subject(self) -> Subject:
        evaluation = Evaluation.load(self._evaluation) if self._evaluation is not None else None
        if isinstance(self._recommender, Recommender):
            return subject_of(self._recommender, evaluation=evaluation)
        return Subject(self._recommender.name, self._recommender.catalogue, evaluation=evaluation)

    @cached_property
    def _plane(self) -> Plane | None:
        return plane_for(self._subject)


def person_of(conversation: Conversation) -> Person:
    """The user of this conversation, with the cards of the last reply that had any."""
    cards = next((exchange.cards for exchange in reversed(conversation.exchanges) if exchange.cards), ())
    return Person(
        conversation.profile,
        shown=tuple(card.item_id for card in cards),
        voices={card.item_id: card.voices for card in cards if card.voices},
        candidates=conversation.candidates,
    )


def _sections_html(sections: Sequence[Html]) -> Html:
    return element("div", *sections, class_="sections", lang="en")


def _section_html(section: Section) -> Html:
    figures = (
        element(
            "figure",
            element("h3", text(chart.title)),
            Html(chart_svg(chart)),
            element("figcaption", text(chart.reading)),
        )
        for chart in section.charts
    )
    return element(
        "section",
        element("h2", text(section.title)),
        element("p", text(section.lead), class_="lead"),
        element("div", *figures, class_="figures"),
    )
