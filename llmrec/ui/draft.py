"""The exchange that is being made: every event of the recommender folds into it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from llmrec.dialogue.messages import Messages
from llmrec.types import (
    CardsEvent,
    Event,
    ItemId,
    Profile,
    Recommendation,
    ReplyEvent,
    StageEvent,
    StageTrace,
    TextEvent,
    Trace,
)
from llmrec.ui.conversation import Card, Exchange

# Stages that tell a user something, and the page's phrases for them; the trace has them all.
_STAGE_WORDS = {"filter": "fit", "fusion": "found", "rank": "ranked"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A turn under way.

    Attributes:
        conversation_id: The conversation it belongs to.
        number: Which exchange of that conversation it will be, from 0.
        before: The profile the turn started from.
        started: Whether the recommender has taken the message.
        after: The profile after the turn; None until its reply is whole.
        trace: How the reply came about; None until it is whole.
        failure: What went wrong, in one sentence, or empty.
        is_mid_text: The last event was a piece of text, so the next is likely to follow soon.
        stopped: Set from outside to end the turn; the same object in every state of it.
    """

    asked: str
    conversation_id: str
    number: int
    before: Profile
    started: bool = False
    text: str = ""
    cards: tuple[Card, ...] = ()
    stages: tuple[StageTrace, ...] = ()
    ranked_by_lm: bool = True
    after: Profile | None = None
    trace: Trace | None = None
    failure: str = ""
    is_mid_text: bool = False
    stopped: threading.Event = field(default_factory=threading.Event, compare=False)

    def take(self, event: Event) -> Draft:
        """The draft after one more event."""
        if isinstance(event, TextEvent):
            return replace(self, text=self.text + event.delta, is_mid_text=True)
        if isinstance(event, StageEvent):
            return replace(self, stages=(*self.stages, event.stage), is_mid_text=False)
        if isinstance(event, CardsEvent):
            return self._with_cards(event.recommendations)
        return self._with_reply(event)

    def fail(self, sentence: str) -> Draft:
        """The draft of a turn that came to nothing."""
        return replace(self, failure=sentence, is_mid_text=False)

    def status(self, words: Messages) -> str:
        """The live line: `43 fit, 40 found, 10 ranked, 0.8 s`; empty before the first stage."""
        if not self.stages:
            return ""
        counts = [words.say(_STAGE_WORDS[s.name], n=s.n_out) for s in self.stages if s.name in _STAGE_WORDS]
        without_model = [] if self.ranked_by_lm else [words.say("without_model")]
        seconds = words.say("seconds", seconds=sum(stage.seconds for stage in self.stages))
        return words.say("comma").join([*counts, *without_model, seconds])

    @property
    def candidates(self) -> tuple[ItemId, ...]:
        """What was found before anything was chosen, best first; empty where nothing was looked for."""
        return next((stage.order for stage in reversed(self.stages) if stage.name == "fusion"), ())

    @property
    def is_over(self) -> bool:
        """Whether the recommender has said its last word on it."""
        return self.after is not None or bool(self.failure)

    def settle(self, words: Messages) -> Exchange:
        """The exchange this came to, also when it was stopped on the way."""
        status = self.status(words)
        if self.failure:
            return Exchange(self.asked, self.failure, failed=True)
        if self.after is None and not self.text:
            return Exchange(self.asked, words.say("stopped"), self.cards, status, failed=not self.cards)
        return Exchange(self.asked, self.text, self.cards, status, trace=self.trace)

    def _with_cards(self, recommendations: Sequence[Recommendation]) -> Draft:
        cards = tuple(
            Card(shown.item_id, shown.explanation, tuple(piece.text for piece in shown.evidence), dict(shown.voices))
            for shown in recommendations
        )
        ranked_by_lm = all(shown.ranked_by == "lm+retrieval" for shown in recommendations)
        return replace(self, cards=cards, ranked_by_lm=ranked_by_lm, is_mid_text=False)

    def _with_reply(self, event: ReplyEvent) -> Draft:
        whole = self._with_cards(event.reply.recommendations)
        return replace(whole, text=event.reply.text, after=event.reply.profile, trace=event.reply.trace)
