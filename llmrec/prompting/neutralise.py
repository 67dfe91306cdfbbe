"""Text of items and users as data: what could pass for markup of a prompt is broken before it is put in one."""

from __future__ import annotations

import re
import unicodedata

# Normalising is linear but not free: a message of a megabyte is cut before it, well above any `max_chars` in use.
_PRE_CUT = 20

# Format (zero-width, bidi, tags), control, surrogate, private-use and unassigned characters.
_DROPPED_CATEGORIES = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
# Invisible all the same, though Unicode calls them letters, marks or symbols.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)

# Every angle token of every chat template (`<|im_start|>`, `</s>`, `<start_of_turn>`, `<<SYS>>`) opens so.
_ANGLE = re.compile(r"<(?=[^\s…])")
_PIPE = re.compile(r"\|(?=>)")
_SQUARE = re.compile(
    r"\[(?=/?(?:INST|SYS\w*|AVAILABLE_TOOLS|TOOL\w*|IMG\w*|THINK|gMASK|CLS|SEP|MASK|PAD|UNK|BOS|EOS)\])", re.IGNORECASE
)
# `[3] `, `A) `, `B. ` at the start of a line would read as a label of the slate; `2001: ` and `Dr. ` do not.
_LABEL = re.compile(r"^[\[({]\s*([A-Za-z]|[A-Z]{2}|\d{1,3})\s*[\])}]|^([A-Za-z]|[A-Z]{2}|\d{1,3})\s?[\])}.:](?=\s|$)")


def neutralise(text: str, *, max_chars: int) -> str:
    """`text` on one line of at most `max_chars` characters, without anything a chat model could obey as markup.

    Invisible characters go, white space is squeezed, the rest is NFC; chat control tokens are broken up by a space and
    a label-like start loses its punctuation. The words themselves stay: `<|im_end|>` becomes `< |im_end| >`. The result
    is unchanged when neutralised again. That no control token's id is fed is the tokenizer's part, with
    `sanitize_control_tokens`.
    """
    visible = "".join(map(_visible, text[: _PRE_CUT * max_chars]))
    line = " ".join(unicodedata.normalize("NFC", visible).split())
    line = _SQUARE.sub("[ ", _PIPE.sub("| ", _ANGLE.sub("< ", line)))
    return clip(_LABEL.sub(r"\1\2", line).strip(), max_chars)


def clip(text: str, max_chars: int) -> str:
    """`text`, cut with an ellipsis at the last word end that leaves at most `max_chars` characters."""
    if len(text) <= max_chars:
        return text
    if max_chars < 1:
        return ""
    head = text[: max_chars - 1]
    space = head.rfind(" ")
    # A single huge word is cut where the room ends.
    return (head[:space] if space > len(head) // 2 else head).rstrip() + "…"


def _visible(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char) in _DROPPED_CATEGORIES or char in _INVISIBLE else char
