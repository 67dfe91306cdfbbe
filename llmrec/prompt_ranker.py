"""Prompt-based ranking without a catalogue: a language model, a history and some items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError, DataError, ModelError
from llmrec.interfaces import ItemReader, LabelScorer
from llmrec.models import load_language_model
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.templates import PromptLibrary, PromptTemplate
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.settings import Settings
from llmrec.types import Candidate, FactValue, History, Interaction, Item, ItemId, Query, Ranking, UserId

ItemLike = str | Mapping[str, object]
"""A title, or a mapping with `title` and maybe `item_id`, `description` and any facts."""

_SOMEBODY = UserId("")
_NOT_FACTS = ("item_id", "title", "description")


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One item of the answer.

    Attributes:
        item_id: As given, else the title.
        score: Log-probability of the item's label, higher is better; comparable within one call.
        rank: From 1.
        label_mass: Share of the model's belief that all labels got, in [0, 1]; the same for every item of a call.
    """

    item_id: str
    title: str
    score: float
    rank: int
    label_mass: float


class PromptRanker:
    """Ranks any items for any history with a language model."""

    def __init__(self, scorer: LabelScorer, *, timeout_s: float = 120.0) -> None:
        """Rank with `scorer`, which may take `timeout_s` seconds a call."""
        self._scorer = scorer
        self._timeout_s = timeout_s

    @classmethod
    def from_pretrained(cls, path_or_id: str | Path, *, device: str | None = None, adapter: Path | None = None) -> Self:
        """Rank with a model: a directory, an asset as `llmrec data list` names it, or a hub id. Raises LLMRecError."""
        wanted = {"model": str(path_or_id), "device": device or "auto", "adapter": str(adapter or "")}
        settings = Settings.from_mapping({"language_model": wanted}).language_model
        scorer = load_language_model(settings, AssetStore.from_environment())
        if scorer is None:
            raise ConfigError(f"{path_or_id} is no model to rank with.", hint="Name a directory, an asset or a hub id.")
        if isinstance(scorer, ItemReader) and scorer.reads_items:
            raise ConfigError(f"the adapter {adapter} knows one catalogue's items, not prompts.", hint="Leave it out.")
        return cls(scorer)

    def rank(
        self,
        history: Sequence[ItemLike],
        items: Sequence[ItemLike],
        *,
        prompt: str | Path | None = None,
        top_k: int | None = None,
    ) -> list[RankedItem]:
        """`items`, best first, for somebody with this `history` (oldest first).

        Args:
            history: What was liked or used before; may be empty.
            items: What to rank; all are shown to the model in one prompt.
            prompt: A template's text or file with the inputs of `prompts/rank.jinja`, `items` at least; the packaged
                one when None.
            top_k: How many to return; all when None.

        Raises:
            ConfigError: `top_k` or `prompt` is wrong.
            DataError: An item has no title, or an id stands twice.
            ModelError: The model failed, or the items do not fit into its prompt.
        """
        if top_k is not None and top_k < 1:
            raise ConfigError(f"top_k is {top_k}; it must be at least 1.")
        if not items:
            return []
        shown = [_item(row, f"item {n}") for n, row in enumerate(items)]
        given_ids = _given_ids(items, shown)
        past = [_item(row, f"history {n}") for n, row in enumerate(history)]
        ranking = self._ranking(past, shown, RankPrompt(_template(prompt)))
        titles = {item.id: item.title for item in shown}
        rows = zip(ranking.item_ids, ranking.scores, strict=True)
        ranked = [
            RankedItem(given_ids[item_id], titles[item_id], score, rank, ranking.report.label_mass)
            for rank, (item_id, score) in enumerate(rows, start=1)
        ]
        return ranked[:top_k]

    def _ranking(self, past: Sequence[Item], shown: Sequence[Item], prompt: RankPrompt) -> Ranking:
        limits = ListwiseLimits(
            max_slate=len(shown),
            max_prompt_tokens=self._scorer.max_prompt_tokens,
            min_label_mass=0.0,
            timeout_s=self._timeout_s,
        )
        ranker = ListwiseRanker(self._scorer, prompt, Catalogue([*past, *shown]), limits=limits)
        query = Query(history=History(tuple(Interaction(_SOMEBODY, item.id) for item in past)))
        ranking = ranker.rank(query, [Candidate(item.id, 0.0, "given") for item in shown])
        if ranking.report.degraded:
            raise ModelError(ranking.report.degraded)
        return ranking


def _template(prompt: str | Path | None) -> PromptTemplate:
    if prompt is None:
        return PromptLibrary.load()["rank"]
    return PromptTemplate.from_file(prompt) if isinstance(prompt, Path) else PromptTemplate.from_text("own", prompt)


def _item(row: ItemLike, item_id: str) -> Item:
    """The item behind `row`, under an id of ours: an item may stand in the history and among the candidates."""
    fields = {"title": row} if isinstance(row, str) else row
    title = fields.get("title")
    if not isinstance(title, str) or not title.strip():
        raise DataError(f"{item_id} is {row!r}; an item is a title, or a mapping with a title.")
    facts = {name: _fact(value) for name, value in fields.items() if name not in _NOT_FACTS and value is not None}
    return Item(ItemId(item_id), title, facts, str(fields.get("description") or ""))


def _fact(value: object) -> FactValue:
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _given_ids(rows: Sequence[ItemLike], items: Sequence[Item]) -> Mapping[ItemId, str]:
    given: dict[ItemId, str] = {}
    for row, item in zip(rows, items, strict=True):
        own = None if isinstance(row, str) else row.get("item_id")
        given[item.id] = item.title if own is None else str(own)
    if len(set(given.values())) < len(given):
        raise DataError("an item stands twice among those to rank.", hint="Give each its own item_id.")
    return given
