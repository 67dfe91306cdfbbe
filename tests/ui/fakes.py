"""A recommender that answers at once and always the same, for the page's tests."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from llmrec.data.catalogue import Catalogue
from llmrec.types import (
    CardsEvent,
    Constraint,
    ConstraintEntry,
    Event,
    Evidence,
    ItemEntry,
    Profile,
    RankedBy,
    RankReport,
    Recommendation,
    Reply,
    ReplyEvent,
    StageEvent,
    StageTrace,
    TextEvent,
    Trace,
    Turn,
    WishEntry,
)


@dataclass
class FakeRecommender:
    """Shows the first items not shown yet, says `reply`, and notes each message as a wish.

    Attributes:
        reply: Text of every reply, `{asked}` stands for the message.
        report: What the trace of every reply has.
        error: Raised after the first stage when set.
        hold: Waited for between the cards and the text when set.
        calls: What `chat_stream` was asked with.
        closed: Set when a stream was closed before its end.
    """

    catalogue: Catalogue
    name: str = "Films"
    reply: str = "You said: {asked}. Here is what fits."
    why: str = "Because you asked for {asked}."
    ranked_by: RankedBy = "lm+retrieval"
    report: RankReport = field(default_factory=RankReport)
    error: Exception | None = None
    hold: threading.Event | None = None
    calls: list[tuple[tuple[Turn, ...], Profile]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def for_user(self, user_id: str) -> Self:
        return self

    def chat_stream(self, turns: Sequence[Turn], profile: Profile, *, k: int) -> Iterator[Event]:
        self.calls.append((tuple(turns), profile))
        try:
            yield from self._events(turns, profile, k)
        except GeneratorExit:
            self.closed.set()
            raise

    def _events(self, turns: Sequence[Turn], profile: Profile, k: int) -> Iterator[Event]:
        stages = (
            StageTrace("understand", 0.1, 1, 1),
            StageTrace("filter", 0.1, 1682, 43),
            StageTrace("dense", 0.1, 43, 40),
            StageTrace("fusion", 0.1, 40, 30, self.catalogue.ids),
            StageTrace("rank", 0.4, 30, 10),
        )
        yield StageEvent(stages[0])
        if self.error is not None:
            raise self.error
        yield from map(StageEvent, stages[1:])
        cards = self._cards(profile, turns[-1].text, k)
        yield CardsEvent(cards)
        while self.hold is not None and not self.hold.wait(0.05):
            yield TextEvent("")
        text = self.reply.format(asked=turns[-1].text)
        for start in range(0, len(text), 12):
            yield TextEvent(text[start : start + 12])
        yield ReplyEvent(Reply(text, cards, self._profile(profile, turns, cards), Trace(stages, report=self.report)))

    def _cards(self, profile: Profile, asked: str, k: int) -> tuple[Recommendation, ...]:
        shown = {entry.item_id for entry in profile.shown}
        items = [item for item in self.catalogue.values() if item.id not in shown][:k]
        why = self.why.format(asked=asked)
        evidence = (Evidence("wish", "it fits what you said"),)
        voices = {"dense": 1.0, "language model": -0.25}
        return tuple(
            Recommendation(item.id, item.title, 0.75, rank, self.ranked_by, why, evidence, voices)
            for rank, item in enumerate(items, start=1)
        )

    def _profile(self, profile: Profile, turns: Sequence[Turn], cards: Sequence[Recommendation]) -> Profile:
        turn = len(turns) - 1
        recent = ConstraintEntry(Constraint("year", "$gte", 1950), turn)
        return replace(
            profile,
            wishes=(*profile.wishes, WishEntry(turns[-1].text, turn)),
            constraints=profile.constraints or (recent,),
            shown=profile.shown + tuple(ItemEntry(card.item_id, turn + 1) for card in cards),
        )
