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
from llmrec.ui.views import words_of

logger = logging.getLogger(__name__)


@runtime_checkable
class _Counts(Protocol):
    def daily(self) -> Sequence[SignalCount]: ...


class InsightsPage:
    """Draws the page for one recommender. What is the same for everybody is drawn once in each language."""

    def __init__(self, recommender: ChatRecommender, feedback: FeedbackStore | None, evaluation: Path | None) -> None:
        """Draw from what the recommender has learned, the reactions in `feedback` and an evaluation's directory."""
        self._recommender = recommender
        self._feedback = feedback
        self._evaluation = evaluation
        self._kept: dict[str, tuple[Html, ...]] = {}

    def grow(self, conversation: Conversation) -> Iterator[Html]:
        """The page, with one section more each time; a sentence where something cannot be drawn."""
        drawn: list[Html] = []
        words = words_of(conversation)
        drawing = element("p", text(words.say("drawing")), class_="drawing", role="status")
        yield drawing
        try:
            for section in self._sections(conversation):
                drawn.append(section)
                yield _sections_html([*drawn, drawing], words.language)
        except LLMRecError as error:
            logger.warning("insights failed", extra={"reason": str(error)})
            drawn.append(element("p", text(words.say("not_drawn", reason=error)), class_="notice", role="alert"))
        yield _sections_html(drawn, words.language)

    def _sections(self, conversation: Conversation) -> Iterator[Html]:
        language = conversation.speaks
        yield _section_html(about_person(self._subject, person_of(conversation), self._plane, language=language))
        reactions = self._feedback.daily() if isinstance(self._feedback, _Counts) else ()
        yield from map(_section_html, about_reactions(reactions, language=language))
        yield from self._kept.get(language) or self._common(language)

    def _common(self, language: str) -> Iterator[Html]:
        drawn: list[Html] = []
        for section in about_recommender(self._subject, language=language):
            drawn.append(_section_html(section))
            yield drawn[-1]
        self._kept[language] = tuple(drawn)

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


def _sections_html(sections: Sequence[Html], language: str) -> Html:
    return element("div", *sections, class_="sections", lang=language)


def _section_html(section: Section) -> Html:
    figures = (
        element(
            "figure",
            element("h3", text(chart.title)),
            Html(chart_svg(chart)),
            element("figcaption", text(chart.reading)),
            lang=section.language,
        )
        for chart in section.charts
    )
    return element(
        "section",
        element("h2", text(section.title)),
        element("p", text(section.lead), class_="lead"),
        element("div", *figures, class_="figures"),
    )
