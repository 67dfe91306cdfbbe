"""Slips of the fingers: missing apostrophes, swapped and doubled letters in words the readers look for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llmrec.dialogue.words import word_set

# Without its apostrophe each of these is no other word, so that "were", "ill", "its" and "lets" are not here.
_CONTRACTED = word_set(
    """
    don't doesn't didn't isn't wasn't aren't weren't haven't hasn't hadn't can't couldn't wouldn't shouldn't i'm i've
    you're you've they're we've that's what's where's how's who's there's
    """
)
_SLIPS: Mapping[str, str] = {word.replace("'", ""): word for word in _CONTRACTED} | {
    "teh": "the", "hte": "the", "adn": "and", "liek": "like", "lik": "like", "luv": "love", "luved": "loved",
    "lovd": "loved", "lvoed": "loved", "haet": "hate", "hatd": "hated", "wnat": "want", "watn": "want",
    "somthing": "something", "smth": "something", "sth": "something", "sumthing": "something", "someting": "something",
    "anythin": "anything", "anyting": "anything", "recomend": "recommend", "reccomend": "recommend",
    "recommand": "recommend", "simillar": "similar", "similiar": "similar", "seeen": "seen", "alredy": "already",
    "allready": "already", "flim": "film", "flims": "films", "moive": "movie", "moives": "movies", "movei": "movie",
    "bok": "book", "boks": "books", "thnaks": "thanks", "thansk": "thanks", "plese": "please", "befor": "before",
    "betwen": "between", "beetween": "between", "wiht": "with", "whit": "with", "witout": "without", "frm": "from",
    "ninties": "nineties", "ninetees": "nineties", "nintees": "nineties", "eightys": "eighties", "eigthies": "eighties",
    "seventys": "seventies", "sixtys": "sixties",
    "form the": "from the", "not all that": "not very", "feel-good": "feelgood",
}  # fmt: skip
_PATTERN = re.compile(rf"(?<![\w'])(?:{'|'.join(sorted(_SLIPS, key=len, reverse=True))})(?![\w'])", re.IGNORECASE)
_SECOND_THOUGHT = re.compile(
    r"(?:^|(?<=[.;!?\n]))[^.;!?\n]*[^\W_][^.;!?\n]*?[\s,-]+(?:actually,?\s+no|no,?\s+wait|wait,?\s+no|on\s+second\s+thoughts?)\s*,\s*"
    r"(?=[^\W_])",
    re.IGNORECASE,
)
_MIN_CHARS = 5
# What comes out when fingers slip, and is a word of its own.
_WORDS = word_set("back part spot spots sliver meta hose house tale trail")


def respelt(text: str) -> str:
    """`text` with common misspellings of everyday words put right; titles keep their letters' case, not their slips."""
    return _PATTERN.sub(lambda match: _like(match.group(), _SLIPS[match.group().casefold()]), text)


def thought_over(text: str) -> str:
    """`text` without what a sentence takes back in its own second half: "a comedy, actually no, a western"."""
    return _SECOND_THOUGHT.sub(" ", text)


def slips_of(word: str) -> Iterator[str]:
    """How a folded `word` comes out when fingers slip: a letter missing or doubled, or two swapped; the first stands.

    Letters that were never meant are left out: "auction" is no slip of "action".
    """
    if len(word) < _MIN_CHARS or " " in word:
        return
    yield from (slip for slip in _slips(word) if slip not in _WORDS)


def _slips(word: str) -> Iterator[str]:
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _like(typed: str, meant: str) -> str:
    return meant.capitalize() if typed[:1].isupper() and typed[1:].islower() else meant
