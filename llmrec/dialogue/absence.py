"""Questions about what is not shown: "why not Alien?", "why didn't you suggest Heat?"."""

from __future__ import annotations

import re

_ASKED = re.compile(
    r"^\W*(?:(?:but|and|so|ok|okay|hm+)\W+)*"
    r"(?:why\s+(?:not\b|(?:did|do|does|have|is|are|was)n['\u2019]?t\b|(?:did|do|is|was)\s+(?:you\s+)?not\b)"
    r"|how\s+come\s+(?:you\s+(?:didn['\u2019]?t|don['\u2019]?t)|there(?:['\u2019]s|\s+is)\s+no)\b"
    r"|what(?:['\u2019]s|\s+is)\s+wrong\s+with\b)"
    r"(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)


def asked_absence(text: str) -> str:
    """What `text` misses among what is shown, still with the words around its title; empty when it misses nothing."""
    found = _ASKED.match(text)
    return found["what"] if found else ""
