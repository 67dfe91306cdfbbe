"""Single cells: ids, texts, flags, numbers and moments, each read in one way wherever it comes from."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from numbers import Integral, Real

import numpy as np

from llmrec.data.tables import is_missing

MAX_TEXT_CHARS = 20_000
WHITE_SPACE = "white space removed"
INVISIBLE = "control or invisible characters removed"
CUT = f"text cut at {MAX_TEXT_CHARS:,} characters"
_LAST_MOMENT = datetime(2201, 1, 1, tzinfo=UTC).timestamp()
# Controls but tab and line feed, zero-width and bidirectional marks, tags, and the selectors that smuggle bytes.
_INVISIBLES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_FLAGS: Mapping[str, bool] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class CellError(ValueError):
    """A cell that makes its row unusable; the message is the reason."""


def read_id(value: object) -> str:
    """The id as the string it was: `007` stays, 7 and 7.0 are `7`, True is `True`; empty for a missing one."""
    if isinstance(value, str):
        return value.strip()
    if is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def read_text(value: object, repairs: set[str], *, one_line: bool = False) -> str:
    """A cell as clean text; what had to be done to it is added to `repairs`."""
    if is_missing(value):
        return ""
    text = value if isinstance(value, str) else str(value)
    clean = _INVISIBLES.sub("", text)
    if clean != text:
        repairs.add(INVISIBLE)
    squeezed = _SPACES.sub(" ", clean).strip() if one_line else clean.strip()
    if squeezed != clean:
        repairs.add(WHITE_SPACE)
    if len(squeezed) > MAX_TEXT_CHARS:
        repairs.add(CUT)
        return squeezed[:MAX_TEXT_CHARS].rstrip()
    return squeezed


def shows_something(text: str) -> bool:
    """Whether a reader would see a character: a letter, a digit, a mark of punctuation or a symbol."""
    return any(unicodedata.category(c)[0] in "LNPS" and c != "\N{BRAILLE PATTERN BLANK}" for c in text)


def read_flag(value: object) -> bool:
    """True or false from a flag, a number or a word. Raises CellError for anything else."""
    text = str(value).strip().lower().removesuffix(".0")
    if text not in _FLAGS:
        raise CellError(f"available is {_short(value)}; it must be true or false, 1 or 0, yes or no")
    return _FLAGS[text]


def read_strength(value: object) -> float:
    """A rating or weight. Raises CellError unless it is a finite number."""
    number = _float(value)
    if number is None or not abs(number) <= _FLOAT32_MAX:
        raise CellError(f"rating {_short(value)} is not a finite number")
    return number


def read_moment(value: object) -> float:
    """Seconds since 1970 (UTC).

    Numbers are seconds, milliseconds above 1e11, microseconds above 1e14, nanoseconds above 1e17; texts may also be
    ISO 8601, in UTC where they name no zone.

    Raises:
        CellError: It is missing, no moment, before 1970 or after the year 2200.
    """
    number = _float(value)
    moment = _iso_seconds(value) if number is None else _seconds(number)
    if not 0 <= moment < _LAST_MOMENT:
        raise CellError(f"timestamp {_short(value)} is not a moment between 1970 and 2200")
    return moment


def parse_number(text: str) -> int | float | None:
    """The finite number that `text` writes in plain digits; None for any other text."""
    if not _NUMBER.fullmatch(text) or len(text) > 300:
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _float(value: object) -> float | None:
    if isinstance(value, str):
        try:
            return None if "_" in value else float(value)
        except ValueError:
            return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Integral, Real, np.number)):
        return _decimal(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _decimal(value: object) -> float | None:
    return float(str(value)) if type(value).__name__ == "Decimal" else None


def _seconds(number: float) -> float:
    for above, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if number > above:
            return number / unit
    return number


def _iso_seconds(value: object) -> float:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return math.nan
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime) or is_missing(value):
        return math.nan
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _short(value: object) -> str:
    return "missing" if is_missing(value) or value == "" else repr(value)[:60]
