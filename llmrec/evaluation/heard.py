"""Rankers that are asked each thing once: what they said is remembered, and kept on disk for the next run."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmrec.errors import ArtifactError
from llmrec.interfaces import Ranker
from llmrec.types import Candidate, ItemId, Query, Ranking, RankReport

_ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Heard:
    """A ranking that a model made, and the seconds it took."""

    ranking: Ranking
    seconds: float


class AnswerLog:
    """Answers of one ranker in a file of JSON lines; what is added once is found by whoever opens the file later."""

    def __init__(self, path: Path, *, about: Mapping[str, object]) -> None:
        """Open or begin the file.

        Args:
            path: Its name has to tell apart whatever could answer otherwise.
            about: Whose answers they are, for a reader; it becomes the first line.

        Raises:
            ArtifactError: It cannot be read or made.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        except OSError as error:
            raise ArtifactError(f"answers cannot be kept in {path}: {error.strerror or error}.") from error
        # A run that was killed may have left half a line; the next one must not be glued to it.
        self._is_cut = bool(text) and not text.endswith("\n")
        self._heard = dict(filter(None, map(_parsed, text.split("\n"))))
        if not text:
            self._append({_ABOUT: dict(about)})

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._heard)

    def find(self, key: str) -> Heard | None:
        """What is kept under `key`; None when there is nothing, or nothing whole."""
        return self._heard.get(key)

    def add(self, key: str, heard: Heard) -> None:
        """Keep an answer. Raises ArtifactError when the disk does not take it."""
        self._append({"key": key, **_values(heard)})
        self._heard[key] = heard

    def _append(self, values: Mapping[str, object]) -> None:
        line = "\n" * self._is_cut + json.dumps(values, allow_nan=False) + "\n"
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise ArtifactError(
                f"answers cannot be kept in {self._path}: {error.strerror or error}.",
                hint="Free space, or name another directory.",
            ) from error
        self._is_cut = False


class HeardRanker:
    """A ranker for queries that are a history and nothing else; the same query and slate are asked once.

    Attributes:
        owed_s: What to add to a clock that ran while it was asked: the seconds that remembered answers had taken, less
            those that went into making the ranker.
    """

    def __init__(self, make: Callable[[], Ranker], log: AnswerLog | None = None) -> None:
        """Make the ranker when there is something to ask it; answers are looked up and kept in `log`."""
        self._make = make
        self._log = log
        self._ranker: Ranker | None = None
        self._heard: dict[str, Heard] = {}
        self.owed_s = 0.0

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """The ranker's ranking. What a model failed at is not kept on disk: another run may have more luck."""
        key = _key(query, candidates)
        known = self._heard.get(key) or (self._log.find(key) if self._log else None)
        if known is not None:
            self.owed_s += known.seconds
        else:
            known = self._asked(query, candidates)
            if self._log is not None and known.ranking.report.lm_scores:
                self._log.add(key, known)
        self._heard[key] = known
        return known.ranking

    def _asked(self, query: Query, candidates: Sequence[Candidate]) -> Heard:
        ranker = self._ranker or self._made()
        started = time.perf_counter()
        ranking = ranker.rank(query, candidates)
        return Heard(ranking, time.perf_counter() - started)

    def _made(self) -> Ranker:
        started = time.perf_counter()
        self._ranker = self._make()
        self.owed_s -= time.perf_counter() - started
        return self._ranker


def _key(query: Query, candidates: Sequence[Candidate]) -> str:
    """What a ranker is told of user and slate, as sha256 in 32 digits."""
    asked = json.dumps([query.positive_item_ids, [candidate.item_id for candidate in candidates]])
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _values(heard: Heard) -> Mapping[str, object]:
    ranking, report = heard.ranking, heard.ranking.report
    return {
        "items": ranking.item_ids,
        "scores": ranking.scores,
        "lm_scores": dict(report.lm_scores),
        "model": report.model,
        "adapter": report.adapter,
        "prompt_hash": report.prompt_hash,
        "label_mass": _or_none(report.label_mass),
        "order_flip_rate": _or_none(report.order_flip_rate),
        "seconds": heard.seconds,
    }


def _parsed(text: str) -> tuple[str, Heard] | None:
    try:
        line = json.loads(text)
        report = RankReport(
            model=str(line["model"]),
            adapter=str(line["adapter"]),
            prompt_hash=str(line["prompt_hash"]),
            label_mass=_or_nan(line["label_mass"]),
            lm_scores={ItemId(item_id): float(score) for item_id, score in line["lm_scores"].items()},
            order_flip_rate=_or_nan(line["order_flip_rate"]),
        )
        item_ids = tuple(map(ItemId, line["items"]))
        ranking = Ranking(item_ids, tuple(map(float, line["scores"])), "lm+retrieval", report)
        return str(line["key"]), Heard(ranking, float(line["seconds"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
