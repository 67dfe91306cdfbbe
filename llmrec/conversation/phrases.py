"""Phrases of a fixed list, found in texts word by word: the longest counts, and none overlaps another."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

_TOKEN = re.compile(r"\w+|[^\w\s]")


class Phrases:
    """Finds phrases exactly as they are spelled."""

    def __init__(self, phrases: Collection[str]) -> None:
        """Look for `phrases`; each must not be empty."""
        self._phrases = frozenset(phrases)
        self._most_tokens = max((len(_TOKEN.findall(phrase)) for phrase in self._phrases), default=1)
        # Most words begin no phrase, and need no further look.
        self._first = frozenset(_TOKEN.findall(phrase)[0] for phrase in self._phrases if _TOKEN.search(phrase))

    def found_in(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Each phrase that `text` holds, and where it starts and ends, in order."""
        spans = [token.span() for token in _TOKEN.finditer(text)]
        number = 0
        while number < len(spans):
            n_tokens = self._longest(text, spans[number : number + self._most_tokens])
            if n_tokens:
                start, end = spans[number][0], spans[number + n_tokens - 1][1]
                yield text[start:end], start, end
            number += max(n_tokens, 1)

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        """`text` with what `by` gives in the place of each phrase."""
        kept, at = [], 0
        for phrase, start, end in self.found_in(text):
            kept += [text[at:start], by(phrase)]
            at = end
        return "".join([*kept, text[at:]])

    def _longest(self, text: str, spans: Sequence[tuple[int, int]]) -> int:
        """How many of the tokens at `spans` the longest phrase there has, from the first on; 0 for none."""
        start, end = spans[0]
        if text[start:end] not in self._first:
            return 0
        return next((n for n in range(len(spans), 0, -1) if text[start : spans[n - 1][1]] in self._phrases), 0)
