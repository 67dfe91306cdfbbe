"""A small shop of things and dialogues about them, made in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from llmrec.conversation.dialogues import read_dialogues
from llmrec.conversation.files import Row, read_items
from llmrec.conversation.voices import Training
from llmrec.data.catalogue import Catalogue

ITEMS = {
    "10": {"name": "Alien (1979)", "genre": ["horror", "sci-fi"], "plot": "A crew in space.", "star": ["Ann Weaver"]},
    "11": {"name": "Aliens (1986)", "genre": ["action", "sci-fi"], "plot": "More of them.", "star": ["Ann Weaver"]},
    "12": {"name": "Heat", "genre": ["crime"], "plot": "A robber.", "star": ["Bob Niro"]},
    "13": {"name": "Heat Wave (1990)", "genre": ["crime"], "plot": "Hot days.", "star": ["Bob Niro"]},
    "14": {"name": "Clue (1985)", "genre": ["comedy"], "plot": "Laughs in a house.", "star": []},
    "15": {"name": "Airport (1970)", "genre": ["comedy"], "plot": "Laughs in a plane.", "star": []},
}


def catalogue(directory: Path) -> Catalogue:
    path = directory / "items.json"
    path.write_text(json.dumps(ITEMS))
    return read_items(path)


def dialogue(name: str, *messages: tuple[str, str]) -> dict[str, object]:
    """In the official layout; `u` is who asks, `a` who recommends."""
    return {
        "conversationId": name,
        "initiatorWorkerId": 1,
        "respondentWorkerId": 2,
        "movieMentions": {"10": "Alien (1979)", "99": "Gone  (1999)"},
        "messages": [{"senderWorkerId": 1 if who == "u" else 2, "text": text} for who, text in messages],
    }


def scary(name: str) -> dict[str, object]:
    return dialogue(name, ("a", "hello"), ("u", "something scary like @10"), ("a", "then watch @11"), ("u", "and @14"))


def funny(name: str) -> dict[str, object]:
    return dialogue(name, ("u", "something funny please"), ("a", "try @14"), ("u", "seen it"), ("a", "or @15"))


def lines(path: Path, records: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def training(directory: Path, n_each: int = 6) -> Training:
    records = [make(f"{make.__name__}{n}") for n in range(n_each) for make in (scary, funny)]
    folder = directory / "training"
    folder.mkdir()
    lines(folder / "train.jsonl", records)
    items = catalogue(directory)
    return Training(items, read_dialogues(folder, items))


def row(name: str, *context: str, gold: Sequence[str] = ("Aliens (1986)",)) -> Row:
    return Row(name, context, tuple(gold))
