"""What the user wants done with what was said before: taken back, or all of it forgotten."""

from __future__ import annotations

import re

from llmrec.dialogue.words import Span

_OPENER = (
    r"(?:please|no|oh|oops|actually|ok|okay|wait|sorry|hmm|well|and|let's|lets|now|just|can\s+(?:we|you)|could\s+you"
    r"|(?:i\s+want|i'd\s+like|i\s+would\s+like)\s+to)"
)
_CLAUSE = rf"(?:^|(?<=[.,;!?\n]))\s*(?:{_OPENER}[\s,]+){{0,4}}"
_PLEASE = r"(?:\s+(?:please|again|now))*"
_END = r"(?=\W*(?:$|[.,;!?\n]|(?:with|for|and)\b))"

_AWAY = r"(?:undo|scratch|cancel|revert|reverse|strike|disregard|ignore|forget|withdraw|retract)"
_REMARK = r"(?:thing|message|request|change|wish|step|line|sentence|statement|command|input|condition)"
_I_SAID = (
    r"(?:what(?:ever)?\s+)?i\s+(?:just\s+|ever\s+)?(?:said|wrote|typed|told\s+you|asked(?:\s+for)?)"
    r"(?:\s+(?:that|it|this|so|just\s+now|last))?"
)
_LAST_REMARK = rf"(?:(?:the|my|that)\s+)?(?:very\s+)?(?:last|previous|latest)\s+{_REMARK}(?:\s+{_I_SAID})?"
_UNDOING = (
    rf"undo|revert|ctrl[\s+-]*z|{_AWAY}\s+(?:that(?:\s+last\s+one)?|it|this|{_I_SAID}|{_LAST_REMARK})"
    rf"|(?:remove|delete|drop)\s+{_LAST_REMARK}|(?:i\s+)?take\s+(?:that|it|this|{_I_SAID}|{_LAST_REMARK})\s+back"
    rf"|(?:i\s+)?take\s+back\s+(?:that|it|this|{_I_SAID}|{_LAST_REMARK})|never\s?mind(?:\s+that)?"
    r"|(?:go\s+)?(?:one|a)\s+step\s+back|(?:go|step)\s+back(?:\s+(?:(?:one|a)\s+step|to\s+before))?"
    r"|i\s+(?:didn't|did\s+not)\s+mean\s+(?:that|it|this|to\s+say\s+that)"
    r"|(?:pretend\s+)?i\s+(?:didn't|did\s+not|never)\s+(?:say|said)\s+(?:that|it|this)"
    r"|that\s+was\s+(?:a\s+mistake|an\s+error|wrong\s+of\s+me)"
)
_UNDO = re.compile(
    rf"{_CLAUSE}(?:{_UNDOING}){_PLEASE}(?=\W*(?:$|[.,;!?\n]|and\b))"
    rf"(?:[\s,.;!]+(?:{_OPENER}[\s,]+){{0,2}}(?:{_UNDOING}){_PLEASE}(?=\W*(?:$|[.,;!?\n])))*",
    re.IGNORECASE,
)

_ALL = (
    r"(?:everything|it\s+all|all(?:\s+of)?(?:\s+(?:it|that|this|them))?"
    r"|(?:(?:all|all\s+of)\s+)?(?:my|the|this|our)\s+(?:preferences|wishes|conditions|profile|history|chat|conversation|search))"
)
_OF_THE_START = (
    r"(?:over|again|afresh|anew|fresh|(?:again\s+)?from\s+(?:scratch|zero|the\s+(?:very\s+)?(?:beginning|start|top)))"
)
_NEW = r"(?:(?:start|begin|open)\s+)?(?:a\s+)?new\s+(?:chat|conversation|search|session|start)"
_STARTING = (
    rf"(?:re)?(?:start|begin)\s+(?:(?:all|it\s+all|everything)\s+)?{_OF_THE_START}|restart(?:\s+(?:{_ALL}|it|{_OF_THE_START}))?"
    rf"|reset(?:\s+(?:{_ALL}|it))?|from\s+scratch|{_NEW}"
    rf"|(?:clear|erase|wipe|delete|discard|drop|forget|remove)\s+(?:about\s+)?(?:{_ALL}|all\s+of\s+it)(?:\s+(?:that\s+)?{_I_SAID})?"
    r"|(?:wipe\s+the\s+slate\s+clean|(?:a\s+)?clean\s+slate)|back\s+to\s+(?:square\s+one|the\s+(?:beginning|start))"
    r"|try\s+(?:this|it|that)\s+(?:all\s+)?(?:again\s+)?from\s+(?:scratch|the\s+(?:beginning|start|top))"
)
_RESET = re.compile(
    rf"{_CLAUSE}(?:{_STARTING}){_PLEASE}{_END}(?:(?:[\s,.;!]|\band\b)+(?:{_OPENER}[\s,]+){{0,2}}(?:{_STARTING}){_PLEASE}{_END})*",
    re.IGNORECASE,
)


def find_undo(text: str) -> Span | None:
    """Where the user takes the last statement back, in however many words: "that was a mistake, undo it"."""
    return _span(_UNDO.search(text))


def find_reset(text: str) -> Span | None:
    """Where the user starts over: "forget all that, start fresh"."""
    return _span(_RESET.search(text))


def _span(match: re.Match[str] | None) -> Span | None:
    return Span(*match.span()) if match else None
