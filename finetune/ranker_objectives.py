"""What the ranking model learns: losses behind one protocol, alone or added up.

An objective turns examples into tensors, in any process, and the tensors into a loss, where the model is. It holds no
weights and no state, so what a step learns depends on its examples alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from transformers.modeling_outputs import BaseModelOutputWithPast

from finetune.ranker_examples import RankExample
from finetune.ranker_prompts import PromptEncoder
from llmrec.language_model.packed import pack

Batch = Mapping[str, Tensor]
IGNORED = -100  # what cross_entropy leaves out by default


class Objective(Protocol):
    """One thing to learn."""

    # Any: an objective has examples of its own kind.
    def batch(self, examples: Sequence[Any]) -> Batch:
        """The tensors of some examples; `n_tokens` among them says how many the model will read."""
        ...

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean loss of the examples, a scalar with its gradient."""
        ...


@dataclass(frozen=True)
class Targets:
    """What a slate's probabilities are to become.

    Attributes:
        distill: Share of the retriever's own order.
        temperature: Of that order's softmax over standardised scores.
    """

    distill: float = 0.0
    temperature: float = 1.0

    def of(self, examples: Sequence[RankExample]) -> Tensor:
        """float32 [n_examples, most candidates], rows that sum to 1, 0 beyond a slate's end."""
        targets = torch.zeros(len(examples), max(len(example.item_ids) for example in examples))
        for row, example in zip(targets, examples, strict=True):
            row[: len(example.item_ids)] = self.distill * self._teacher(torch.from_numpy(example.teacher))
            row[example.target] += 1 - self.distill
        return targets

    def _teacher(self, scores: Tensor) -> Tensor:
        spread = scores.std(correction=0)
        level = (scores - scores.mean()) / spread if spread > 0 else torch.zeros_like(scores)
        return torch.softmax(level / self.temperature, dim=0)


@dataclass(frozen=True)
class Listwise:
    """Cross entropy of the next token after the prompt, where only labels of the slate are right.

    It is the softmax over the labels plus what belief in anything but a label costs; with the first alone, nothing
    keeps the model answering.
    """

    prompts: PromptEncoder
    targets: Targets
    pad_id: int

    def batch(self, examples: Sequence[RankExample]) -> Batch:
        """Prompts padded at their end, which a causal model's answer position never sees."""
        encoded = [self.prompts.slate(example.query, example.item_ids) for example in examples]
        lengths = [len(slate.ids) for slate in encoded]
        return {
            "ids": padded([slate.ids for slate in encoded], self.pad_id),
            "ends": torch.tensor(lengths) - 1,
            "labels": padded([slate.label_ids for slate in encoded], 0),
            "targets": self.targets.of(examples),
            "n_tokens": torch.tensor(sum(lengths)),
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """-sum of target * log p(label), a mean over examples."""
        # Logits of a whole vocabulary are large: only positions where some prompt ends have them.
        kept, places = torch.unique(batch["ends"], return_inverse=True)
        logits = model(input_ids=batch["ids"], use_cache=False, logits_to_keep=kept).logits
        rows = torch.arange(len(places), device=places.device)
        log_probs = functional.log_softmax(logits[rows, places].float(), dim=-1)
        return -(batch["targets"] * log_probs.gather(1, batch["labels"])).sum(dim=1).mean()


@dataclass(frozen=True)
class Isolated:
    """Cross entropy of a softmax over the candidates' own scores, log-odds of yes, each read by itself.

    What belief in anything but yes and no costs is added, as for Listwise.

    Attributes:
        dtype: Of the mask that keeps candidates apart: that of the base's weights.
    """

    prompts: PromptEncoder
    targets: Targets
    pad_id: int
    dtype: torch.dtype

    def batch(self, examples: Sequence[RankExample]) -> Batch:
        """One row for each example: its prompt, then its candidates, which do not see each other."""
        encoded = [self.prompts.candidates(example.query, example.item_ids) for example in examples]
        packed = pack([ids.segments() for ids in encoded], pad_id=self.pad_id)
        return {
            "ids": packed.input_ids,
            "positions": packed.position_ids,
            "mask": packed.mask,
            "ends": packed.ends[:, 1:],  # the first segment is the prompt
            "shown": padded([[1] * len(ids.candidates) for ids in encoded], 0).bool(),
            "targets": self.targets.of(examples),
            "n_tokens": torch.tensor(sum(ids.n_tokens for ids in encoded)),
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """-sum of target * log softmax(score), and -log(p(yes) + p(no)) of every candidate; means over examples."""
        mask = torch.zeros(batch["mask"].shape, dtype=self.dtype, device=batch["mask"].device)
        mask.masked_fill_(~batch["mask"], torch.finfo(self.dtype).min)
        kept, places = torch.unique(batch["ends"], return_inverse=True)
        with _read_by_head(model) as read:
            every_logit: Tensor = model(
                input_ids=batch["ids"],
                position_ids=batch["positions"],
                attention_mask=mask,
                use_cache=False,
                logits_to_keep=kept,
            ).logits
        rows = torch.arange(len(places), device=places.device)[:, None]
        logits = every_logit[rows, places].float()
        answers = read.exact_logits(rows, places, [self.prompts.answers.yes_id, self.prompts.answers.no_id])
        unanswered = logits.logsumexp(dim=-1) - answers.logsumexp(dim=-1)
        scores = (answers[..., 0] - answers[..., 1]).masked_fill(~batch["shown"], -torch.inf)
        log_probs = torch.log_softmax(scores, dim=-1).masked_fill(~batch["shown"], 0.0)
        ranking = -(batch["targets"] * log_probs).sum(dim=1).mean()
        return torch.add(ranking, unanswered[batch["shown"]].mean())


@dataclass(frozen=True)
class HistoryLM:
    """Plain language modelling of what users met, in order: every token of every title is learned from."""

    prompts: PromptEncoder
    pad_id: int

    def batch(self, examples: Sequence[RankExample]) -> Batch:
        """Each history with what came next, as running text."""
        rows = [
            self.prompts.history([*example.query.history.item_ids, example.item_ids[example.target]])
            for example in examples
        ]
        return {
            "ids": padded(rows, self.pad_id),
            "next": padded([row[1:] for row in rows], IGNORED),
            "n_tokens": torch.tensor(sum(map(len, rows))),
        }

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """-log p(token | those before), a mean over tokens."""
        logits = model(input_ids=batch["ids"][:, :-1], use_cache=False).logits
        return functional.cross_entropy(logits.float().flatten(0, 1), batch["next"].flatten(), ignore_index=IGNORED)


@dataclass(frozen=True)
class Mixture:
    """Several objectives on the same examples, each worth its weight."""

    parts: Mapping[str, tuple[Objective, float]]

    def batch(self, examples: Sequence[RankExample]) -> Batch:
        """Every part's tensors under its name, as in `listwise.ids`."""
        batches = {name: objective.batch(examples) for name, (objective, _) in self.parts.items()}
        tensors = {f"{name}.{key}": value for name, batch in batches.items() for key, value in batch.items()}
        return tensors | {"n_tokens": torch.stack([batch["n_tokens"] for batch in batches.values()]).sum()}

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """The weighted sum."""
        losses = [
            weight * objective.loss(model, {key: batch[f"{name}.{key}"] for key in _keys_of(name, batch)})
            for name, (objective, weight) in self.parts.items()
        ]
        return torch.stack(losses).sum()


class _Read:
    """What a model's head was given, and the head."""

    def __init__(self, head: nn.Linear) -> None:
        self.head = head
        self.hidden = torch.empty(0)

    def note(self, _head: nn.Module, given: tuple[Tensor, ...]) -> None:
        """Called before the head is."""
        self.hidden = given[0]

    def exact_logits(self, rows: Tensor, places: Tensor, token_ids: Sequence[int]) -> Tensor:
        """Logits of some tokens in float32, [*places.shape, n_tokens], as serving reads them.

        In bfloat16 those near 20 lie 1/8 apart, and their difference is what is learned from.
        """
        with torch.autocast(self.hidden.device.type, enabled=False):
            bias = getattr(self.head, "bias", None)  # torch types it as never None
            return functional.linear(
                self.hidden[rows, places].float(),
                self.head.weight[list(token_ids)].float(),
                None if bias is None else bias[list(token_ids)].float(),
            )


@contextmanager
def _read_by_head(model: nn.Module) -> Iterator[_Read]:
    """Within, what the head reads is noted: whoever wraps the model to train it on many devices sees one plain call."""
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    head: nn.Linear = inner.get_output_embeddings()  # type: ignore[operator]
    read = _Read(head)
    hook = head.register_forward_pre_hook(read.note)
    try:
        yield read
    finally:
        hook.remove()


class Said:
    """What a model's layers said, and the weights of its head."""

    def __init__(self, head: Tensor) -> None:
        self.head = head
        self.hidden = torch.empty(0)

    def note(self, _decoder: nn.Module, _given: object, output: BaseModelOutputWithPast) -> None:
        """Called after the layers are."""
        assert output.last_hidden_state is not None, "a decoder says something"
        self.hidden = output.last_hidden_state


@contextmanager
def said_by_decoder(model: nn.Module) -> Iterator[Said]:
    """Within, what the layers say is noted, for losses that need more of it than the head reads."""
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    base = inner.get_base_model() if isinstance(inner, PeftModel) else inner
    said = Said(base.get_output_embeddings().weight)  # type: ignore[operator]
    decoder: nn.Module = base.base_model  # type: ignore[assignment]
    hook = decoder.register_forward_hook(said.note)
    try:
        yield said
    finally:
        hook.remove()


def padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    """int64 [n_rows, longest], `filler` at the end of shorter rows."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows], dtype=torch.int64)


def _keys_of(name: str, batch: Batch) -> list[str]:
    return [key.removeprefix(f"{name}.") for key in batch if key.startswith(f"{name}.")]
