"""Training the conversation encoder: a projection of frozen vectors, so that what was said lies beside what fits.

The text encoder itself stays as it is: a thousand dialogues teach a projection, not a language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from finetune.training_file import TrainingFile
from llmrec.conversation.encoder import PRIOR_NAMED, PRIOR_SAYINGS, EncoderInputs, Projection
from llmrec.conversation.voices import Training


class EncoderTraining(TrainingFile):
    """How the projection is learned.

    Attributes:
        base: The text encoder whose vectors are projected: an asset's name, a directory, or a hub id.
        n_out: Length of the projected vectors.
        epochs: Passes over the lessons.
        batch_size: Lessons per step.
        n_rivals: Items never named that each answer competes with, beside all that are; drawn for each step.
        learning_rate: Of AdamW; it falls to 0.
        weight_decay: Of AdamW.
        dropout: Share of the inputs left out in a step.
        scale: Of the inner products at the start.
        seed: Of all that is drawn.
    """

    base: str = "all-MiniLM-L6-v2"
    device: str = "auto"
    n_out: int = Field(64, ge=1)
    epochs: int = Field(20, ge=1)
    batch_size: int = Field(512, ge=1)
    n_rivals: int = Field(500, ge=0)
    learning_rate: float = Field(2e-3, gt=0, lt=1)
    weight_decay: float = Field(0.05, ge=0)
    dropout: float = Field(0.3, ge=0, lt=1)
    scale: float = Field(3.0, gt=0)
    seed: int = Field(0, ge=0)


@dataclass(frozen=True)
class Lessons:
    """Pairs of a situation and an item that was named next.

    Attributes:
        queries: float32 [n, 2 * dim].
        answers: int64 [n], catalogue positions.
        answer_inputs: float32 [n, 2 * dim], the answer's as if its dialogue had never been.
        answer_priors: float32 [n], log of the answer's prior, likewise.
        trust: float32 [n], how much each pair counts.
    """

    queries: NDArray[np.float32]
    answers: NDArray[np.int64]
    answer_inputs: NDArray[np.float32]
    answer_priors: NDArray[np.float32]
    trust: NDArray[np.float32]


def lessons_of(training: Training, inputs: EncoderInputs) -> Lessons:
    """All pairs of `training`; what an answer's own dialogue says of it is taken out, or it would be copied."""
    situations = [lesson.situation for lesson in training.lessons]
    queries = inputs.queries(situations)
    dim = inputs.documents.shape[1]
    rows = np.array([row for row, lesson in enumerate(training.lessons) for _ in lesson.new_items], dtype=np.int64)
    answers = np.array([item for lesson in training.lessons for item in lesson.new_items], dtype=np.int64)
    # An item is new to a dialogue only once, so its own saying is one.
    sayings = inputs.sayings[answers] - queries[rows, :dim]
    means = sayings / (inputs.n_sayings[answers] - 1 + PRIOR_SAYINGS)[:, None]
    return Lessons(
        queries=queries[rows],
        answers=answers,
        answer_inputs=np.concatenate([inputs.documents[answers], means], axis=1).astype(np.float32),
        answer_priors=np.log(inputs.n_named[answers] - 1 + PRIOR_NAMED).astype(np.float32),
        trust=training.trust[rows],
    )


def trained_projection(lessons: Lessons, inputs: EncoderInputs, config: EncoderTraining) -> Projection:
    """The projection under which the answers are most likely among all items that were ever named, and some others."""
    rng = np.random.default_rng(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    items, priors = torch.from_numpy(inputs.items()), torch.from_numpy(np.log(inputs.n_named + PRIOR_NAMED))
    start = torch.from_numpy(_start(inputs, config.n_out)) * config.scale**0.5
    queries, documents = start.clone().requires_grad_(), start.clone().requires_grad_()
    optimizer = torch.optim.AdamW([queries, documents], lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(lessons.answers) // config.batch_size)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    for batch in _batches(len(lessons.answers), config, rng):
        rivals = _rivals(inputs.n_named, config.n_rivals, rng)
        asked = _dropped(torch.from_numpy(lessons.queries[batch]), config.dropout, generator) @ queries
        logits = asked @ (items[rivals] @ documents).T + priors[rivals]
        is_answer = torch.from_numpy(rivals[None, :] == lessons.answers[batch][:, None])
        own = (asked * (torch.from_numpy(lessons.answer_inputs[batch]) @ documents)).sum(dim=1)
        own = own + torch.from_numpy(lessons.answer_priors[batch])
        total = torch.logsumexp(torch.cat([logits.masked_fill(is_answer, float("-inf")), own[:, None]], dim=1), dim=1)
        trust = torch.from_numpy(lessons.trust[batch])
        loss = (trust * (total - own)).sum() / trust.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return Projection(queries.detach().numpy(), documents.detach().numpy())


def _start(inputs: EncoderInputs, n_out: int) -> NDArray[np.float32]:
    """The main directions of the documents, for both halves of what is read: an inner product is then a likeness."""
    centred = inputs.documents - inputs.documents.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    main = directions[:, ::-1][:, :n_out]
    return np.concatenate([main, main]).astype(np.float32)


def _batches(n: int, config: EncoderTraining, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    for _ in range(config.epochs):
        order = rng.permutation(n)
        yield from (order[start : start + config.batch_size] for start in range(0, n, config.batch_size))


def _rivals(n_named: NDArray[np.float32], n_others: int, rng: np.random.Generator) -> NDArray[np.int64]:
    others = np.flatnonzero(n_named == 0)
    return np.concatenate([np.flatnonzero(n_named), rng.choice(others, min(n_others, len(others)), replace=False)])


def _dropped(rows: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    kept = torch.rand(rows.shape, generator=generator) >= share
    return rows * kept / (1 - share)
