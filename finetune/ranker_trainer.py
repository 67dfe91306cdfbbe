"""The library's trainer for ranking losses: what it validates by, how it orders examples, what can go wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from accelerate import PartialState
from peft import PeftModel
from torch import Tensor, nn
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from finetune.item_token_examples import PieceSet
from finetune.ranker_arithmetic import computing_in, products_in_weights
from finetune.ranker_config import RankerTraining
from finetune.ranker_examples import ExampleSet, LengthGroups
from finetune.ranker_lessons import LessonSet
from finetune.ranker_objectives import Batch, Objective
from finetune.ranker_validation import Panel
from finetune.whole_files import whole_or_absent
from llmrec.errors import ModelError

COMPLETE = "complete"  # stands in a checkpoint that was written to its end
_MAX_CHECKPOINTS = 2


@dataclass(frozen=True)
class Watch:
    """How a training is judged.

    Attributes:
        hear: Asks the model, as it is now, for the validation users' slates.
        lm_weights: What its voice may be worth.
        stop_by: As the configuration has it.
        over_catalogue: Measures it over all items, where it can rank them; then this is what stops the training.
    """

    hear: Callable[[], Panel]
    lm_weights: Sequence[float]
    stop_by: Literal["fused", "lm"] = "fused"
    over_catalogue: Callable[[], float] | None = None


class RankTrainer(Trainer):
    """Learns an objective, is judged by the order of validation slates, and never learns from a broken number."""

    def __init__(
        self,
        model: nn.Module,
        args: TrainingArguments,
        *,
        objective: Objective,
        examples: ExampleSet | PieceSet | LessonSet,
        watch: Watch | None,
        compute_dtype: torch.dtype,
        callbacks: Sequence[TrainerCallback],
        reads_once: bool = False,
    ) -> None:
        """Set the library's trainer up; without `watch` nobody judges it, `reads_once` as `products_in_weights` has."""
        group = args.per_device_train_batch_size * args.gradient_accumulation_steps * PartialState().num_processes
        self._adapted = model
        self._order = LengthGroups(examples.lengths, group=group, seed=args.seed)
        self._objective = objective
        self._watch = watch
        self._compute_dtype = compute_dtype
        self._reads_once = reads_once
        super().__init__(
            model=model,
            args=args,
            train_dataset=examples,
            # Evaluation asks a ranker and reads no data set, but the library wants one.
            eval_dataset=examples,
            data_collator=objective.batch,  # type: ignore[arg-type]
            callbacks=[_Passes(self._order), *callbacks],
        )
        self.remove_callback(PrinterCallback)
        # A loss is a mean over its batch; the library divides it by the number of batches in a step.
        self.loss_is_scaled_for_ga = False

    @property
    def n_examples(self) -> int:
        """Examples of one pass."""
        return len(self._order)

    def adopt_ended(self, checkpoint: Path) -> bool:
        """Take up what a training kept that came to its end at `checkpoint`; False, and nothing done, if it did not.

        The library would go on until the next evaluation.
        """
        state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        if not _had_ended(state):
            return False
        best = state.best_global_step or state.global_step
        state.best_model_checkpoint = str(checkpoint.with_name(f"{PREFIX_CHECKPOINT_DIR}-{best}"))
        self.state = state
        self._load_best_model()
        return True

    def compute_loss(self, model: nn.Module, inputs: Batch, *args: object, **kwargs: object) -> Tensor:
        """The objective's loss, in the arithmetic that was asked for. Raises ModelError when it is not a number."""
        products = products_in_weights(model) if self._reads_once else nullcontext()
        with products, computing_in(self._compute_dtype, model, inputs["n_tokens"].device):
            loss = self._objective.loss(model, inputs)
        if not bool(torch.isfinite(loss)):
            raise ModelError(
                f"the loss is {loss.item()} in step {self.state.global_step + 1}; training has stopped and nothing of "
                "that step was kept.",
                hint="Lower learning_rate or use dtype float32, then go on from the last checkpoint with --resume.",
            )
        self.state.num_input_tokens_seen += int(inputs["n_tokens"]) * self.args.world_size
        return loss

    def training_step(self, model: nn.Module, inputs: Batch, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        """One batch forward and back. Raises ModelError when the device has no room for it."""
        try:
            return super().training_step(model, dict(inputs), num_items_in_batch)
        except torch.OutOfMemoryError as error:
            longest = max((value.shape[-1] for value in inputs.values() if value.ndim > 1), default=0)
            raise ModelError(
                f"the device has no memory left for a batch of {self.args.per_device_train_batch_size} prompts of up "
                f"to {longest} tokens (step {self.state.global_step + 1}).",
                hint="Lower batch_size and raise accumulation by as much, set activation_checkpointing, or lower "
                "max_prompt_tokens; then --resume.",
            ) from error

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Also how many tokens were read so far."""
        super().log({**logs, "tokens": int(self.state.num_input_tokens_seen)}, start_time)

    def evaluate(self, *args: object, **kwargs: object) -> dict[str, float]:
        """NDCG@10 of validation slates; the chance that dropout draws from is as before."""
        watch, device, was_training = self._watch, self.args.device, self._adapted.training
        assert watch is not None, "only what is judged is evaluated"
        self._adapted.eval()
        with torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type):
            panel = watch.hear()
        self._adapted.train(was_training)
        weight = panel.best_weight(watch.lm_weights)
        metrics = {
            "eval_lm": float(panel.lm.mean()),
            "eval_fused": float(panel.fused(weight).mean()),
            "eval_retrieval": float(panel.retrieval.mean()),
            "eval_lm_weight": weight,
            "eval_label_mass": panel.label_mass if math.isfinite(panel.label_mass) else 0.0,
            "eval_score": panel.stop_score(weight) if watch.stop_by == "fused" else float(panel.lm.mean()),
        }
        if watch.over_catalogue is not None:
            metrics["eval_catalogue"] = metrics["eval_score"] = watch.over_catalogue()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _get_train_sampler(self, *args: object, **kwargs: object) -> LengthGroups:
        return self._order

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        # The base is where it was: neither it nor its tokenizer is copied, and the hub is not asked about it.
        if self.args.should_save and output_dir is not None:
            cast(PeftModel, self._adapted).save_pretrained(
                output_dir, state_dict=state_dict, save_embedding_layers=False
            )

    def _save_checkpoint(self, model: nn.Module, trial: object) -> None:
        place = Path(str(self.args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        with whole_or_absent(place):
            super()._save_checkpoint(model, trial)
            if self.args.should_save:
                (place / COMPLETE).touch()


def _had_ended(state: TrainerState) -> bool:
    """Whether all steps were made, or too many evaluations were no better; not whether it was told to stop."""
    # In a file the callbacks stand by name.
    watching = cast(dict[str, Any], state.stateful_callbacks).get(EarlyStoppingCallback.__name__)
    if watching is None:
        return bool(state.global_step >= state.max_steps)
    n_worse, most = (
        watching["attributes"]["early_stopping_patience_counter"],
        watching["args"]["early_stopping_patience"],
    )
    return bool(state.global_step >= state.max_steps or n_worse >= most)


class _Passes(TrainerCallback):
    """Tells the order of examples which pass begins."""

    def __init__(self, order: LengthGroups) -> None:
        self._order = order

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        # In the middle of pass 2 a resumed run stands at 1.4 or so; at its begin rounding may have left 0.9999.
        self._order.epoch = math.floor((state.epoch or 0.0) + 1e-6)


def trainer_arguments(
    config: RankerTraining, directory: Path, *, n_examples: int, on_cpu: bool, is_judged: bool = True
) -> TrainingArguments:
    """The library's settings for `config`.

    Args:
        config: How to train.
        directory: Where checkpoints go.
        n_examples: Of one pass.
        on_cpu: Whether to stay off a GPU that is there.
        is_judged: Whether validation users say which weights are kept; the last ones else.
    """
    per_step = config.batch_size * config.accumulation * PartialState().num_processes
    n_steps = config.epochs * math.ceil(n_examples / per_step)
    between = math.ceil(n_steps / config.evaluations)
    args = TrainingArguments(
        output_dir=str(directory),
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation,
        activation_checkpointing=config.activation_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if config.activation_checkpointing else None,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_share,
        lr_scheduler_type="cosine",
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        use_cpu=on_cpu,
        seed=config.seed,
        data_seed=config.seed,
        remove_unused_columns=False,
        dataloader_num_workers=config.workers,
        dataloader_pin_memory=not on_cpu,
        eval_strategy="steps" if is_judged else "no",
        eval_steps=between,
        save_strategy="steps",
        save_steps=between,
        save_total_limit=_MAX_CHECKPOINTS,
        load_best_model_at_end=is_judged,
        metric_for_best_model="eval_score",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=list(config.report_to) or "none",
    )
    # Without a launcher there is one process; several GPUs would share it in a way that the losses do not know.
    args._n_gpu = min(args.n_gpu, 1)
    return args


def stop_when_it_no_longer_gains(config: RankerTraining) -> TrainerCallback:
    """Ends training after `patience` evaluations without a better one."""
    return EarlyStoppingCallback(config.patience)


def last_complete_checkpoint(directory: Path) -> Path | None:
    """The newest checkpoint in `directory` that was written to its end; None when there is none."""
    found = [path for path in directory.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if (path / COMPLETE).is_file()]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
