"""What each stage reaches on rows of conversations, where gold items are new and where they may have been mentioned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from llmrec.conversation.files import Row
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.situations import Situation, situation_of
from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.evaluation.conversation_metrics import gold_metrics, over_dialogues, rank_of
from llmrec.evaluation.estimates import Estimate
from llmrec.retrieval.scoring import ScoreTable

Scope = Literal["new_only", "all"]
SCOPES: tuple[Scope, ...] = ("new_only", "all")
_BATCH = 128
_SEED = 0


class ConversationStage(Protocol):
    """Scores the catalogue for situations."""

    def scores(self, situations: Sequence[Situation], dialogues: Sequence[str]) -> ScoreTable:
        """float32 [n_situations, n_items], higher is better; `dialogues` says whose each situation is."""
        ...


@dataclass(frozen=True, slots=True)
class GoldItem:
    """One name that was to be found.

    Attributes:
        row: Number of its row, from 0.
        dialogue: Number of its dialogue, from 0.
        name: As the row spells it.
        is_new: Whether it had not been mentioned.
        twins: Positions of the items called so; none where the catalogue has no such name.
    """

    row: int
    dialogue: int
    name: str
    is_new: bool
    twins: tuple[int, ...]


@dataclass(frozen=True)
class ConversationResult:
    """What stages reached.

    Attributes:
        rows: What was asked.
        gold: Of all rows, in their order.
        ranks: By scope and stage, float64 [n_gold]; inf where it was never found, nan where the scope leaves it out.
    """

    rows: tuple[Row, ...]
    gold: tuple[GoldItem, ...]
    ranks: Mapping[Scope, Mapping[str, NDArray[np.float64]]]

    def estimates(self, scope: Scope) -> Mapping[str, Mapping[str, Estimate]]:
        """By stage and metric."""
        dialogues = np.array([gold.dialogue for gold in self.gold])
        found = {}
        for stage, ranks in self.ranks[scope].items():
            counted = ~np.isnan(ranks)
            found[stage] = over_dialogues(gold_metrics(ranks[counted]), dialogues[counted], seed=_SEED)
        return found

    def to_json(self) -> dict[str, object]:
        """Numbers of rows and gold names, and for each scope, stage and metric the mean and its interval."""
        numbers: dict[str, object] = {
            scope: {
                stage: {name: {"mean": found.mean, "ci95": list(found.ci95)} for name, found in estimates.items()}
                for stage, estimates in self.estimates(scope).items()
            }
            for scope in SCOPES
        }
        return {"rows": len(self.rows), "gold": len(self.gold), **numbers}

    def per_row(self) -> Iterator[dict[str, object]]:
        """One record for each row: the rank of each gold name by scope and stage; null where it was never found."""
        of_row: list[list[dict[str, object]]] = [[] for _ in self.rows]
        for number, gold in enumerate(self.gold):
            ranks = {
                scope: {stage: _json_rank(values[number]) for stage, values in self.ranks[scope].items()}
                for scope in SCOPES
                if gold.is_new or scope == "all"
            }
            of_row[gold.row].append({"name": gold.name, "is_new": gold.is_new, "ranks": ranks})
        for row, found in zip(self.rows, of_row, strict=True):
            yield {"dialogue": row.dialogue, "gold": found}


def evaluate_rows(
    rows: Sequence[Row],
    catalogue: Catalogue,
    stages: Mapping[str, ConversationStage],
    *,
    advance: Callable[[int], object] = lambda n_rows: None,
) -> ConversationResult:
    """Rank every gold item of `rows` with each stage.

    `new_only` asks for items that had not been mentioned, and ranks only such items; `all` asks for all among all.
    Other gold items of the row stay among the competitors.

    Args:
        rows: Not empty.
        catalogue: What is ranked.
        stages: By name.
        advance: Is told how many rows more are done.

    Raises:
        DataError: No gold name is in the catalogue, or a score is nan.
    """
    names = ItemNames(catalogue)
    situations = [situation_of(row, names) for row in rows]
    gold = _gold_items(rows, situations, names)
    if not any(item.twins for item in gold):
        raise DataError(
            f"none of the {len(gold)} gold names is in the catalogue, e.g. {gold[0].name!r}.",
            hint="Names must be spelled exactly as in the catalogue.",
        )
    board = _Board(gold, tuple(stages), len(rows))
    for start in range(0, len(rows), _BATCH):
        batch = range(start, min(start + _BATCH, len(rows)))
        asked = [situations[row] for row in batch]
        barred = [_with_twins(situation.items, catalogue, names) for situation in asked]
        for stage, scorer in stages.items():
            table = scorer.scores(asked, [rows[row].dialogue for row in batch])
            for place, row in enumerate(batch):
                board.enter(row, stage, table[place], barred[place])
        advance(len(batch))
    return ConversationResult(tuple(rows), gold, board.ranks)


class _Board:
    """Where the rank of each gold item is written down."""

    def __init__(self, gold: Sequence[GoldItem], stages: Sequence[str], n_rows: int) -> None:
        self.ranks: dict[Scope, dict[str, NDArray[np.float64]]] = {
            scope: {stage: np.full(len(gold), np.nan) for stage in stages} for scope in SCOPES
        }
        self._gold = gold
        self._of_row: list[list[int]] = [[] for _ in range(n_rows)]
        for number, item in enumerate(gold):
            self._of_row[item.row].append(number)

    def enter(self, row: int, stage: str, scores: NDArray[np.float32], barred: Sequence[int]) -> None:
        """The ranks of one row's gold items; `barred` are positions that `new_only` does not rank."""
        unspoken = scores.copy()
        unspoken[list(barred)] = -np.inf
        for number in self._of_row[row]:
            item = self._gold[number]
            self.ranks["all"][stage][number] = _rank(scores, item)
            if item.is_new:
                self.ranks["new_only"][stage][number] = _rank(unspoken, item)


def _gold_items(rows: Sequence[Row], situations: Sequence[Situation], names: ItemNames) -> tuple[GoldItem, ...]:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(row.dialogue for row in rows))}
    found = []
    for number, (row, situation) in enumerate(zip(rows, situations, strict=True)):
        mentioned = set(situation.items)
        for name in row.gold:
            twins = names.twins(name)
            found.append(GoldItem(number, numbers[row.dialogue], name, mentioned.isdisjoint(twins), twins))
    return tuple(found)


def _with_twins(items: Sequence[int], catalogue: Catalogue, names: ItemNames) -> list[int]:
    return [twin for item in items for twin in names.twins(catalogue[catalogue.ids[item]].title)]


def _rank(scores: NDArray[np.float32], item: GoldItem) -> float:
    return rank_of(scores, item.twins) if item.twins else float("inf")


def _json_rank(rank: float) -> float | None:
    return rank if np.isfinite(rank) else None
