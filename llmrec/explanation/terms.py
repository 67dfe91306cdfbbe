"""Words for comparison: folded, lightly stemmed, and without those that carry no meaning of their own."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_ENDINGS = ("iness", "ingly", "ness", "ies", "ing", "ily", "est", "ier", "ed", "es", "er", "ly", "y", "s", "e")
_MIN_STEM = 3


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    """
    a an the this that these those it its it's he she they them their his her i me my we us our you your yours and or
    but nor so if then than as at by for from in into of off on onto out over to up with about after before between
    during is are was were be been being am do does did done has have had having will would can could should may might
    must shall what which who whom whose when where why how there here all any both each few more most other some such
    own same too very just also again once only
    film films movie movies picture book books novel novels story stories game games song songs album show shows series
    item items product products thing things something anything
    """
)
NEGATIONS = word_set(
    "not no never without less hardly isn't aren't don't doesn't didn't wasn't too nothing nor neither cannot"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a text: as written, folded, and where it begins."""

    text: str
    key: str
    start: int


def terms(text: str) -> tuple[Term, ...]:
    """The words of `text` in order."""
    return tuple(Term(m.group(), fold(m.group()), m.start()) for m in _WORD.finditer(text))


def fold(text: str) -> str:
    """`text` without case and accents, with plain apostrophes."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c))


def stem(key: str) -> str:
    """A folded word without a common English ending, so that `scary` meets `scariest` and `stranded` `strand`."""
    word = key.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM:
            return word[: -len(ending)]
    return word


def stems(text: str) -> frozenset[str]:
    """Stems of all words of `text`."""
    return frozenset(stem(term.key) for term in terms(text))
