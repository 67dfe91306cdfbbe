"""What is left of a message once everything exact has been read out of it: the mood, in the user's own words."""

from __future__ import annotations

import re

from llmrec.dialogue.lexicon import FILLERS, NUMBERS
from llmrec.dialogue.words import MASK, Span, Word, one_of, split_words, squeeze, word_set

_OPENERS = word_set(
    """
    hi hello hey please pls ok okay yes yeah well so now then actually instead and but or also just can could would will
    you i we i'm i'd i've id im want need like love enjoy look looking search searching for show give do recommend
    suggest find get bring any have got me us to see watch read play feel feeling the mood in prefer rather today
    tonight let's lets what about how
    """
)
_CLOSERS = word_set(
    "nothing please pls plz thanks tonight today now fine ok okay "
    "and or but with from by of like to for in also the a an that which is"
)
_REFINING = re.compile(
    r"^\W*(?:and|but|also|plus|with|without|not|no\s+(?!,)|less|more|even|preferably|ideally|only|still|though|it\s+should|"
    r"they\s+should|must|make\s+it|make\s+them)\b(?!\s*,)",
    re.IGNORECASE,
)
_COMPARATIVE = re.compile(
    r"^\W*(?:(?:something|anything|one|ones|a\s+bit|a\s+little|much|even|slightly|please)\s+)*"
    r"(?:\w{2,}er|(?:more|less)\s+\w+)(?:\s+(?:and|but)\s+\w{2,}er)*(?:\s+(?:one|ones|please))*\W*$",
    re.IGNORECASE,
)
_EXCLUDED = re.compile(
    r"\b(?:but\s+|and\s+|that's\s+|that\s+(?:is|are|has|have)\s+|which\s+(?:is|are)\s+)?"
    r"(?:nothing|not|no|without|except(?:\s+for)?|anything\s+but|avoid"
    r"|(?:i\s+|we\s+)?(?:don't|do\s+not)\s+(?:want|need|like|care\s+for)(?:\s+(?:any|anything|one|something)\b)?)\s+"
    r"(?!(?:sure|really|idea|ideas|preference|problem|rush|bad|necessarily|much|more(?!\s+(?!this\b|less\b)\w{2,}s\b)|longer|matter|one|i|we|you|that)\b)"
    r"[^.,;!?\n]*[^\W_][^.,;!?\n]*",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\b(?:under|over|below|above|at\s+(?:least|most)|(?:less|more|longer|shorter|cheaper)\s+than|up\s+to|max(?:imum)?)\s+"
    rf"[$€£]?(?:\d[\d.,]*|{one_of(list(NUMBERS))})\s*(?:hours?|minutes?|mins?|dollars?|euros?|pounds?|pages?|stars?|players?)\b",
    re.IGNORECASE,
)


_DAY = r"(?:weekends?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|holidays?)"
_PERSON = (
    r"(?:girlfriend|boyfriend|wife|husband|partner|spouse|mum|mom|dad|mother|father|parents|grandma|grandpa|grandparents"
    r"|friends?|mates?|brother|sister|colleagues?|roommates?)"
)
_OCCASION = re.compile(
    rf"\b(?:for|this)\s+(?:(?:a|an|the|my|our|some)\s+)?(?:(?!(?:his|her|their|its|every|each)\b)\w+\s+){{0,2}}?(?:{_DAY}|evening|night|afternoon|morning|flight)"
    r"(?:\s+(?:evening|night|afternoon|morning))?\b"
    rf"|\bon\s+(?:(?:a|an|the|my)\s+)?(?:\w+\s+)?{_DAY}(?:\s+(?:evening|night|afternoon|morning))?\b"
    rf"|\b(?:with|for)\s+(?:my|our|the)\s+{_PERSON}\b"
    rf"|\b(?:that\s+)?(?:my|our)\s+{_PERSON}\s+(?:(?:would|will|might|could|may)\s+(?:also\s+)?(?:like|love|enjoy)(?:\s+too)?"
    r"|(?:loves?|likes?|enjoys?)(?:\s+(?:it|them|that))?(?=[\W\x00]*$))",
    re.IGNORECASE,
)


def exclusions(rest: str) -> tuple[Span, ...]:
    """Where `rest` rules something out that no reader understood: "nothing with ghosts", "under two hours".

    Left in the wish, its words would attract what they are meant to keep away.
    """
    found = [Span(*match.span()) for pattern in (_EXCLUDED, _AMOUNT) for match in pattern.finditer(rest)]
    return tuple(span for n, span in enumerate(found) if not any(span.overlaps(other) for other in found[:n]))


def wish_of(rest: str) -> str:
    """The wish in `rest`, a message with its understood clauses cut out; empty when only fillers are left.

    When and with whom is no wish: its words would find items that speak of evenings.
    """
    rest = _OCCASION.sub(lambda match: MASK * len(match.group()), rest)
    words = split_words(rest)
    if all(word.key in FILLERS or word.text.casefold() in FILLERS for word in words):
        return ""
    start, end = 0, len(words)
    while start < end and (words[start].text.casefold() in _OPENERS or _is_answer(words[start], rest)):
        start += 1
    while end > start and words[end - 1].text.casefold() in _CLOSERS:
        end -= 1
    return squeeze(rest[words[start].start : words[end - 1].end]) if start < end else ""


def _is_answer(word: Word, text: str) -> bool:
    """Whether a "no" answers instead of excluding what follows: "no, something else"."""
    return word.key == "no" and text[word.end : word.end + 1] == ","


def is_refinement(text: str) -> bool:
    """Whether a message goes on from the one before: "and shorter", "but funny", "something darker"."""
    return _REFINING.match(text) is not None or _COMPARATIVE.match(text) is not None
