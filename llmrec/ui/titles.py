"""Titles that a user may mean while still typing one."""

from __future__ import annotations

from functools import cached_property

from rapidfuzz import fuzz, process

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.words import fold
from llmrec.types import ItemId

MAX_TYPED_CHARS = 100
_N_SUGGESTIONS = 8
_CLOSE_ENOUGH = 70.0  # likeness from which a misspelt beginning is taken for a title, of 100


class TitleSearch:
    """Suggestions over the whole catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Search the titles of `catalogue`; they are read with the first search."""
        self._catalogue = catalogue

    def suggest(self, typed: str, *, k: int = _N_SUGGESTIONS) -> tuple[ItemId, ...]:
        """At most `k` items: titles that begin with what was typed, then those with a word that does, then alike ones.

        Shorter titles come first among equals, for the typed part is more of them.
        """
        key = fold(" ".join(typed[:MAX_TYPED_CHARS].split()))
        if not key:
            return ()
        found = [(place, position) for position, title in enumerate(self._titles) if (place := _place(title, key)) >= 0]
        ids = self._catalogue.ids
        if not found:
            return tuple(ids[position] for position in self._alike(key, k))
        best = sorted(found, key=lambda row: (row[0], len(self._titles[row[1]]), row[1]))[:k]
        return tuple(ids[position] for _, position in best)

    def _alike(self, key: str, k: int) -> list[int]:
        alike = process.extract(key, self._titles, scorer=fuzz.partial_ratio, score_cutoff=_CLOSE_ENOUGH, limit=k)
        return [position for _, _, position in alike]

    @cached_property
    def _titles(self) -> tuple[str, ...]:
        return tuple(fold(item.title) for item in self._catalogue.values())


def _place(title: str, key: str) -> int:
    """0 at the beginning of the title, 1 at the beginning of a word, 2 inside one, -1 nowhere."""
    at = title.find(key)
    if at <= 0:
        return at
    return 1 if f" {key}" in title else 2
