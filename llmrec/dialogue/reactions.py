"""Reactions to what was shown that name no item: "sounds good", "pass", "not for me", "another one", "it was okay"."""

from __future__ import annotations

import re

from llmrec.dialogue.cues import KIND
from llmrec.dialogue.words import Span

_VERY = r"(?:really\s+|so\s+|very\s+|pretty\s+|quite\s+|absolutely\s+|like\s+)*"
_GOOD = (
    r"(?:good|great|perfect|interesting|awesome|amazing|fun|cool|nice|excellent|fantastic|wonderful|lovely|intriguing"
    r"|right|promising|(?:a\s+)?(?:plan|winner|(?:good|great|nice|fun)\s+one))"
)
_ACCEPTED = re.compile(
    rf"(?:\b(?:that|this|those|they|these|both|which)\s+(?:both\s+|all\s+)?|(?:^|(?<=[.,;!?\n\x00]))\s*)"
    rf"(?:sounds?|looks?|seems?)\s+{_VERY}{_GOOD}\b(?:\s+to\s+(?:me|us))?"
    r"|^\W*(?:(?:yes|yeah|yep|ok|okay|sure|great|nice|oh)[\s,!.]+)*(?:perfect|deal|sold|i'm\s+in|excellent|"
    r"(?:good|great|nice|excellent|perfect)\s+(?:choice|pick|idea|suggestion|call)s?|just\s+what\s+i\s+(?:wanted|needed))"
    r"(?:[\s,!.]+(?:thanks|thank\s+you))?\W*$",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:(?:it's|that's|they're|i'm|it\s+is|that\s+is|this\s+is|i\s+am)\s+)?not\s+(?:really\s+|quite\s+|so\s+)?"
    r"(?:for\s+(?:me|us)|my\s+(?:thing|style|taste|type|cup\s+of\s+tea|genre)|interested(?:\s+in\s+(?:it|that|them|those|these))?"
    r"|what\s+i(?:'m|\s+am)?\s+(?:looking\s+for|want(?:ed)?|had\s+in\s+mind|after))\b"
    r"|\b(?:it|that|this|they)?\s*(?:doesn't|does\s+not|don't)\s+(?:really\s+)?(?:appeal|sound|look)\b[^.,;!?\n\x00]*"
    r"|\bno\s+interest(?:\s+in\s+(?:it|that))?\b",
    re.IGNORECASE,
)
_PASSED = re.compile(
    r"^\W*(?:i\s+think\s+|(?:hmm*|well|ugh+|argh+|oh)\W+)?(?:i(?:'ll|\s+will)\s+(?:pass|skip)(?:\s+on\s+(?:it|that|this))?|not\s+really|meh"
    r"|no|nope|nah|no\s+thanks?(?:\s+you)?|pass|skip(?:\s+(?:it|that))?|next(?:\s+one)?|boring|lame|yawn"
    r"|not\s+(?:this|that|these|those)\s+(?:one\s+|ones\s+)?again"
    r"|you(?:'ve|\s+have)?\s+already\s+(?:showed|shown|gave|given|told)\s+(?:me\s+|us\s+)?(?:that|this|it|these|those)(?:\s+ones?)?"
    r"|you\s+showed\s+(?:me\s+)?(?:that|this|it|these|those)(?:\s+ones?)?\s+already)"
    r"(?=\W*(?:$|[.,;!\n]))",
    re.IGNORECASE,
)
_MORE = re.compile(
    rf"\b(?:another(?:\s+(?:one|{KIND}))?|(?:anything|something|what|who)\s+else|(?:any|some|the)?\s*others?(?:\s+{KIND})?"
    rf"|keep\s+going|go\s+on|next(?:\s+{KIND})?|more(?:\s+(?:{KIND}|please|of\s+(?:these|those|them|that)|like\s+(?:these|those|that|this)))?)"
    r"(?=\W*(?:$|[.,;!?\n]|please\b|for\b|to\b|you\b|do\b))",
    re.IGNORECASE,
)
_SO_SO = re.compile(
    r"(?:\b(?:it|that|which|and|but|they)\s+)*\b(?:was|were|is)\s+(?:just\s+|only\s+|pretty\s+|kind\s+of\s+)?(?:ok|okay|fine|alright|all\s+right|so[\s-]so"
    r"|meh|decent|not\s+bad|average|nothing\s+special)\b|\bmeh\b|\bno\s+big\s+deal\b",
    re.IGNORECASE,
)


_WHEN = re.compile(
    r"\b(?:(?:many|a\s+few|some|two|several)?\s*(?:years|months|weeks|days)\s+(?:ago|back)|a\s+(?:long\s+)?(?:while|time)\s+(?:ago|back)"
    r"|last\s+(?:week|month|year|night|weekend|summer|time)|yesterday|the\s+other\s+(?:day|night)|in\s+the\s+past|before)\b"
    r"|(?:^|(?<=[\s\x00]))out(?=\W*(?:$|[.,;!?\n]))",
    re.IGNORECASE,
)


def find_acceptance(text: str) -> Span | None:
    """Where the user takes what was shown without saying which: "sounds good"."""
    return _span(_ACCEPTED.search(text))


def find_refusal(text: str) -> Span | None:
    """Where the user judges what was shown as not for them: "not my thing"."""
    return _span(_REFUSED.search(text))


def find_passing(text: str) -> Span | None:
    """Where the user lets what was shown pass without judging it: "no", "next"."""
    return _span(_PASSED.search(text))


def find_more(text: str) -> Span | None:
    """Where the user asks for others of the same: "another one"."""
    return _span(_MORE.search(text))


def find_so_so(text: str) -> Span | None:
    """Where the user calls something neither good nor bad: "it was okay"."""
    return _span(_SO_SO.search(text))


def find_when(text: str) -> Span | None:
    """Where a reaction says when it was, or ends in the rest of its verb ("check it out"): nothing to wish for."""
    return _span(_WHEN.search(text))


def _span(match: re.Match[str] | None) -> Span | None:
    return Span(*match.span()) if match else None
