"""Messages with what they mean, and how well readings of them do: precision and recall of entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning
from llmrec.errors import DataError
from llmrec.types import Constraint, Profile

_ARROW = "=>"
_N_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Message:
    """What a user writes, which entries it must be read as, and which it may be.

    Attributes:
        file: Name of the file it stands in.
        catalogue: What it is said about.
    """

    file: str
    catalogue: str
    text: str
    required: frozenset[Meaning]
    allowed: frozenset[Meaning]


@dataclass(frozen=True, slots=True)
class Judged:
    """Entries of one reading: how many are right and wrong, and how many of the required were found."""

    n_right: int
    n_wrong: int
    n_found: int
    n_required: int


def read_messages(directory: Path) -> list[Message]:
    """All messages of the `.txt` files in `directory`. Raises DataError for a line of no known kind."""
    messages = [message for file in sorted(directory.glob("*.txt")) for message in _messages(file)]
    if not messages:
        raise DataError(f"{directory} has no messages.", hint="Lines are: MESSAGE => field=value; ?field=value")
    return messages


def judge(message: Message, found: Iterable[Meaning]) -> Judged:
    """How well `found` answers what `message` means; an entry that may be read counts for precision alone."""
    read = set(found)
    n_right = len(read & message.allowed)
    return Judged(n_right, len(read) - n_right, len(read & message.required), len(message.required))


def meanings_of(profile: Profile) -> tuple[Meaning, ...]:
    """What is believed in `profile`, conditions and leanings alike, as entries; numbers by their direction."""
    stated = [entry.constraint for entry in profile.constraints] + [entry.constraint for entry in profile.leanings]
    return tuple(dict.fromkeys(meaning for constraint in stated for meaning in _entries(constraint)))


def summed(judged: Sequence[Judged], *, seed: int = 0) -> Mapping[str, object]:
    """Precision, recall and F1 of all entries, wrong entries of a hundred messages, with 95 % bootstrap intervals."""
    counts = np.array([[one.n_right, one.n_wrong, one.n_found, one.n_required] for one in judged], dtype=float)
    places = np.random.default_rng(seed).integers(len(counts), size=(_N_RESAMPLES, len(counts)))
    drawn = counts[places].sum(axis=1)
    measures: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
        "precision": lambda c: c[..., 0] / np.maximum(1, c[..., 0] + c[..., 1]),
        "recall": lambda c: c[..., 2] / np.maximum(1, c[..., 3]),
        "wrong_of_100": lambda c: 100 * c[..., 1] / len(counts),
    }
    told: dict[str, object] = {"messages": len(counts), "entries": int(counts[:, 3].sum())}
    for name, measure in measures.items():
        low, high = np.quantile(measure(drawn), (0.025, 0.975))
        mean = float(measure(counts.sum(axis=0)))
        told[name] = {"mean": round(mean, 3), "ci95": [round(float(low), 3), round(float(high), 3)]}
    return told


def _messages(file: Path) -> Iterable[Message]:
    catalogue = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("using "):
            catalogue = line.removeprefix("using ").strip()
        elif _ARROW in line and not line.startswith("#"):
            text, _, meant = line.rpartition(_ARROW)
            entries = [part.strip() for part in meant.split(";") if part.strip()]
            required = frozenset(_entry(part) for part in entries if not part.startswith("?"))
            optional = frozenset(_entry(part.removeprefix("?")) for part in entries)
            yield Message(file.stem, catalogue, text.strip(), required, optional | required)
        elif line and not line.startswith("#"):
            raise DataError(f"line {number} of {file} is no message: {line[:80]!r}.")


def _entry(text: str) -> Meaning:
    field, _, value = text.removeprefix("not ").partition("=")
    return Meaning(field, value, not text.startswith("not "))


def _entries(constraint: Constraint) -> Iterable[Meaning]:
    values = constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
    wanted = constraint.op not in {"$ne", "$nin"}
    for value in values:
        if isinstance(value, bool):
            yield Meaning(constraint.field, YES, value == wanted)
        elif isinstance(value, (int, float)):
            ends = {"$l": (LOW,), "$g": (HIGH,)}.get(constraint.op[:2], ())
            yield from (Meaning(constraint.field, end) for end in ends)
        else:
            yield Meaning(constraint.field, str(value), wanted)
