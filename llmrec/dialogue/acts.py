"""What the user wants done: drop a condition, how many items; and what is a question, a request, small talk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from llmrec.dialogue.cues import KIND
from llmrec.dialogue.lexicon import ITEM_KINDS, NUMBERS
from llmrec.dialogue.words import Span, fold, one_of, singular, split_words, word_set

_FORGET = re.compile(
    r"\b(?:forget|drop|ignore|remove|never\s?mind)\s+(?:about\s+)?(?:the\s+|being\s+)?(?:from\s+|in\s+)?", re.IGNORECASE
)
_QUESTION = re.compile(
    r"\W*(?:and\s+|but\s+|so\s+)?(?:why\s+(?:not|don't)|who|when|where|how\s+(?:long|old|many|much)|what(?:'s|\s+(?:is|are|was|year))"
    r"|is\s+(?:it|that|this)|does|did|has)\b[^!\n]{0,160}\?\W*$",
    re.IGNORECASE,
)
_ASKS_FOR_ITEMS = re.compile(
    r"\b(?:good|great|nice|best|better|recommend\w*|suggest\w*|should|like(?!\s+(?:today|tomorrow|tonight|outside|there|in|right)\b)|similar|some|any|anything|something|new|there)\b",
    re.IGNORECASE,
)
_SMALL_TALK = word_set(
    """
    hi hello hey hiya yo howdy greetings good morning afternoon evening night day thanks thank you very much thx
    ty cheers bye goodbye see later ok okay cool great nice how are who what can do is it going help there lol
    haha test hm hmm wow so a lot doing today your name
    """
)
_TALK_OPENERS = word_set(
    """
    hi hello hey hiya yo howdy greetings thanks thank thx ty cheers bye goodbye ok okay cool lol haha help test hm hmm
    wow who how good great nice what see
    """
)
_SEVERAL = rf"\d{{1,3}}|{one_of([word for word in NUMBERS if word != 'one'])}"
_NUMBER = rf"(?P<n>{_SEVERAL}|one)"
_COUNTED = one_of(sorted(ITEM_KINDS - {"something", "anything", "somethings", "stuff", "one", "read", "thing"}))
_ASK = (
    r"(?:give|show|recommend|suggest|find|get|list|name|want|need)(?:\s+(?:me|us))?\s+"
    r"(?:(?:just|only|about|the|your|some|top|best|another|exactly)\s+){0,2}"
)
_NO_COUNTED = r"-|years?|minutes?|mins?|hours?|dollars?|euros?|pages?|%|percent|stars?|of\s+the|st\b|nd\b|rd\b|th\b"
_NOT_A_COUNT = rf"(?!\s*(?:{_NO_COUNTED}))"
_COUNTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_ASK}{_NUMBER}\b{_NOT_A_COUNT}(?!\s+of\b)",
        rf"\b(?:the\s+)?top\s+{_NUMBER}\b",
        rf"(?<!\w)(?P<cut>{_NUMBER})\s+(?:more|others?)\b",
        # A lone "one" may be what is left of "the 1995 one".
        rf"^\W*(?P<n>{_SEVERAL})(?:\s+please)?\W*$",
        rf"\b(?:just|only)\s+{_NUMBER}\b{_NOT_A_COUNT}",
        rf"(?<![\w#])(?<!the\s)(?P<cut>{_NUMBER})\s+(?:(?!of\b|and\b|or\b|from\b)[\w'-]+\s+){{0,3}}?{_COUNTED}\b",
    )
)
_COUNT_OF_VALUE = re.compile(rf"(?<![\w#])(?P<cut>{_NUMBER})\s+(?P<what>[\w'-]+(?:\s+[\w'-]+)?)", re.IGNORECASE)
_DROP = (
    r"\b(?:any|whatever|whichever|no\s+matter\s+(?:which|what|the)|(?:forget|drop|ignore|remove)\s+(?:about\s+)?the"
    r"|(?:i\s+)?don't\s+(?:care|mind)\s+(?:about\s+)?(?:the|which|what))\s+"
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many items are wanted, and the words that say so."""

    k: int
    span: Span


def find_forget(text: str) -> tuple[Span, ...]:
    """Where "forget about the" stands; what follows may be a condition that no longer holds."""
    return tuple(Span(*match.span()) for match in _FORGET.finditer(text))


def is_small_talk(text: str) -> bool:
    """Whether `text` is a greeting, thanks, or a question about the assistant, and nothing else."""
    keys = [word.key for word in split_words(text)]
    return bool(keys) and len(keys) <= 8 and keys[0] in _TALK_OPENERS and all(key in _SMALL_TALK for key in keys)


def is_question(text: str) -> bool:
    """Whether the user wants to know something rather than be shown something: "who directed it?"."""
    return _QUESTION.match(text) is not None and _ASKS_FOR_ITEMS.search(text) is None


def find_count(text: str, *, is_value: Callable[[str], bool]) -> Count | None:
    """How many items are asked for: "three films", "give me 5", "five comedies"; never zero."""
    for pattern in _COUNTS:
        count = next((c for match in pattern.finditer(text) if (c := _count(match))), None)
        if count is not None:
            return count
    for match in _COUNT_OF_VALUE.finditer(text):
        words = match["what"].split()
        if is_value(match["what"]) or is_value(words[0]):
            return _count(match)
    return None


def _count(match: re.Match[str]) -> Count | None:
    word = re.sub(r"\s+", " ", match["n"]).casefold()
    k = NUMBERS.get(word) or (int(word) if word.isdigit() else 0)
    span = match.span("cut") if "cut" in match.re.groupindex else match.span()
    return Count(k, Span(*span)) if k else None


class DropReader:
    """Reads that a condition no longer matters: "any year is fine", "forget the genre"."""

    def __init__(self, field_names: Iterable[str], *, year_field: str = "") -> None:
        """Know the fields by the words of their names, and the year also as decade or era."""
        self._fields: Mapping[str, str] = {singular(fold(name.replace("_", " "))): name for name in field_names} | (
            dict.fromkeys(("year", "decade", "era"), year_field) if year_field else {}
        )
        words = one_of([re.escape(word) for word in self._fields] or [r"(?!)"])
        self._pattern = re.compile(
            rf"{_DROP}(?P<field>{words})s?\b(?:\s+(?:is|are)?\s*(?:fine|ok|okay|good|works|will\s+do))?", re.IGNORECASE
        )

    def read(self, text: str) -> tuple[tuple[str, Span], ...]:
        """Fields whose conditions are dropped, with the words that say so."""
        return tuple(
            (self._fields[fold(re.sub(r"\s+", " ", match["field"]))], Span(*match.span()))
            for match in self._pattern.finditer(text)
        )


def is_request(text: str) -> bool:
    """Whether `text` asks for items at all, however vaguely: "surprise me", "what should I take?", "more"."""
    return _REQUEST.search(text) is not None


_REQUEST = re.compile(
    rf"\b(?:recommend\w*|suggest\w*|surprise|more|another|others?|else|next|show|give|find|want|need|looking|bored|{KIND})\b|\?",
    re.IGNORECASE,
)
