"""Why an item is shown, in full: its place, what of the wishes it meets, what of the user's lifts it, every voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.telling import Telling, telling_in
from llmrec.explanation.why_not import StandingSource, WhyNotExplainer
from llmrec.interfaces import Explainer
from llmrec.types import Evidence, Explanation, Item, ItemId, Query, Ranking, Standing, Why, WhyNot

_MAX_TOLD = 3
_READABLE = 0.1  # shares below this, as sums of reciprocal ranks are, need more digits
_ASKED, _OF_ALL = ("constraint", "wish"), ("popularity", "fact")


class RankingSource(StandingSource, Protocol):
    """Whoever knows a whole ranking and where items stand in it."""

    def ranked(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> tuple[Ranking, Sequence[Standing]]:
        """The ranking of all candidates for `query`, and where each of `item_ids` stands when `k` are shown."""
        ...


class ReasonTeller:
    """Says why items of one catalogue are shown, or not; implements Justifier."""

    def __init__(self, catalogue: Catalogue, standings: RankingSource, explainer: Explainer) -> None:
        """Speak of the records of `catalogue`, as `standings` finds them, by the evidence of `explainer`."""
        self._catalogue = catalogue
        self._standings = standings
        self._explainer = explainer
        self._why_not = WhyNotExplainer(catalogue, standings)

    def why_not(self, query: Query, item_id: ItemId, *, k: int, language: str = "en") -> WhyNot:
        """See Justifier."""
        return self._why_not.why_not(query, item_id, k=k, language=language)

    def why(self, query: Query, item_ids: Sequence[ItemId], *, language: str = "en") -> Sequence[Why]:
        """See Justifier; of more than three items the first three."""
        query, n_shown = _before_shown(query, item_ids)
        told, words = list(item_ids)[:_MAX_TOLD], telling_in(language)
        ranking, standings = self._standings.ranked(query, told, k=max(n_shown, 1))
        return [
            self._why(self._explained(query, item_id, ranking, words), standing, words, in_full=len(item_ids) == 1)
            for item_id, standing in zip(told, standings, strict=True)
        ]

    def _explained(self, query: Query, item_id: ItemId, ranking: Ranking, words: Telling) -> Explanation:
        # What is not ranked any more, for it was refused or taken since, is explained by its facts.
        found = ranking.keep((item_id,)) if item_id in ranking.item_ids else Ranking((item_id,), (0.0,), "retrieval")
        return self._explainer.explain(query, found, language=words.language)[0]

    def _why(self, explained: Explanation, standing: Standing, words: Telling, *, in_full: bool) -> Why:
        item = self._catalogue[explained.item_id]
        reasons = _Reasons(words)
        sentences = reasons.in_full(item, explained, standing) if in_full else reasons.in_short(item, explained)
        return Why(item.id, words.joined(list(sentences), "space"), explained.cites, standing)


def _before_shown(query: Query, item_ids: Sequence[ItemId]) -> tuple[Query, int]:
    """The query as it was before the reply that showed `item_ids`, and how many that reply showed."""
    shown = query.profile.shown
    then = max((entry.turn for entry in shown if entry.item_id in item_ids), default=-1)
    before = tuple(entry for entry in shown if then < 0 or entry.turn < then)
    n_shown = sum(entry.turn == then for entry in shown)
    return replace(query, profile=replace(query.profile, shown=before)), n_shown


class _Reasons:
    """Sentences around evidence that is worded in the same language."""

    def __init__(self, words: Telling) -> None:
        self._words = words

    def in_short(self, item: Item, explained: Explanation) -> Iterator[str]:
        text = self._words.joined([piece.text for piece in explained.cites], "semicolon")
        yield f"{item.title}{self._words.say('and_so', told=text)}{self._words.say('stop')}"

    def in_full(self, item: Item, explained: Explanation, standing: Standing) -> Iterator[str]:
        words, cites = self._words, explained.cites
        key = "place" if standing.rank is not None else "about" if standing.retrieved else _nobody(standing)
        yield words.say(key, title=item.title, rank=standing.rank, n=standing.n_candidates)
        asked = [piece.text for piece in cites if piece.kind in _ASKED]
        if asked:
            yield _capital(f"{words.joined(asked, 'semicolon')}{words.say('stop')}")
        yield from self._measured(cites)
        yield from (_capital(f"{piece.text}{words.say('stop')}") for piece in cites if piece.kind in _OF_ALL)
        yield from self._voices(standing)

    def _measured(self, cites: Sequence[Evidence]) -> Iterator[str]:
        words = self._words
        cited = [piece for piece in cites if piece.item_id is not None]
        for piece in cited:
            fall = piece.contribution
            ends = words.say("stop") if fall is None else words.say("falls", fall=fall)
            yield _capital(f"{piece.text}{ends}")
        if any(piece.contribution is not None for piece in cited):
            yield words.say("unit")

    def _voices(self, standing: Standing) -> Iterator[str]:
        words = self._words
        if standing.voices:
            ordered = sorted(standing.voices.items(), key=lambda pair: -pair[1])
            digits = 2 if max(map(abs, standing.voices.values())) >= _READABLE else 4
            told = [self._voice(name, f"{share:+.{digits}f}", standing) for name, share in ordered]
            yield words.say("voices", told=words.joined(told, "comma"))
        elif standing.retrieved:
            name, rank = min(standing.retrieved.items(), key=lambda pair: pair[1])
            yield words.say("only_voice", voice=words.voice(name), rank=rank)

    def _voice(self, name: str, share: str, standing: Standing) -> str:
        rank = standing.retrieved.get(name)
        key = "voice" if rank is None else "voice_at"
        return self._words.say(key, voice=self._words.voice(name), share=share, rank=rank)


def _nobody(standing: Standing) -> str:
    # What may be shown and nobody found stands in the catalogue's order; what was refused since is only spoken of.
    return "unranked" if standing.is_allowed else "about"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
