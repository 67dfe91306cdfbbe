"""Fits an adapter to answers: what prompts begin with is read once, and the loss is over answers' tokens alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from finetune.ranker_config import RankerTraining
from finetune.time_limit import TimeLimit
from finetune.training_file import TrainingFile
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.packed import Packed, Segment, pack
from llmrec.types import Prompt


class AnswerTraining(TrainingFile):
    """How the steps are taken, in every configuration of such a run.

    Attributes:
        base: What is fine-tuned: an asset's name, a directory, or a hub id.
        dtype: Of the base's weights and of the arithmetic; `fast` is bfloat16 also on CPUs that have AMX.
        rank: Of the adapter's matrices; their scale is `alpha / rank`.
        top_layers: How many of the last layers are adapted; 0 adapts all.
        steps: Of the optimiser.
        warmup: Share of the steps in which the learning rate rises; it then falls as a cosine.
        evaluations: How often it is validated, evenly spread; the weights of the best are kept.
        keep_by: Which is the best: `exact`, of most answers exactly right, or `loss`, where one thing may be said in
            many ways.
    """

    base: str = "smollm2-135m-instruct"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    dtype: Literal["auto", "fast", "float32", "bfloat16"] = "auto"
    seed: int = Field(0, ge=0)
    rank: int = Field(12, ge=1, le=256)
    alpha: int = Field(24, ge=1, le=512)
    top_layers: int = Field(0, ge=0)
    steps: int = Field(900, ge=1)
    learning_rate: float = Field(8e-4, gt=0, le=1, allow_inf_nan=False)
    warmup: float = Field(0.05, ge=0, lt=1)
    evaluations: int = Field(8, ge=1)
    keep_by: Literal["exact", "loss"] = "exact"

    def of_model(self) -> RankerTraining:
        """What concerns the model alone, for who loads and adapts it."""
        names = ("base", "device", "dtype", "seed", "rank", "alpha", "top_layers")
        return RankerTraining.model_validate({name: getattr(self, name) for name in names} | {"mode": "listwise"})


@dataclass(frozen=True)
class Batch:
    """Rows of prompts that begin alike, and the tokens of their answers.

    Attributes:
        rows: int64 [n_answer_tokens], each one's row.
        columns: int64 [n_answer_tokens]; what the model says there is about the next token.
        tokens: int64 [n_answer_tokens], the next one's id.
        owners: int64 [n_answer_tokens], number of the prompt.
    """

    packed: Packed
    rows: torch.Tensor
    columns: torch.Tensor
    tokens: torch.Tensor
    owners: torch.Tensor


def answer_batch(rows: Sequence[Sequence[tuple[Prompt, str]]], chat: ChatEncoding, *, end_id: int) -> Batch:
    """A row of tokens for each of `rows`: what its prompts begin with once, then the rest of each with its answer."""
    segments: list[list[Segment]] = []
    answers: list[list[list[int]]] = []
    for pairs in rows:
        asked = [chat.ids(prompt) for prompt, _ in pairs]
        n_shared = _n_shared(asked)
        said = [[*ids, end_id] for ids in chat.text_ids([answer for _, answer in pairs])]
        own = [Segment([*ids[n_shared:], *ends], after=0) for ids, ends in zip(asked, said, strict=True)]
        segments.append([Segment(asked[0][:n_shared]), *own])
        answers.append(said)
    packed = pack(segments)
    row, column, owner = torch.tensor(list(_spots(packed, answers))).T
    return Batch(packed, row, column, packed.input_ids[row, column + 1], owner)


class AnswerTrainer:
    """Fits the adapter of one model."""

    def __init__(self, model: nn.Module, config: AnswerTraining, device: torch.device, *, what: str) -> None:
        """Train the weights of `model` that require gradients; `what` is learned stands beside the bar."""
        self._model = model
        self._whole = cast(nn.Module, model.get_base_model())  # type: ignore[operator]
        self._config = config
        self._device = device
        self._what = what
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def fit(
        self, draw: Callable[[], Batch], validation: Sequence[Batch], *, limit: TimeLimit
    ) -> Iterator[dict[str, float | int]]:
        """Take the steps; yields a line of metrics at each validation, and leaves the best weights in the model."""
        config = self._config
        optimiser = torch.optim.AdamW(self._trained, lr=config.learning_rate, weight_decay=0.01)
        best, kept, losses = -math.inf, self._copy(), list[float]()
        began, n_validated = time.monotonic(), 0
        for step in tqdm(range(1, config.steps + 1), desc=self._what, unit="step"):
            # A run that is bounded by time anneals as one that is bounded by steps.
            done = min(1.0, max(step / config.steps, (time.monotonic() - began) / (limit.until - began)))
            losses.append(self._step(optimiser, draw(), done))
            if done * config.evaluations < n_validated + 1:
                continue
            exact, loss = self.validate(validation)
            n_validated += 1
            if (good := exact if config.keep_by == "exact" else -loss) > best:
                best, kept = good, self._copy()
            yield {
                "step": step, "loss": round(float(np.mean(losses)), 4), "validation_loss": round(loss, 4),
                "validation_exact": round(exact, 4), "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip
            losses.clear()
            if done >= 1:
                break
        with torch.no_grad():
            for parameter, weights in zip(self._trained, kept, strict=True):
                parameter.copy_(weights)

    def validate(self, batches: Sequence[Batch]) -> tuple[float, float]:
        """Share of prompts of whose answer every token is the likeliest, and the mean loss of a token."""
        exact: list[float] = []
        losses: list[float] = []
        self._model.eval()
        with torch.inference_mode():
            for batch in batches:
                logits = self._logits(batch)
                losses.append(float(functional.cross_entropy(logits, batch.tokens.to(self._device))))
                wrong = (logits.argmax(dim=-1).cpu() != batch.tokens).long()
                n_wrong = torch.zeros(int(batch.owners.max()) + 1, dtype=torch.int64).index_add(0, batch.owners, wrong)
                exact += (n_wrong == 0).float().tolist()
        self._model.train()
        return float(np.mean(exact)), float(np.mean(losses))

    def _step(self, optimiser: torch.optim.Optimizer, batch: Batch, done: float) -> float:
        for group in optimiser.param_groups:
            group["lr"] = self._config.learning_rate * _rate(done, self._config.warmup)
        loss = functional.cross_entropy(self._logits(batch), batch.tokens.to(self._device))
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not say
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        return float(loss.detach())

    def _logits(self, batch: Batch) -> torch.Tensor:
        """Of every answer token, float32 [n_answer_tokens, n_vocabulary]."""
        packed = batch.packed.to(self._device)
        decoder, head = self._whole.get_decoder(), self._whole.get_output_embeddings()  # type: ignore[operator]
        hidden = decoder(
            input_ids=packed.input_ids,
            attention_mask=packed.additive_mask(head.weight.dtype),
            position_ids=packed.position_ids,
            use_cache=False,
        ).last_hidden_state
        return cast(torch.Tensor, head(hidden[batch.rows, batch.columns])).float()

    def _copy(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self._trained]


def _rate(done: float, warmup: float) -> float:
    """Share of the learning rate when the share `done` of a run is over: up in a line, down as a cosine."""
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _n_shared(rows: Sequence[Sequence[int]]) -> int:
    """Tokens with which all rows begin, less than any of them has."""
    shortest = min(map(len, rows)) - 1
    return next((n for n in range(shortest) if len({row[n] for row in rows}) > 1), shortest)


def _spots(packed: Packed, answers: Sequence[Sequence[Sequence[int]]]) -> Iterator[tuple[int, int, int]]:
    """Row, column before each answer token, and number of the prompt."""
    ends = packed.ends.tolist()
    owner = 0
    for row, said in enumerate(answers):
        for place, ids in enumerate(said, start=1):
            for column in range(ends[row][place] - len(ids), ends[row][place]):
                yield row, column, owner
            owner += 1
