"""Running commands in this process, on a small shop that needs no weights."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions

LIGHT = ("--set", "encoder.model=hashing", "--set", "language_model.model=none")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Outcome(code, captured.out, captured.err)


def write_tables(directory: Path, films: Catalogue, interactions: Interactions) -> tuple[Path, Path]:
    items, events = directory / "items.csv", directory / "interactions.csv"
    with items.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "title", "year", "genres", "description"])
        for film in films.values():
            genres = "|".join(film.facts["genres"])
            writer.writerow([film.id, film.title, film.facts["year"], genres, film.description])
    with events.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        for user_id in interactions.user_ids:
            for row in interactions.history(user_id).interactions:
                writer.writerow([user_id, row.item_id, row.value, row.at])
    return items, events
