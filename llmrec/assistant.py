"""One turn of the conversation, from what the user said to cards and words: the story of the whole system.

understand -> filter -> retrieve -> fuse -> rank -> select -> explain -> phrase -> respond
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from llmrec.errors import ConfigError
from llmrec.interfaces import (
    Arranger,
    Asker,
    CandidateFusion,
    DialogueTracker,
    Explainer,
    ItemFilter,
    Justifier,
    Phraser,
    Ranker,
    Responder,
    Retriever,
    lists_of,
)
from llmrec.turn_log import Shown, TurnLog
from llmrec.types import (
    Allowed,
    Arrangement,
    Candidate,
    CardsEvent,
    Event,
    Explanation,
    Item,
    ItemEntry,
    ItemId,
    ItemMask,
    Placement,
    Query,
    QuestionEntry,
    Ranking,
    Recommendation,
    Reply,
    ReplyEvent,
    TextEvent,
    Understanding,
    WhyNot,
)

_ENGLISH = "en"
_CATALOGUE = "catalogue"  # the source of candidates that no retriever found


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts of an assistant, each behind its seam.

    Attributes:
        asker: Asks beside the cards; None for never.
        n_candidates: How many items each retriever is asked for.
        arranger: Has the last word on who stands where; None leaves the ranking's first.
        arm: Of an experiment, `NAME/ARM`, on every card; empty outside of experiments.
    """

    catalogue: Mapping[ItemId, Item]
    tracker: DialogueTracker
    item_filter: ItemFilter
    retrievers: Sequence[Retriever]
    fusion: CandidateFusion
    ranker: Ranker
    explainer: Explainer
    justifier: Justifier
    phraser: Phraser | None
    responder: Responder
    n_candidates: int
    asker: Asker | None = None
    arranger: Arranger | None = None
    arm: str = ""


class Assistant:
    """Answers turns. It holds no conversation: profile and turns come in, a reply with the new profile goes out."""

    def __init__(self, stages: Stages, *, now: Callable[[], float] = time.perf_counter) -> None:
        """Wire `stages`; `now` is the clock of the trace, in seconds."""
        self._stages = stages
        self._now = now

    @property
    def stages(self) -> Stages:
        """Its parts, for an assistant that shares most of them."""
        return self._stages

    def understand(self, query: Query) -> Understanding:
        """What the last turn of `query` means on top of its profile. Raises ConfigError if it is not the user's."""
        if not query.turns or query.turns[-1].role != "user":
            raise ConfigError("the last turn is not the user's; add the user's turn before asking for a reply.")
        # A profile kept from an earlier conversation counts on: "undo" takes back the newest entries.
        index = max(len(query.turns) - 1, query.profile.last_turn + 1)
        return self._stages.tracker.update(query.profile, query.turns[-1], index=index)

    def reply(self, query: Query, *, k: int) -> Reply:
        """The reply to the last turn of `query`, whole; see `stream`."""
        return _reply_of(self.stream(query, k=k))

    def recommend(self, query: Query, *, k: int) -> Reply:
        """`k` cards for `query` as it stands: no turn is read, no words are made around the cards."""
        return _reply_of(self._recommend(query, k))

    def rankings(self, queries: Sequence[Query], *, k: int) -> Iterator[Ranking]:
        """What `recommend` shows for each of `queries`, not explained: retrieved together, ranked as they are taken."""
        stages, n_candidates = self._stages, self._n_candidates(k)
        allowed = [stages.item_filter.allowed(query) for query in queries]
        masks = [may.mask for may in allowed]
        lists = [lists_of(retriever, queries, n_candidates, masks) for retriever in stages.retrievers]
        for number, (query, may) in enumerate(zip(queries, allowed, strict=True)):
            fused = stages.fusion.fuse([found[number] for found in lists], n_candidates)
            ranking = stages.ranker.rank(query, self._filled(fused, may.mask, k))
            yield ranking.keep(stages.item_filter.select(query, may, ranking, k))

    def rank(self, query: Query, item_ids: Sequence[ItemId]) -> Reply:
        """All of `item_ids` as cards, best first for `query`; nothing is filtered out, no words surround them."""
        return _reply_of(self._rank(query, dict.fromkeys(item_ids)))

    def explain(self, query: Query, item_id: ItemId) -> Explanation:
        """Why `item_id` would suit `query`."""
        ranking = Ranking((item_id,), (0.0,), "retrieval")
        return self._stages.explainer.explain(query, ranking)[0]

    def why_not(self, query: Query, item_id: ItemId, *, k: int) -> WhyNot:
        """Why `item_id` is not among the `k` shown for `query`, or that it is."""
        return self._stages.justifier.why_not(query, item_id, k=k)

    def stream(self, query: Query, *, k: int) -> Iterator[Event]:
        """The reply to the last turn of `query`, in pieces as they become ready.

        Args:
            query: The conversation with the user's turn last, the profile as it was before that turn, the history.
            k: How many items to show when the user names no number.

        Yields:
            Each stage as it ends, the cards, the cards again once phrased, the text, and the whole Reply last.
        """
        turn = TurnLog(self._now)
        understanding = self.understand(query)
        query = replace(query, profile=understanding.profile)
        understanding = replace(understanding, notes=(*understanding.notes, *self._reasons(query, understanding, k)))
        yield turn.log("understand", n_in=1, n_out=1)
        shown = Shown(self._stages.item_filter.allowed(query))
        if understanding.wants_items and not understanding.question:
            shown = yield from self._show(query, shown.allowed, understanding.k or k, turn, understanding.language)
        at = max(len(query.turns), query.profile.last_turn + 1)
        asked = self._asked(query, shown, at)
        understanding = replace(understanding, follow_up=asked)
        text = self._stages.responder.respond(query, understanding, shown.allowed, shown.cards)
        yield TextEvent(text)
        cards = tuple(ItemEntry(card.item_id, at) for card in shown.cards)
        profile = query.profile.with_reply(cards, asked)
        heard = (*understanding.notes, *understanding.overruled)
        yield ReplyEvent(Reply(text, shown.cards, profile, turn.trace(shown, heard)))

    def _reasons(self, query: Query, understanding: Understanding, k: int) -> list[str]:
        """Why items are shown, or one is not, where the user wants to know."""
        justifier, language = self._stages.justifier, understanding.language
        told = []
        if understanding.missed is not None:
            told.append(justifier.why_not(query, understanding.missed, k=k, language=language).text)
        if understanding.wondered_at:
            told += [why.text for why in justifier.why(query, understanding.wondered_at, language=language)]
        return told

    def _asked(self, query: Query, shown: Shown, turn: int) -> QuestionEntry | None:
        """The question beside the cards; none where nothing is shown or a condition had to be given up."""
        if self._stages.asker is None or not shown.cards or shown.allowed.relaxed:
            return None
        return self._stages.asker.ask(query, shown.left, k=len(shown.cards), turn=turn)

    def _recommend(self, query: Query, k: int) -> Iterator[Event]:
        turn = TurnLog(self._now)
        shown = yield from self._show(query, self._stages.item_filter.allowed(query), k, turn)
        yield ReplyEvent(Reply("", shown.cards, query.profile, turn.trace(shown, ())))

    def _rank(self, query: Query, wanted: Collection[ItemId]) -> Iterator[Event]:
        turn = TurnLog(self._now)
        mask = np.fromiter((item_id in wanted for item_id in self._stages.catalogue), dtype=np.bool_)
        allowed = Allowed(mask)
        candidates = yield from self._retrieve(query, allowed, len(wanted), turn)
        ranking = self._stages.ranker.rank(query, candidates)
        yield turn.log("rank", n_in=len(candidates), order=ranking.item_ids)
        cards = self._cards(ranking, self._stages.explainer.explain(query, ranking), {})
        shown = Shown(allowed, ranking, cards)
        yield ReplyEvent(Reply("", cards, query.profile, turn.trace(shown, ())))

    def _show(
        self, query: Query, allowed: Allowed, k: int, turn: TurnLog, language: str = _ENGLISH
    ) -> Generator[Event, None, Shown]:
        stages = self._stages
        yield turn.log("filter", n_in=len(stages.catalogue), n_out=int(allowed.mask.sum()))
        candidates = yield from self._retrieve(query, allowed, k, turn)
        ranking = stages.ranker.rank(query, candidates)
        yield turn.log("rank", n_in=len(candidates), order=ranking.item_ids)
        arranged = self._arranged(query, allowed, ranking, k)
        ranking = arranged.ranking
        yield turn.log("select", n_in=len(candidates), order=ranking.item_ids)
        explanations = stages.explainer.explain(query, ranking, language=language)
        left = self._left(candidates, ranking, allowed)
        shown = Shown(allowed, ranking, self._cards(ranking, explanations, arranged.placements), left)
        yield turn.log("explain", n_in=len(shown.cards), order=ranking.item_ids)
        yield CardsEvent(shown.cards)
        # What phrases, and checks that nothing is added, reads English.
        if stages.phraser is not None and shown.cards and language == _ENGLISH:
            phrased = stages.phraser.phrase(query, explanations)
            shown = replace(shown, cards=self._cards(ranking, phrased, arranged.placements))
            n_phrased = sum(explanation.phrased_by != "template" for explanation in phrased)
            yield turn.log("phrase", n_in=len(shown.cards), n_out=n_phrased)
            yield CardsEvent(shown.cards)
        return shown

    def _arranged(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> Arrangement:
        if self._stages.arranger is not None:
            return self._stages.arranger.arrange(query, allowed, ranking, k)
        return Arrangement(ranking.keep(self._stages.item_filter.select(query, allowed, ranking, k)))

    def _retrieve(
        self, query: Query, allowed: Allowed, k: int, turn: TurnLog
    ) -> Generator[Event, None, Sequence[Candidate]]:
        n_candidates = self._n_candidates(k)
        lists = []
        for retriever in self._stages.retrievers:
            lists.append(retriever.retrieve(query, n_candidates, allowed=allowed.mask))
            yield turn.log(retriever.name, n_in=int(allowed.mask.sum()), order=_ids(lists[-1]))
        fused = self._filled(self._stages.fusion.fuse(lists, n_candidates), allowed.mask, k)
        yield turn.log("fusion", n_in=sum(map(len, lists)), order=_ids(fused))
        return fused

    def _left(self, candidates: Sequence[Candidate], shown: Ranking, allowed: Allowed) -> tuple[ItemId, ...]:
        """The candidates beside those shown; all that may be shown where no retriever had anything to say."""
        found = [candidate.item_id for candidate in candidates if candidate.source != _CATALOGUE]
        if not found:
            found = [i for i, ok in zip(self._stages.catalogue, allowed.mask, strict=True) if ok]
        return tuple(item_id for item_id in found if item_id not in shown.item_ids)

    def _n_candidates(self, k: int) -> int:
        # Several times k: `select` may pass over items of a series that is already on the list.
        return max(self._stages.n_candidates, 3 * k)

    def _filled(self, candidates: Sequence[Candidate], mask: ItemMask, n: int) -> Sequence[Candidate]:
        """At least `n` candidates where the mask has them: what no retriever speaks for follows in catalogue order."""
        if len(candidates) >= min(n, int(mask.sum())):
            return candidates
        found = set(_ids(candidates))
        last = min((candidate.score for candidate in candidates), default=0.0)
        rest = (
            item_id for item_id, ok in zip(self._stages.catalogue, mask, strict=True) if ok and item_id not in found
        )
        return [*candidates, *(Candidate(item_id, last, _CATALOGUE) for item_id in islice(rest, n - len(found)))]

    def _cards(
        self, ranking: Ranking, explanations: Sequence[Explanation], placements: Mapping[ItemId, Placement]
    ) -> tuple[Recommendation, ...]:
        plain = Placement(arm=self._stages.arm)
        rows = zip(ranking.item_ids, ranking.scores, explanations, strict=True)
        return tuple(
            Recommendation(
                item_id=item_id,
                title=self._stages.catalogue[item_id].title,
                score=score,
                rank=rank,
                ranked_by=ranking.ranked_by,
                explanation=explanation.text,
                evidence=explanation.cites,
                voices=ranking.report.voices.get(item_id, {}),
                placement=placements.get(item_id, plain),
            )
            for rank, (item_id, score, explanation) in enumerate(rows, start=1)
        )


def _ids(candidates: Sequence[Candidate]) -> tuple[ItemId, ...]:
    return tuple(candidate.item_id for candidate in candidates)


def _reply_of(events: Iterator[Event]) -> Reply:
    for event in events:
        if isinstance(event, ReplyEvent):
            return event.reply
    raise AssertionError("a turn ends with a ReplyEvent")
