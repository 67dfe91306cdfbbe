"""Questions about why something is shown, or not: "why the third one?", "why not Alien?"."""

from __future__ import annotations

import re

_OPENED = (
    r"^\W*(?:(?:but|and|so|ok|okay|hm+|tell\s+me|can\s+you\s+(?:explain|tell\s+me)"
    r"|i\s+(?:don['\u2019]?t|do\s+not)\s+(?:understand|know|see|get))\W+)*"
)
_ASKED = re.compile(
    rf"{_OPENED}"
    r"(?:why\s+(?:not\b|(?:did|do|does|have|is|are|was)n['\u2019]?t\b|(?:did|do|is|was)\s+(?:you\s+)?not\b)"
    r"|how\s+come\s+(?:you\s+(?:didn['\u2019]?t|don['\u2019]?t)|there(?:['\u2019]s|\s+is)\s+no)\b"
    r"|what(?:['\u2019]s|\s+is)\s+wrong\s+with\b)"
    r"(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_SHOWING = (
    r"(?:recommend|suggest|show|list|here|there|pick|chose|rank|place|first|second|third|top|good|right|fit|suit|match"
    r"|for\s+me)"
)
# "Why is it so long?" is about the item and not about its being shown.
_OF_CONTENT = rf"\s+(?:is|are|was|were|does|did|has|have|can)\s+(?!you\b|i\b)(?![^!\n]*\b{_SHOWING})"
_REASON = re.compile(
    rf"{_OPENED}"
    rf"(?:(?:why\b|how\s+come\b)(?!\s+(?:not\b|(?:did|do|does|have|has|is|are|was|were|wo|could|would)n['\u2019]?t\b)|{_OF_CONTENT})|what\s+makes\s+you\b"
    r"|what(?:['\u2019]s|\s+is|\s+was)\s+(?:the|your)\s+reasons?\s+(?:for|behind)\b"
    r"|how\s+(?:do|did|can|could)\s+you\s+(?:know|pick|choose|select|find|come\s+up\s+with|get|decide)\b"
    r"|what(?:['\u2019]s|\s+is)\s+(?:so\s+)?(?:good|great|special|interesting)\s+about\b"
    r"|(?:explain|justify)\b(?!\s+(?:how|what)\b))(?P<what>[^!\n]{0,160})$",
    re.IGNORECASE,
)
_WORTH = re.compile(
    rf"(?i:{_OPENED}(?:(?:should|would|will|might)\s+(?:i|we)\s+(?:really\s+)?"
    r"(?:like|love|enjoy|watch|see|read|play|try|buy|get|take|pick)\s+"
    r"|(?:do\s+you\s+think\s+)?(?:i|we)(?:'d|'ll|\s+would|\s+will|\s+should)\s+(?:like|love|enjoy)\s+"
    r"|is\s+(?=[^?\n]{1,60}\bworth\b)))"
    r"(?P<what>(?:[^?\n]{0,60}\b)?(?:it|that|this|these|them|one|first|second|third|fourth|fifth|last|[A-Z0-9][\w':-]*)\b"
    r"[^?\n]{0,40})\?\W*$"
)


def asked_absence(text: str) -> str:
    """What `text` misses among what is shown, still with the words around its title; empty when it misses nothing."""
    found = _ASKED.match(text)
    return found["what"] if found else ""


def asked_reason(text: str) -> str | None:
    """What `text` wants the reasons of, still with the words around it; None where it asks for none."""
    found = _REASON.match(text)
    return found["what"] if found else None


def asked_worth(text: str) -> str | None:
    """What `text` asks to be worth taking: "should I watch the second one?"; None where it asks no such thing."""
    found = _WORTH.match(text)
    return found["what"] if found else None
