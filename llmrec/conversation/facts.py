"""Voices that know items by their facts: kinds, people and numbers that fit what was spoken of, or what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from llmrec.conversation.companions import Company, LikeWhatWasNamed
from llmrec.conversation.phrases import Phrases
from llmrec.conversation.situations import Situation
from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.scoring import ScoreTable
from llmrec.retrieval.words import words
from llmrec.types import Item

MAX_KINDS = 64  # a fact with few values over the catalogue sorts items into kinds; one with many names somebody
_DECAY = 0.8
_LEAST_WORD_CHARS = 4
_UNKNOWN_NEARNESS = 0.2


def kinds_of(catalogue: Catalogue) -> NDArray[np.float32]:
    """1 where an item is of a kind, float32 [n_items, n_kinds]; kinds are values of facts that have few."""
    return _value_table(catalogue, [name for name, n in _n_values(catalogue).items() if n <= MAX_KINDS]).toarray()


def main_numbers(catalogue: Catalogue) -> NDArray[np.float32]:
    """The number that most items have (a year, a price), float32 [n_items]; nan where an item has none."""
    fields = [field for field in catalogue.fields.values() if field.kind == "number"]
    best = max(fields, key=lambda field: field.n_items, default=None)
    given = [item.facts.get(best.name) if best else None for item in catalogue.values()]
    return np.array([float(n) if isinstance(n, (int, float)) else np.nan for n in given], dtype=np.float32)


def alike_in_kind(catalogue: Catalogue) -> LikeWhatWasNamed:
    """Cosine of the kinds, rare ones more, with the mean of the items spoken of."""
    kinds = kinds_of(catalogue)
    weighted = kinds * np.log(len(kinds) / np.maximum(kinds.sum(axis=0), 1))
    norms = np.linalg.norm(weighted, axis=1, keepdims=True)
    return LikeWhatWasNamed(np.asarray(weighted / np.maximum(norms, 1e-6), dtype=np.float32))


def sharing_names(catalogue: Catalogue, *, max_kinds: int = MAX_KINDS) -> Company:
    """How many of the names in their facts items share with those spoken of: whoever made them or is in them."""
    named = _value_table(catalogue, [name for name, n in _n_values(catalogue).items() if n > max_kinds])
    return Company(sparse.csr_array(named @ named.T), is_count=True)


def sharing_title_words(catalogue: Catalogue) -> Company:
    """Long words that titles share, rare ones more: parts of a series."""
    said = [sorted({word for word in words(item.title) if _is_telling(word)}) for item in catalogue.values()]
    table = _table(said)
    rare = (1 / np.sqrt(np.maximum(np.asarray(table.sum(axis=0)).ravel(), 1))).astype(np.float32)
    scaled = table @ sparse.diags_array(rare)
    return Company(sparse.csr_array(scaled @ scaled.T))


class NamesSaid:
    """Items whose facts hold a name that was said, the more the later it was."""

    def __init__(self, catalogue: Catalogue, *, max_kinds: int = MAX_KINDS) -> None:
        """Know the names of two words or more in those facts of `catalogue` that have more values than kinds have."""
        many = [name for name, n in _n_values(catalogue).items() if n > max_kinds]
        holders: dict[str, list[int]] = {}
        for position, item in enumerate(catalogue.values()):
            for value in {value.casefold() for value in _values(item, many) if " " in value}:
                holders.setdefault(value, []).append(position)
        self._holders = holders
        self._phrases = Phrases(holders)
        self._n_items = len(catalogue)

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Each mention of a name adds `decay` ** turns since then."""
        table = np.zeros((len(situations), self._n_items), dtype=np.float32)
        for row, situation in enumerate(situations):
            for age, text in enumerate(reversed(situation.wishes)):
                for name, _, _ in self._phrases.found_in(text.casefold()):
                    table[row, self._holders[name]] += _DECAY**age
        return table


class NearNumbers:
    """How near an item's number (a year, a price) is to those of the items spoken of."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compare the number that most items of `catalogue` have."""
        self._numbers = main_numbers(catalogue)
        known = self._numbers[~np.isnan(self._numbers)]
        # Half of the items lie within this: what is far is a matter of the catalogue.
        self._scale = max(float(np.subtract(*np.quantile(known, [0.75, 0.25]))) / 2, 1e-6) if len(known) else 1.0

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        """Mean of exp(-distance / scale); 0 throughout where no number is known of the items spoken of."""
        table = np.zeros((len(situations), len(self._numbers)), dtype=np.float32)
        for row, situation in enumerate(situations):
            spoken = self._numbers[list(situation.items)]
            spoken = spoken[~np.isnan(spoken)]
            if len(spoken):
                near = np.exp(-np.abs(self._numbers - spoken[:, None]) / self._scale).mean(axis=0)
                table[row] = np.nan_to_num(near, nan=_UNKNOWN_NEARNESS)
        return table


def _n_values(catalogue: Catalogue) -> Mapping[str, int]:
    """How many different values each fact with lists or texts has."""
    return {name: len(field.values) for name, field in catalogue.fields.items() if field.kind in {"list", "text"}}


def _values(item: Item, fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        value = item.facts.get(name)
        if isinstance(value, tuple):
            yield from value
        elif isinstance(value, str):
            yield value


def _value_table(catalogue: Catalogue, fields: Sequence[str]) -> sparse.csr_array:
    return _table([sorted(set(_values(item, fields))) for item in catalogue.values()])


def _table(groups: Sequence[Sequence[str]]) -> sparse.csr_array:
    """1 where a group holds a text, float32 [n_groups, n_texts]."""
    numbers = {text: number for number, text in enumerate(dict.fromkeys(text for group in groups for text in group))}
    rows = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    columns = np.array([numbers[text] for group in groups for text in group], dtype=np.int64)
    return sparse.csr_array((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(groups), len(numbers)))


def _is_telling(word: str) -> bool:
    return len(word) >= _LEAST_WORD_CHARS and not word.isdigit()
