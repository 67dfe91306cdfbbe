"""Trains item tokens: who stops, how steps are taken, and what came out is worth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.item_token_examples import NextItem, PieceSet
from finetune.item_token_model import ItemTokens
from finetune.moving_mean import MovingMean
from finetune.ranker_candidates import Case, validation_cases
from finetune.ranker_config import RankerTraining
from finetune.ranker_output import RankerPlace
from finetune.ranker_setup import Bench, Cases
from finetune.ranker_trainer import RankTrainer, Watch, trainer_arguments
from llmrec.data.splits import Answers, Task
from llmrec.errors import DataError
from llmrec.evaluation.estimates import PerUser
from llmrec.evaluation.metrics import answer_ranks, user_metrics
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.types import Histories, ItemId

_K = 10
_WEIGHTS = "model.safetensors"  # a name by which the library knows a checkpoint


@dataclass(frozen=True)
class Asked:
    """Some validation users, and what each met next; only metrics see it."""

    histories: Histories
    answers: Answers

    @classmethod
    def of(cls, task: Task, users: NDArray[np.int64]) -> Self:
        """Those of `task` with the numbers `users`."""
        return cls(task.histories.of(users), Answers(np.arange(len(users)), task.answers.items[users]))

    def ndcg(self, scorer: ItemTokenScorer) -> PerUser:
        """NDCG@10 over the whole catalogue but what each has met, float64 [n_users]."""
        ranks = answer_ranks(scorer.score_histories(self.histories), self.histories, self.answers)
        return user_metrics(ranks, cutoffs=(_K,))[f"NDCG@{_K}"]


@dataclass(frozen=True)
class ItemTokenUsers:
    """Validation users, apart by what they are for, and the slates that the retriever made of each part.

    Attributes:
        cases: Of those whose next item was retrieved.
        stopping: Choose when to stop; the whole catalogue is asked of them.
        deciding: Nothing is chosen on them.
    """

    cases: Cases
    stopping: Asked
    deciding: Asked

    @classmethod
    def drawn(cls, bench: Bench) -> Self:
        """By the configuration's seed; where there are too few, each part gets its share.

        Raises:
            DataError: A part has nobody whose next item the retriever found.
        """
        task, config = bench.data.training.validation, bench.config
        order = np.random.default_rng(config.seed).permutation(len(task.histories))
        wanted = config.validation_users + config.decision_users
        n_stopping = min(config.validation_users, len(order) * config.validation_users // wanted)
        stopping = Asked.of(task, order[:n_stopping])
        deciding = Asked.of(task, order[n_stopping : n_stopping + config.decision_users])
        found = validation_cases(bench.data, bench.plan, slate_size=config.slate_size)
        ids = bench.data.training.catalogue.ids
        cases = Cases(_cases_of(stopping, found, ids), _cases_of(deciding, found, ids))
        if not cases.stopping or not cases.deciding:
            raise DataError(
                f"the retriever found the next item of {len(cases.stopping)} users to stop by and {len(cases.deciding)}"
                f" to decide among its best {config.slate_size}; each part needs one.",
                hint="Raise slate_size, name another retriever, or give more data.",
            )
        return cls(cases, stopping, deciding)


class ItemTokenTrainer(RankTrainer):
    """As RankTrainer, with checkpoints of what item tokens learn and a rate for each kind of it."""

    def __init__(
        self,
        tokens: ItemTokens,
        config: RankerTraining,
        place: RankerPlace,
        *,
        watch: Watch | None,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        """Train `tokens` on the pieces in `place`; with no `watch` nobody judges it."""
        self._network = tokens.network
        self._config = config
        examples = PieceSet(place.examples, tokens.words.numbers)
        on_cpu = tokens.network.device.type == "cpu"
        super().__init__(
            tokens.network,
            trainer_arguments(config, place.work, n_examples=len(examples), on_cpu=on_cpu, is_judged=watch is not None),
            objective=NextItem(config.item_tokens.negatives),
            examples=examples,
            watch=watch,
            # The network itself says what it computes in which format.
            compute_dtype=torch.float32,
            callbacks=[_Averaging(self), *callbacks],
        )
        per_step = config.batch_size * config.accumulation * self.args.world_size
        self._steps_per_pass: int = math.ceil(len(examples) / per_step)
        n_steps = config.item_tokens.averaging * len(examples) / per_step
        self._mean = MovingMean(self._network.trained(), n_steps=n_steps)

    @property
    def best_passes(self) -> float:
        """After how many passes validation users were served best; all that were made where none was asked."""
        best, last = self.state.best_global_step, self.state.global_step
        return float(last if best is None else best) / self._steps_per_pass

    def average(self, step: int) -> None:
        """Take the weights after step number `step` into the mean that is judged and kept."""
        self._mean.update(step)

    def adopt_mean(self) -> None:
        """Make the network what is kept of it, for good."""
        self._mean.adopt()

    def evaluate(self, *args: object, **kwargs: object) -> dict[str, float]:
        """As RankTrainer, of the mean."""
        with self._mean.in_place():
            return super().evaluate(*args, **kwargs)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW; items' own numbers and biases have rates of their own, and what is one number does not decay."""
        if self.optimizer is None:
            own, config = self._config.item_tokens, self._config
            network, decay = self._network, self._config.weight_decay
            adapter = [parameter for name, parameter in network.trained().items() if name.startswith("decoder.")]
            groups = [
                {"params": adapter, "lr": config.learning_rate, "weight_decay": decay},
                {"params": [network.own, network.shared], "lr": own.own_learning_rate, "weight_decay": decay},
                {"params": [network.bias], "lr": own.bias_learning_rate, "weight_decay": 0.0},
                {"params": [network.scale], "lr": own.own_learning_rate, "weight_decay": 0.0},
            ]
            self.optimizer = torch.optim.AdamW(groups)
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        if self.args.should_save and output_dir is not None:
            Path(output_dir).mkdir(parents=True, exist_ok=True)
            weights = {name: value.detach().cpu().contiguous() for name, value in self._network.trained().items()}
            save_file({**weights, **self._mean.state()}, Path(output_dir) / _WEIGHTS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        weights = load_file(Path(resume_from_checkpoint) / _WEIGHTS)
        self._network.load_state_dict(weights, strict=False)
        self._mean.load(weights)

    def _load_best_model(self) -> None:
        if self.state.best_model_checkpoint is not None:
            self._load_from_checkpoint(self.state.best_model_checkpoint)
            self._mean.adopt()


class _Averaging(TrainerCallback):
    """Takes the mean before a step's evaluation and checkpoint."""

    def __init__(self, trainer: ItemTokenTrainer) -> None:
        self._trainer = trainer

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self._trainer.average(state.global_step)


def _cases_of(asked: Asked, found: Sequence[Case], item_ids: Sequence[ItemId]) -> tuple[Case, ...]:
    """Those of `found` that are of `asked`; of users with one history and one answer, as many as were asked."""
    starts, items = asked.histories.starts, asked.histories.items.tolist()
    left = Counter(
        (tuple(item_ids[item] for item in items[starts[user] : starts[user + 1]]), item_ids[answer])
        for user, answer in enumerate(asked.answers.items.tolist())
    )
    cases = []
    for case in found:
        of_case = case.query.positive_item_ids, case.answer
        if left[of_case]:
            left[of_case] -= 1
            cases.append(case)
    return tuple(cases)
