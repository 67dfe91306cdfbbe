"""From a title as people type it to items: exact first, by year where given, then by likeness; ambiguity is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from llmrec.data.catalogue import Catalogue
from llmrec.data.titles import split_year, title_key, title_keys
from llmrec.dialogue.words import Word
from llmrec.dialogue.years import year_field
from llmrec.types import ItemId

CLOSE_ENOUGH = 0.85  # likeness from which a misspelt title is taken for the item
_MAX_TITLE_WORDS = 14
_MAX_TYPED_CHARS = 200
_EXACT, _SECOND_TITLE, _FIRST_PART = range(3)
_TYPED_YEAR = re.compile(r"[\s,]+\(?((?:18|19|20)\d\d)\)?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """What a typed title stands for.

    Attributes:
        item_ids: The items, in catalogue order; several when the title is ambiguous, none in an empty catalogue.
        exact: Whether the spelling (and the year, where given) is the item's own; if not, they are the nearest.
        score: Likeness of the spelling in [0, 1].
    """

    item_ids: tuple[ItemId, ...]
    exact: bool
    score: float

    @property
    def is_close(self) -> bool:
        """Whether the items may be taken for what was meant."""
        return self.exact or self.score >= CLOSE_ENOUGH


class TitleIndex:
    """Looks titles of one catalogue up. An exact title beats second titles, which beat the part before a colon."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index all titles of `catalogue`."""
        self.catalogue = catalogue
        self._years = _years(catalogue)
        tiers: dict[str, dict[int, list[ItemId]]] = {}
        for item in catalogue.values():
            for key, tier in _keys_of(item.title):
                tiers.setdefault(key, {}).setdefault(tier, []).append(item.id)
        self._by_key = {key: tuple(found[min(found)]) for key, found in tiers.items()}
        self._keys = tuple(self._by_key)
        # The longest key that starts with a word: reading a text looks no further than that.
        self._longest_from: dict[str, int] = {}
        for key in self._keys:
            words = key.split()
            self._longest_from[words[0]] = max(self._longest_from.get(words[0], 0), len(words))

    def year_of(self, item_id: ItemId) -> int | None:
        """The item's year, from its title or its facts."""
        return self._years[item_id]

    def resolve(self, text: str) -> TitleMatch:
        """The items called `text`, or else the nearest; a year may follow, bare or in parentheses."""
        text = " ".join(text[:_MAX_TYPED_CHARS].split()).strip("\"' .,;:!?")
        exact = self._exact(text)
        if exact is not None:
            return exact
        year = _TYPED_YEAR.search(text)
        found = self._nearest(title_key(text[: year.start()] if year else text))
        same_year = self.of_year(found.item_ids, int(year[1])) if year else ()
        return TitleMatch(same_year or found.item_ids, exact=False, score=found.score)

    def exact_ids(self, key: str) -> tuple[ItemId, ...]:
        """Items whose title has this key; see `llmrec.data.titles.title_key`."""
        return self._by_key.get(key, ())

    def longest_at(self, words: Sequence[Word], at: int) -> tuple[tuple[int, tuple[ItemId, ...]], ...]:
        """Titles that begin with word number `at`, longest first, as (number of words, items)."""
        first = title_key(words[at].text).split()
        longest = self._longest_from.get(first[0], 0) if first else 0
        # A possessive may end a title without being part of it: "Alien's mood".
        keys = [title_key(word.text) for word in words[at : at + min(longest, _MAX_TITLE_WORDS)]]
        found = []
        for n in range(len(keys), 0, -1):
            item_ids = self._possessive(words[at + n - 1], keys[:n]) or self.exact_ids(" ".join(keys[:n]))
            if item_ids:
                found.append((n, item_ids))
        return tuple(found)

    def of_year(self, item_ids: Sequence[ItemId], year: int) -> tuple[ItemId, ...]:
        """Those of `item_ids` that are from `year`."""
        return tuple(item_id for item_id in item_ids if self._years[item_id] == year)

    def _possessive(self, last: Word, keys: Sequence[str]) -> tuple[ItemId, ...]:
        if not last.text.casefold().endswith("'s"):
            return ()
        return self.exact_ids(" ".join([*keys[:-1], title_key(last.text[:-2])]))

    def _exact(self, text: str) -> TitleMatch | None:
        _, year = split_year(text)
        item_ids = self.exact_ids(title_key(text))
        if item_ids and year is None:
            return TitleMatch(item_ids, exact=True, score=1.0)
        typed = _TYPED_YEAR.search(text)
        if typed is None:
            return None
        bare, year = text[: typed.start()], int(typed[1])
        item_ids = self.exact_ids(title_key(bare))
        same_year = self.of_year(item_ids, year)
        if same_year:
            return TitleMatch(same_year, exact=True, score=1.0)
        return TitleMatch(item_ids, exact=False, score=CLOSE_ENOUGH - 0.01) if item_ids else None

    def _nearest(self, key: str) -> TitleMatch:
        if not self._keys:
            return TitleMatch((), exact=False, score=0.0)
        found, score, _ = process.extractOne(key, self._keys, scorer=fuzz.ratio)
        # "Rocky 4" is another item than "Rocky 3", however alike the spellings are.
        same_numbers = re.findall(r"\d+", found) == re.findall(r"\d+", key)
        capped = score / 100 if same_numbers else min(score / 100, CLOSE_ENOUGH - 0.01)
        return TitleMatch(self._by_key[found], exact=False, score=capped)


def _keys_of(title: str) -> list[tuple[str, int]]:
    whole, *second = title_keys(title)
    keys = [(whole, _EXACT), *((key, _SECOND_TITLE) for key in second)]
    bare, _ = split_year(title)
    first_part = re.split(r":\s|\s[-\u2013]\s", bare, maxsplit=1)[0]
    if first_part != bare and first_part.strip():
        keys.append((title_key(first_part), _FIRST_PART))
    return [(key, tier) for key, tier in keys if key.strip()]


def _years(catalogue: Catalogue) -> dict[ItemId, int | None]:
    field = year_field(catalogue)
    years: dict[ItemId, int | None] = {}
    for item in catalogue.values():
        fact = item.facts.get(field.name) if field else None
        of_fact = int(fact) if isinstance(fact, (int, float)) and fact == fact else None
        years[item.id] = split_year(item.title)[1] or of_fact
    return years
