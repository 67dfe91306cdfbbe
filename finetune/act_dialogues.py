"""Annotated dialogues between people, as situations with the acts that annotators heard in them.

The format is that of IARD (Cai and Chen, UMAP 2020): utterances of a seeker and a recommender with codes of intents.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmrec.dialogue.act_features import TITLE, Situation
from llmrec.dialogue.act_model import HEARD
from llmrec.errors import DataError
from llmrec.types import ActKind

CODES: Mapping[str, ActKind] = {
    "IQU": "request", "REF": "request", "PRO": "preference", "ANS": "answer", "SEE": "seen", "ACC": "accept",
    "REJ": "reject", "INQ": "question", "CRI-F": "critique", "CRI-A": "constraint", "CON": "more",
}  # fmt: skip
_TITLE = re.compile(r"@\s*(\d+)\s*(?:<([^>]*)>\s*)*")
_YEAR = re.compile(r"\s*\(\d{4}\)\s*")
_MIN_NAME_CHARS = 3


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation: the situations of its seeker, and for each the acts that were heard."""

    id: str
    situations: tuple[Situation, ...]
    acts: tuple[frozenset[ActKind], ...]


def read_dialogues(path: Path, *, without: Collection[str] = ()) -> list[Dialogue]:
    """The dialogues of `path` (JSON, or JSON in gzip) whose id is not in `without`, in order.

    Raises:
        DataError: The file is not in the format of IARD.
    """
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        data = json.loads(text)
        return [_dialogue(name, body["dialogue_info"]) for name, body in data.items() if name not in without]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no annotated dialogues in the format of IARD: {error}") from error


def dialogue_ids(path: Path) -> frozenset[str]:
    """The ids of the dialogues that the rows of `path` (JSON Lines in gzip, with `dialog_id`) come from."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return frozenset(str(json.loads(line)["dialog_id"]) for line in lines)


def label_matrix(dialogues: Sequence[Dialogue]) -> NDArray[np.bool_]:
    """Which acts of `HEARD` each situation has: bool [n_situations, n_acts]."""
    heard = [acts for dialogue in dialogues for acts in dialogue.acts]
    return np.array([[kind in acts for kind in HEARD] for acts in heard], dtype=np.bool_).reshape(-1, len(HEARD))


def _dialogue(name: str, utterances: Mapping[str, Mapping[str, object]]) -> Dialogue:
    ordered = sorted(utterances.values(), key=lambda utterance: int(str(utterance["utterance_pos"])))
    turns = list(_turns(ordered))
    codes = [frozenset(CODES[code] for code in turn if code in CODES) for _, turn in turns]
    return Dialogue(name, tuple(situation for situation, _ in turns), tuple(codes))


def _turns(utterances: Sequence[Mapping[str, object]]) -> Iterator[tuple[Situation, Sequence[str]]]:
    offered: dict[str, str] = {}
    named: set[str] = set()
    before, n_turns = "", 0
    for utterance in utterances:
        text = str(utterance["utterance_text"])
        titles = _titles(text)
        if utterance["role"] != "seeker":
            before = f"{before} {text}".strip()
            offered |= {number: name for number, name in titles.items() if number not in named}
            continue
        plain = _with_titles_marked(text, offered.values())
        yield (
            Situation(
                text=masked(plain),
                before=masked(before),
                n_turns=n_turns,
                is_offered=bool(_titles(before).keys() - named),
                was_offered=bool(offered),
                names_offered=bool(titles.keys() & offered.keys()) or plain != text,
                names_new=bool(titles.keys() - offered.keys() - named),
            ),
            [str(code) for code in _list(utterance["sub-intent/action"])],
        )
        named |= titles.keys()
        before, n_turns = "", n_turns + 1


def masked(text: str) -> str:
    """`text` with every title (`@123 <Heat (1995)>`) replaced by the word that stands for one."""
    return _TITLE.sub(f" {TITLE} ", text)


def _titles(text: str) -> dict[str, str]:
    return {match[1]: _YEAR.sub("", match[2] or "").strip() for match in _TITLE.finditer(text)}


def _with_titles_marked(text: str, names: Iterable[str]) -> str:
    """`text` with plain names of offered items marked as their titles are."""
    for name in names:
        if len(name) >= _MIN_NAME_CHARS:
            text = re.sub(rf"(?<![\w<@]){re.escape(name)}(?![\w>]| \()", "@0", text, flags=re.IGNORECASE)
    return text


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError(f"codes are {value!r}; they must be a list.")
    return value
