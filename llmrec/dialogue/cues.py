"""Words that say how the user stands to what follows them: liking, disliking, having seen, asking for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmrec.dialogue.lexicon import ITEM_KINDS
from llmrec.dialogue.words import Span, mask, one_of

CueKind = Literal["liked", "disliked", "seen", "unseen", "accepted", "request"]

_SUBJECT = (
    r"(?:(?:\band\s+)?\b(?:i|we|they|he|she|my\s+\w+)(?:'ve|'m|'d|'ll)?\s+)?"
    r"(?:\b(?:have|has|had|am|was|also|really|absolutely|just|both|totally|quite|already|always|truly|so|recently|do|did|"
    r"most|especially|particularly|used\s+to|must\s+say|kind\s+of|sort\s+of|much)\s+){0,4}"
)
_MANY = r"(?:really\s+|particularly\s+|much\s+|that\s+|all\s+|ever\s+){0,2}"
_VERBS_SEEN = r"(?:seen|watched|read|played|listened\s+to|heard|owned|finished|tried)"
_VERBS_SEE = r"(?:see|watch|read|play|listen\s+to|hear|buy|get|try|find|rewatch|reread)"
_VERBS_TAKE = (
    rf"(?:{_VERBS_SEE[3:-1]}|take|have|order|pick|choose|borrow|rent|start\s+with|go\s+(?:with|for)|check(?:\s+out)?"
    r"|give|add|look\s+(?:into|up))"
)
KIND = one_of(sorted(ITEM_KINDS))


@dataclass(frozen=True, slots=True)
class Cue:
    """One such phrase.

    Attributes:
        weak: Also an everyday word ("not", "about"), which says something only right before a clear title.
    """

    kind: CueKind
    span: Span
    weak: bool = False


# First come, first served: what an earlier pattern claims is not read again, so "didn't like" is no "like".
_PATTERNS: tuple[tuple[CueKind, bool, str], ...] = (
    (
        "accepted",
        False,
        rf"\b(?:i|we)(?:'ll|\s+will|'m\s+going\s+to|\s+am\s+going\s+to|'re\s+going\s+to|\s+think\s+i'll|\s+might|\s+must)\s+"
        rf"(?:definitely\s+|probably\s+|gladly\s+|just\s+|also\s+|have\s+to\s+){{0,2}}{_VERBS_TAKE}\b(?!\s+(?:a|an|some|any)\b)"
        r"|\b(?:i|we)(?:'ll)?\s+(?:want|take)\s+(?=(?:that|this)\s+one\b|the\s+(?:first|second|third|last)\b)"
        r"|\blet's\s+(?:go\s+(?:with|for)|take|watch|read|play|get|do)\b",
    ),
    (
        "disliked",
        False,
        rf"(?:\bi\s+|\bwe\s+)?\b(?:don't|do\s+not|never)\s+want\s+to\s+{_VERBS_SEE}\b"
        r"|\b(?:don't|do\s+not|never|stop)\s+(?:ever\s+)?(?:show(?:ing)?|recommend(?:ing)?|suggest(?:ing)?|offer(?:ing)?)\s+(?:me\s+|us\s+)?"
        r"(?=(?:(?:the|a|an)\s+)?(?-i:[A-Z0-9\"]))",
    ),
    (
        "request",
        False,
        rf"(?:\bi\s+|\bwe\s+)?(?:\bwould|\bi'd|\bwe'd|'d)\s+(?:really\s+)?(?:like|love|enjoy)(?:\s+to\s+{_VERBS_SEE})?\b"
        rf"|\b(?:feel|feels|feeling|look|looks|sounds?)\s+like(?:\s+{_VERBS_SEE}(?:ing)?)?\b"
        rf"|\b(?:want|wants|need|love|like|going|plan|hope|prefer)\s+to\s+{_VERBS_SEE}\b",
    ),
    (
        "unseen",
        False,
        rf"(?:\bi\s+|\bwe\s+)?\b(?:haven't|have\s+not|have\s+never|never|'ve\s+never|'ve\s+not)\s+(?:yet\s+)?{_VERBS_SEEN}\b"
        rf"|(?:\bi\s+|\bwe\s+)?\b(?:didn't|did\s+not)\s+{_VERBS_SEE}\b",
    ),
    (
        "disliked",
        False,
        rf"{_SUBJECT}\b(?:(?:didn't|don't|did\s+not|do\s+not|not|never|doesn't|couldn't)\s+{_MANY}"
        r"(?:like|liked|love|loved|enjoy|enjoyed|care\s+for|get\s+into)"
        r"|hate|hated|dislike|disliked|loathe|loathed|detest|detested|despise|despised"
        r"|(?:can't|cannot|couldn't)\s+(?:really\s+)?stand"
        r"|not\s+(?:really\s+)?in\s+the\s+mood\s+for"
        r"|not\s+(?:really\s+)?(?:a\s+)?(?:big\s+|huge\s+|great\s+)?fan\s+of|not\s+into|wasn't\s+a\s+fan\s+of"
        r"|(?:don't|do\s+not)\s+want\s+(?:anything|something|another)\s+like|nothing\s+like|not\s+like|unlike|(?:was\s+)?(?:bored|disappointed)\s+(?:by|with)|sick\s+of|tired\s+of"
        rf"|(?:no|not)\s+more)\b(?!\s+(?:{KIND}\s+)?to\b)",
    ),
    (
        "seen",
        False,
        rf"{_SUBJECT}\b(?:{_VERBS_SEEN}|saw|own|already\s+(?:have|got|own))\b(?:\s+and\s+(?=\w+))?",
    ),
    (
        "liked",
        False,
        rf"{_SUBJECT}\b(?:(?:love|loved|liked|enjoy|enjoyed|adore|adored|(?:a\s+)?(?:big\s+|huge\s+|great\s+)?fan\s+of)\b"
        rf"|(?:my\s+|all[\s-]time\s+|our\s+){{1,2}}(?:favourites?|favorites?)\b(?:\s+{KIND}\b)?"
        r"(?:\s+(?:is|are|was|were)\b)?\s*:?)",
    ),
    (
        "liked",
        False,
        r"(?:\b(?:something|anything|some|more|others?)\s+)?(?:(?:just|much|a\s+bit|a\s+lot|very|exactly|kind\s+of)\s+)?"
        r"(?:\blike\b|\bsimilar\s+to|\balong\s+the\s+lines\s+of|\bin\s+the\s+(?:style|vein|spirit|mood|manner)\s+of"
        r"|\breminiscent\s+of|\breminds\s+me\s+of|\bas\s+\w+\s+as(?=\s+(?-i:[A-Z]|the\s))|\bthe\s+(?:mood|feel|vibe|spirit)\s+of"
        r"|\ba\s+(?:mix(?:ture)?|blend|cross|combination)\s+(?:of|between)|\bcomparable\s+(?:to|with)|\bresembling|\balternatives?\s+to"
        r"|\b(?:the\s+)?same\s+(?:(?:kind|sort|type)\s+of\s+\w+\s+)?as|\b(?:something|anything|one|more)\s+close(?:r)?\s+to)",
    ),
    ("disliked", True, r"\b(?:but\s+)?(?:not|except|anything\s+but|avoid|without|no|none\s+of|neither\s+of)\b"),
    (
        "request",
        True,
        rf"\b(?:what\s+about|how\s+about|do\s+you\s+have|have\s+you\s+got|tell\s+me\s+about|about|find|show\s+me|{_VERBS_SEE})\b",
    ),
)
_COMPILED = tuple((kind, weak, re.compile(pattern, re.IGNORECASE)) for kind, weak, pattern in _PATTERNS)
_PROMISE = re.compile(
    r"\s*,?\s*\b(?:looks?|sounds?|seems?)\s+(?:(?:like|a|really|so|absolutely|very|pretty|just|quite)\s+){0,3}"
    r"(?:great|amazing|brilliant|fantastic|excellent|wonderful|awesome|good|perfect|superb|lovely|fun|interesting|cool|nice"
    r"|intriguing|promising|right)\b(?:\s+(?:one|to\s+me))?",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\s*,?\s*\b(?:was|is|were|are)\s+(?:(?:a|an|my|one\s+of|all[\s-]time|the|really|so|absolutely|very|pretty|both|truly|just|"
    r"always)\s+){0,4}(?:great|amazing|brilliant|fantastic|excellent|wonderful|awesome|good|perfect|superb|favou?rites?|"
    rf"masterpieces?|best|lovely|fun|my\s+favou?rites?)\b(?:\s+{KIND})?",
    re.IGNORECASE,
)
_BLAME = re.compile(
    r"\s*,?\s*\b(?:(?:was|is|were|are)\s+(?:(?:a|an|really|so|absolutely|very|pretty|just|too|rather|not)\s+){0,3}"
    r"(?:terrible|awful|bad|boring|dull|horrible|disappointing|rubbish|trash|overrated|dreadful|weak)"
    r"|(?:(?:was|is|were|are)\s+not|wasn't|isn't|weren't|aren't)\s+(?:for\s+me|good|great|my\s+thing)|bored\s+me)\b",
    re.IGNORECASE,
)
_VERDICTS: tuple[tuple[CueKind, re.Pattern[str]], ...] = (
    ("disliked", _BLAME),
    ("accepted", _PROMISE),
    ("liked", _PRAISE),
)


_TWIST = re.compile(
    r"\s*,?\s*(?:(?:but|only|just|except|minus|without)\b|in\s+(?!\d)\w)"
    r"|(?P<joint>-?(?:like|esque)\b|\s+(?:meets|crossed\s+with|(?:kind|sort|type|style|vein|vibes?)(?=\W*(?:$|[.,;!?\n])))\b)",
    re.IGNORECASE,
)


def twist_after(text: str, end: int) -> int | None:
    """Where the change begins after a title that ends at `end`: "Heat but funny", "Heat in space", "Heat meets Up".

    None where the title stands for itself.
    """
    match = _TWIST.match(text, end)
    if match is None:
        return None
    return match.end() if match["joint"] else end


def find_cues(text: str) -> tuple[Cue, ...]:
    """All cues of `text`, in the order they stand."""
    cues: list[Cue] = []
    for kind, weak, pattern in _COMPILED:
        found = [Cue(kind, Span(*match.span()), weak) for match in pattern.finditer(text)]
        text = mask(text, (cue.span for cue in found))
        cues += found
    return tuple(sorted(cues, key=lambda cue: cue.span.start))


def last_before(cues: Sequence[Cue], start: int) -> int | None:
    """Which of `cues`, in their order, is the last that ends before `start`."""
    position = bisect_right(cues, start, key=lambda cue: cue.span.end) - 1
    return position if position >= 0 else None


def verdict_after(text: str, end: int) -> tuple[CueKind, int] | None:
    """A judgement that follows at `end` ("was great", "is boring", "sounds good") and where it ends."""
    for kind, pattern in _VERDICTS:
        match = pattern.match(text, end)
        if match:
            return kind, match.end()
    return None
