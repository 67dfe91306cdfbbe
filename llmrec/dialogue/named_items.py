"""Items that a question names by their titles, with the words put before the title: "the 1997 comedy Alien"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, Word, split_words
from llmrec.types import ItemId

_SAID = re.compile(r"\b(?:the|that|this|an?)\s+(?P<said>[^.,;:!?\"\n\x00]{1,60}?)[\s\"]*$", re.IGNORECASE)
_YEAR = re.compile(r"\b((?:18|19|20)\d\d)\b")
_YEAR_AFTER = re.compile(r"[\s\"]*(?:\((\d{4})\)|(?:from|of)\s+((?:18|19|20)\d\d)\b)")


@dataclass(frozen=True, slots=True)
class Named:
    """One title in a text.

    Attributes:
        item_ids: Several where the title is of several items.
        span: The title with what is said of it before.
        end: Where the year ends that follows the title; the end of `span` where none does.
        said: What stands before the title and after its article: `1997 comedy`.
        year_before: The year in that, None for none.
        year_after: The year that follows the title: `(1997)`, `from 1997`; None for none.
    """

    item_ids: tuple[ItemId, ...]
    span: Span
    end: int
    said: str = ""
    year_before: int | None = None
    year_after: int | None = None


class NamedItems:
    """Finds titles of one catalogue in questions."""

    def __init__(self, titles: TitleIndex, *, is_value: Callable[[str], bool]) -> None:
        """Look in `titles`; what `is_value` knows as the value of a fact ("drama") is no title."""
        self._titles = titles
        self._is_value = is_value

    def ids(self, text: str) -> tuple[ItemId, ...]:
        """The items the first title in `text` stands for; none without one."""
        named = self.first(text)
        return named.item_ids if named else ()

    def first(self, text: str) -> Named | None:
        """The first title in `text`."""
        words = split_words(text)
        for at in range(len(words)):
            for n, item_ids in self._titles.longest_at(words, at):
                if self._is_title(words[at : at + n]):
                    return self._named(text, Span(words[at].start, words[at + n - 1].end), item_ids)
        return None

    def _is_title(self, words: tuple[Word, ...]) -> bool:
        capital = any(_could_open_name(word.text) for word in (words[0], words[-1]))
        return (len(words) > 1 or capital) and not self._is_value(" ".join(word.text for word in words))

    def _named(self, text: str, span: Span, item_ids: tuple[ItemId, ...]) -> Named:
        before, after = _SAID.search(text[: span.start]), _YEAR_AFTER.match(text, span.end)
        said = before["said"].strip() if before else ""
        found = _YEAR.search(said)
        year_before = int(found[1]) if found else None
        year_after = int(after[1] or after[2]) if after else None
        same_year = self._titles.of_year(item_ids, year_after or year_before or 0)
        whole = Span(before.start() if before else span.start, span.end)
        return Named(same_year or item_ids, whole, after.end() if after else span.end, said, year_before, year_after)


def _could_open_name(word: str) -> bool:
    """Whether `word` begins with a capital, or with a letter of a script that has none."""
    return word[:1].isupper() or (word[:1].isalpha() and word[:1].lower() == word[:1].upper())
