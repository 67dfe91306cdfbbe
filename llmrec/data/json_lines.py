"""JSON Lines read strictly: one object a line, no NaN, no key twice; a bad line is one faulty row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NoReturn

OnFault = Callable[[int, str, str], None]


class _RefusedError(ValueError):
    """JSON that Python would take and this reader does not; the message is the reason."""


def read_json_lines(lines: Iterator[str], *, on_fault: OnFault) -> Iterator[tuple[int, dict[str, object]]]:
    """Objects with their line number from 1; blank lines are skipped."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            row = decoder.decode(text)
        except json.JSONDecodeError as error:
            on_fault(number, f"it is not JSON ({error.msg} at character {error.pos + 1})", line)
        except _RefusedError as error:
            on_fault(number, str(error), line)
        except (ValueError, RecursionError):
            on_fault(number, "it holds a number too long or lists too deep", line)
        else:
            if isinstance(row, dict):
                yield number, row
            else:
                on_fault(number, "it is not a JSON object", line)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RefusedError(f"it names {repeated!r} twice")
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(f"it holds {name}, which is not JSON")
