"""Text as words with places, so that what was understood can be cut out of a message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MASK = "\x00"  # `clean` removes it from messages, so it can stand for a place that was already understood

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|&")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u00b4": "'", "`": "'"} | dict.fromkeys(
    map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb"), '"'
) | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013"), "-"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, `end` exclusive."""

    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: as written, folded for comparison, and where it stands."""

    text: str
    key: str
    start: int
    end: int


def clean(text: str, *, max_chars: int) -> str:
    """The first `max_chars` of `text` without control characters, with plain quotes, hyphens and single spaces."""
    plain = _CONTROL.sub("", text[:max_chars].replace("\t", " ").replace("\r", "\n")).translate(_QUOTES)
    # Long runs of spaces would make the readers' patterns slow.
    return _SPACES.sub(lambda match: "\n" if "\n" in match.group() else " ", plain)


def fold(text: str) -> str:
    """`text` without case, accents and apostrophes; `&` is `and`."""
    if text == "&":
        return "and"
    plain = unicodedata.normalize("NFKD", text.replace("'", "")).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c))


def split_words(text: str) -> tuple[Word, ...]:
    """The words of `text` in order."""
    return tuple(Word(m.group(), fold(m.group()), m.start(), m.end()) for m in _WORD.finditer(text))


def singular(key: str) -> str:
    """A folded English word without its plural ending: `comedies` is `comedy`, `kids` is `kid`."""
    if len(key) > 4 and key.endswith("ies"):
        return f"{key[:-3]}y"
    if len(key) > 3 and key.endswith("s") and not key.endswith(("ss", "us", "is")):
        return key[:-1]
    return key


def squeeze(text: str) -> str:
    """`text` with single spaces, and without punctuation that lost its words."""
    text = re.sub(rf"[\s{MASK}]+", " ", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text)
    return text.strip(" ,;:-.!?")


def mask(text: str, spans: Iterable[Span]) -> str:
    """`text` of the same length with `spans` blanked, so that later readers pass over them."""
    letters = list(text)
    for span in spans:
        letters[span.start : span.end] = MASK * (span.end - span.start)
    return "".join(letters)


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())


def one_of(phrases: Sequence[str]) -> str:
    """A regular expression for any of `phrases`, longest first, with flexible spaces."""
    ordered = sorted(phrases, key=len, reverse=True)
    return "(?:" + "|".join(phrase.replace(" ", r"\s+") for phrase in ordered) + ")"
