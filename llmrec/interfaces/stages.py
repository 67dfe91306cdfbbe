"""The seams of a turn, in its order: what was meant, what may be shown, what is found, ranked, explained and said."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol, runtime_checkable

from llmrec.types import (
    Allowed,
    Arrangement,
    Candidate,
    Contributions,
    Explanation,
    ItemId,
    ItemMask,
    Profile,
    Query,
    QuestionEntry,
    Ranking,
    Recommendation,
    Turn,
    Understanding,
    Why,
    WhyNot,
)


class DialogueTracker(Protocol):
    """Reads a turn and updates what is believed of the user."""

    def update(self, profile: Profile, turn: Turn, *, index: int) -> Understanding:
        """Profile after the user's `turn`, message number `index` (from 0) of the chat; `profile` is unchanged."""
        ...


class ItemFilter(Protocol):
    """Hard constraints as code: what may be shown at all."""

    def allowed(self, query: Query) -> Allowed:
        """Items that satisfy every constraint and are neither seen, shown, disliked nor unavailable."""
        ...

    def select(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> tuple[ItemId, ...]:
        """The first `k` of `ranking` that pass every check again, at most two of one series unless it was asked for."""
        ...


class Retriever(Protocol):
    """Finds candidates in the catalogue."""

    @property
    def name(self) -> str:
        """Its name in settings, traces and reports."""
        ...

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates among `allowed`, best first; none when it has nothing to say about this query."""
        ...


@runtime_checkable
class BulkRetriever(Retriever, Protocol):
    """A retriever that answers many queries sooner together than one by one."""

    def retrieve_many(
        self, queries: Sequence[Query], k: int, *, allowed: Sequence[ItemMask]
    ) -> Sequence[Sequence[Candidate]]:
        """For each of `queries`, with its own of `allowed`, what `retrieve` gives it."""
        ...


@runtime_checkable
class PartialRetriever(Retriever, Protocol):
    """A retriever that reads some parts of a query and no others."""

    def heard(self, query: Query) -> Hashable:
        """What it reads of `query`: where it is the same for two, so are their candidates under the same mask."""
        ...


def lists_of(
    retriever: Retriever, queries: Sequence[Query], k: int, masks: Sequence[ItemMask]
) -> Sequence[Sequence[Candidate]]:
    """What `retriever` finds for each of `queries` among what its mask allows, together where it can, nothing twice."""
    if not isinstance(retriever, PartialRetriever):
        return _each(retriever, queries, k, masks)
    keys = [(retriever.heard(query), id(mask)) for query, mask in zip(queries, masks, strict=True)]
    firsts = {key: place for place, key in reversed(list(enumerate(keys)))}
    places = list(firsts.values())
    found = _each(retriever, [queries[place] for place in places], k, [masks[place] for place in places])
    of_key = dict(zip(firsts, found, strict=True))
    return [of_key[key] for key in keys]


def _each(
    retriever: Retriever, queries: Sequence[Query], k: int, masks: Sequence[ItemMask]
) -> Sequence[Sequence[Candidate]]:
    if isinstance(retriever, BulkRetriever):
        return retriever.retrieve_many(queries, k, allowed=masks)
    return [retriever.retrieve(query, k, allowed=mask) for query, mask in zip(queries, masks, strict=True)]


class CandidateFusion(Protocol):
    """Makes one candidate list out of several retrievers' lists."""

    def fuse(self, lists: Sequence[Sequence[Candidate]], k: int) -> Sequence[Candidate]:
        """The best `k` over all lists, best first, each with its rank at every retriever that found it."""
        ...


class Ranker(Protocol):
    """Orders candidates."""

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """All candidates, best first. A model that fails degrades the ranking and is reported, never raised."""
        ...


@runtime_checkable
class BulkRanker(Ranker, Protocol):
    """A ranker that may answer many queries with one pass of its model."""

    @property
    def ranks_together(self) -> bool:
        """Whether its model reads several queries in one pass; else each is answered by itself anyway."""
        ...

    def rank_many(self, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]) -> Sequence[Ranking]:
        """For each of `queries`, with its own `candidates`, what `rank` gives it."""
        ...


def ranks_together(ranker: Ranker) -> bool:
    """Whether it pays to ask `ranker` for many queries at once."""
    return isinstance(ranker, BulkRanker) and ranker.ranks_together


def rankings_of(
    ranker: Ranker, queries: Sequence[Query], candidates: Sequence[Sequence[Candidate]]
) -> Sequence[Ranking]:
    """What `ranker` makes of each of `queries` with its own `candidates`, together where it can."""
    if isinstance(ranker, BulkRanker) and ranker.ranks_together and len(queries) > 1:
        return ranker.rank_many(queries, candidates)
    return [ranker.rank(query, own) for query, own in zip(queries, candidates, strict=True)]


class Arranger(Protocol):
    """Has the last word on which items stand at which places, and says how probable that was."""

    def arrange(self, query: Query, allowed: Allowed, ranking: Ranking, k: int) -> Arrangement:
        """At most `k` items, most of them from the `ranking` of all candidates; each passes every check again."""
        ...


class ContributionMeter(Protocol):
    """Measures what speaks for an item, by ranking again without it."""

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        """What each of `sources`, items the user met or likes, and the user's wish do for each item of `ranking`.

        In the order of `ranking`, which is all or a part of what the pipeline ranked for `query`. None for an item that
        it does not find for `query`.
        """
        ...


class Explainer(Protocol):
    """Says why an item is shown, from facts that can be checked."""

    def explain(self, query: Query, ranking: Ranking, *, language: str = "en") -> Sequence[Explanation]:
        """One explanation per item of `ranking`, in its order; in English where `language` cannot be spoken."""
        ...


class Justifier(Protocol):
    """Says why an item is shown, or not, from what the pipeline did with it."""

    def why_not(self, query: Query, item_id: ItemId, *, k: int, language: str = "en") -> WhyNot:
        """Why `item_id`, an item of the catalogue, is not among the `k` shown for `query`, or that it is.

        What the last reply showed counts as not shown yet: the question is about that reply.
        """
        ...

    def why(self, query: Query, item_ids: Sequence[ItemId], *, language: str = "en") -> Sequence[Why]:
        """Why each of `item_ids`, items that were shown in one reply, was shown, as things stand in `query`.

        Of one item everything that is known, of several a sentence each.
        """
        ...


class Phraser(Protocol):
    """Says an explanation in livelier words, without saying more; only English is handed to it."""

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        """The explanations, some rephrased; one whose new words its evidence does not cover stays as it was."""
        ...


class Asker(Protocol):
    """Decides whether a question would help more than it bothers."""

    def ask(self, query: Query, candidates: Sequence[ItemId], *, k: int, turn: int) -> QuestionEntry | None:
        """The question to ask at `turn` beside `k` cards, to tell the other `candidates` apart; None for none.

        Never one that the profile of `query` says was asked before.
        """
        ...


class Responder(Protocol):
    """Words of the reply."""

    def respond(
        self, query: Query, understanding: Understanding, allowed: Allowed, shown: Sequence[Recommendation]
    ) -> str:
        """A short text to stand above the cards; names no title that is not on a card."""
        ...
