"""Histories as running text, learned with the retriever as teacher: the densest signal that prompts can carry.

Every token of every title is learned from, and where a title begins the target is not only the one that came next but
also what a retriever, fitted without these users, holds likely instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset as TorchDataset

from finetune.item_token_examples import pieces
from finetune.ranker_candidates import CandidatePlan, each_history, fitted_without
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_examples import Draw
from finetune.ranker_objectives import IGNORED, Batch, padded, said_by_decoder
from finetune.ranker_prompts import ListEncoder
from llmrec.retrieval.scoring import HistoryScorer, batches
from llmrec.types import Histories, ItemId

LESSONS = pa.schema(
    [
        ("user", pa.int32()),
        ("items", pa.list_(pa.int32())),
        ("best", pa.list_(pa.list_(pa.int32()))),
        ("shares", pa.list_(pa.list_(pa.float32()))),
        ("length", pa.int32()),
    ]
)
_Said = tuple[list[int], list[float]]
_USERS_AT_ONCE = 256
_N_BEST = 100  # of the teacher's items; what lies behind them is shared among too many to matter
_MASS_EVERY = 16  # of the tokens, one in so many is also asked for belief in what no title has


@dataclass(frozen=True, slots=True)
class Lesson:
    """A piece of a history.

    Attributes:
        item_ids: Oldest first.
        best: What the teacher held likely at each place, best first, as catalogue positions; empty where it was not
            asked.
        shares: How likely, float32 [n_best] at each place, sum 1.
    """

    item_ids: tuple[ItemId, ...]
    best: Sequence[NDArray[np.int32]]
    shares: Sequence[NDArray[np.float32]]


def lessons_of(data: RankerData, plan: CandidatePlan, config: RankerTraining) -> Iterator[Mapping[str, object]]:
    """Each user's history in pieces of at most two windows of `max_history` items.

    The newest `per_user` steps of each user have a teacher: a retriever fitted on other users alone, whose scores of
    all items that the user had not met yet are divided by `distill_temperature` before their softmax.
    """
    learned_from = data.training.validation.fit_on
    lengths = learned_from.histories().lengths
    taught = dict(_taught_steps(data, plan, config.distill_temperature)) if config.distill else {}
    silent: _Said = ([], [])
    begins: dict[int, int] = {}
    for piece in pieces(learned_from, 2 * config.max_history):
        user, items = cast(int, piece["user"]), cast(list[int], piece["items"])
        # The newest piece comes first, and each ends with the item that the one before began with.
        begin = begins.get(user, int(lengths[user]) - 1) + 1 - len(items)
        begins[user] = begin
        said = [taught.get((user, begin + place), silent) for place in range(len(items))]
        best, shares = zip(*said, strict=True)
        yield {"user": user, "items": items, "best": best, "shares": shares, "length": len(items)}


def _taught_steps(data: RankerData, plan: CandidatePlan, temperature: float) -> Iterator[tuple[tuple[int, int], _Said]]:
    """What the teacher says of each user's newest steps, by user and place in the history."""
    learned_from = data.training.validation.fit_on
    everyone = learned_from.histories()
    folds = np.random.default_rng(plan.seed).permutation(len(everyone)) % plan.folds
    for fold in range(plan.folds):
        own = folds == fold
        scorer = fitted_without(data, plan, learned_from.where(~own[learned_from.users]))
        for age in range(plan.per_user):
            users = np.flatnonzero(own & (everyone.lengths > age + 1))
            before = everyone.where(everyone.ages > age).of(users)
            for user, said in zip(users.tolist(), _said(scorer, before, temperature), strict=True):
                yield (user, int(everyone.lengths[user]) - 1 - age), said


def _said(scorer: HistoryScorer, before: Histories, temperature: float) -> Iterator[_Said]:
    for _, histories in batches(before, _USERS_AT_ONCE):
        table = scorer.score_histories(histories)
        for scores, seen in zip(table, each_history(histories), strict=True):
            logits = scores.astype(np.float64) / temperature
            logits[seen] = -np.inf
            best = np.argsort(-logits, kind="stable")[: min(_N_BEST, int(np.isfinite(logits).sum()))]
            shares = np.exp(logits[best] - logits[best[0]])
            yield best.tolist(), (shares / shares.sum()).tolist()


class LessonSet(TorchDataset[Lesson]):
    """The lessons of a file; each draw of a long one is another part of it."""

    def __init__(self, path: Path, ids: Sequence[ItemId], *, max_length: int, seed: int) -> None:
        """Map `path`, which `lessons_of` made over a catalogue of `ids`, into memory.

        Args:
            path: The file.
            ids: By position.
            max_length: Most items before the last one.
            seed: Of what is drawn.
        """
        self._rows = Dataset.from_file(str(path))
        self._ids = ids
        self._max_length = max_length
        self._seed = seed

    def __len__(self) -> int:
        """Number of lessons."""
        return len(self._rows)

    @property
    def lengths(self) -> Sequence[int]:
        """Items of each as it is drawn."""
        return [min(length, self._max_length + 1) for length in self._rows["length"]]

    def __getitem__(self, draw: Draw) -> Lesson:
        """One lesson as it is in that pass; the same draw always gives the same."""
        # As Python's own lists the teacher's numbers would take longer to read than the model takes to learn from them.
        row = self._rows.data.slice(draw.index, 1)
        items = _flat(row.column("items"))
        spare = max(0, len(items) - self._max_length - 1)
        begin = int(np.random.default_rng([self._seed, draw.epoch, draw.index]).integers(spare + 1))
        part = slice(begin, begin + self._max_length + 1)
        return Lesson(
            tuple(self._ids[item] for item in items[part].tolist()),
            _each_place(row.column("best"))[part],
            _each_place(row.column("shares"))[part],
        )


def _flat(column: pa.ChunkedArray) -> NDArray[Any]:
    """The values of a column's only list."""
    return np.asarray(column.combine_chunks().flatten())


def _each_place(column: pa.ChunkedArray) -> list[NDArray[Any]]:
    """The lists within a column's only list."""
    places = column.combine_chunks().flatten()
    return np.split(np.asarray(places.flatten()), np.cumsum(np.asarray(places.value_lengths()))[:-1])


class Likelihood:
    """Cross-entropy of every token of the titles of a list, among the tokens that titles have.

    Where a title begins, `distill` of the target is the teacher's. Beliefs in tokens that no title has cost extra, so
    that among all tokens of the model, as it serves, the same comes out.
    """

    def __init__(self, prompts: ListEncoder, *, distill: float, first_weight: float, pad_id: int) -> None:
        """Learn lists as `prompts` encodes them.

        Args:
            prompts: Encodes.
            distill: The teacher's share of the target, where it was asked.
            first_weight: What a title's first token counts beside any later one, which nearly follows from it.
            pad_id: Fills shorter rows.
        """
        self._prompts = prompts
        self._distill = distill
        self._first_weight = first_weight
        self._pad_id = pad_id

    def batch(self, examples: Sequence[Lesson]) -> Batch:
        """Lists padded at their end; `next` holds numbers among the titles' tokens, and the teacher's rows apart."""
        encoded = [self._prompts.encoded(example.item_ids) for example in examples]
        ids = padded([one.ids for one in encoded], self._pad_id)
        following = torch.full_like(ids, IGNORED)
        firsts, targets = [], []
        for row, (example, one) in enumerate(zip(examples, encoded, strict=True)):
            for title in one.titles:
                following[row, title.start - 1 : title.stop - 1] = self._prompts.numbers[
                    ids[row, title.start : title.stop]
                ]
                if len(best := example.best[title.place]):
                    firsts.append((row, title.start - 1))
                    numbers = self._prompts.first_numbers[best]
                    targets.append(np.bincount(numbers, example.shares[title.place], len(self._prompts.vocabulary)))
        return {
            "ids": ids,
            "next": following,
            "firsts": torch.tensor(firsts, dtype=torch.int64).reshape(-1, 2),
            "taught": torch.from_numpy(np.array(targets, np.float32).reshape(-1, len(self._prompts.vocabulary))),
            "n_tokens": torch.tensor(sum(len(one.ids) for one in encoded)),
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """-sum of target * log p(token), a weighted mean over tokens."""
        asked = batch["next"] != IGNORED
        numbers = torch.full(asked.shape, -1, device=asked.device)
        numbers[asked] = torch.arange(int(asked.sum()), device=asked.device)
        with said_by_decoder(model) as said:
            # Of the head only some rows are wanted, which are read below. One place by number: of a slice torch would
            # copy the whole head for each example.
            model(input_ids=batch["ids"], use_cache=False, logits_to_keep=batch["ids"].new_zeros(1))
        hidden, head = said.hidden[asked], said.head
        vocabulary = self._prompts.vocabulary.to(head.device)
        log_probs = functional.log_softmax(functional.linear(hidden, head[vocabulary]).float(), dim=-1)
        costs = functional.nll_loss(log_probs, batch["next"][asked], reduction="none")
        weights = torch.ones_like(costs)
        firsts = numbers[batch["firsts"][:, 0], batch["firsts"][:, 1]]
        if len(firsts):
            taught = -(batch["taught"] * log_probs[firsts]).sum(dim=-1)
            mixed = (1 - self._distill) * costs[firsts] + self._distill * taught
            costs = costs.index_copy(0, firsts, mixed)
            weights[firsts] = self._first_weight
        return (costs * weights).sum() / weights.sum() + _elsewhere(hidden[::_MASS_EVERY], head, vocabulary)


def _elsewhere(hidden: Tensor, head: Tensor, vocabulary: Tensor) -> Tensor:
    """-log of the belief in tokens of `vocabulary`, a mean over some places."""
    logits = functional.linear(hidden, head).float()
    return (logits.logsumexp(dim=-1) - logits[:, vocabulary].logsumexp(dim=-1)).mean()
