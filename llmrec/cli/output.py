"""What goes to the terminal: text without control characters, JSON, errors."""

from __future__ import annotations

import json
import sys
import unicodedata

import typer

MENDABLE = 2
_MAX_MESSAGE_CHARS = 500


def plain(text: str) -> str:
    """`text` safe for a terminal: control and invisible direction characters of titles and messages are dropped."""
    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs")
    )


def say(text: str) -> None:
    """One line or paragraph on standard output."""
    typer.echo(plain(text))


def note(text: str) -> None:
    """A remark on standard error, so that standard output stays readable by programs."""
    typer.echo(plain(text), err=True)


def say_json(value: object) -> None:
    """One JSON object on standard output; nan and infinity become null."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False, indent=1) + "\n")


def report_error(code: str, message: str, hint: str, *, as_json: bool) -> int:
    """Write the error to standard error, as a sentence or as JSON; the exit code for what the caller can mend."""
    message, hint = _brief(message), _brief(hint)
    if as_json:
        note(json.dumps({"error": {"code": code, "message": message, "hint": hint}}, ensure_ascii=False))
    else:
        note(f"Error: {message} {hint}".rstrip())
    return MENDABLE


def _brief(text: str) -> str:
    """One line of bounded length: a message may quote a value of any size."""
    line = " ".join(plain(text).split())
    return line if len(line) <= _MAX_MESSAGE_CHARS else f"{line[: _MAX_MESSAGE_CHARS - 2]} …"


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
