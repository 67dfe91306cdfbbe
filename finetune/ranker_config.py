"""Every number of a fine-tuning run of the ranking language model, read from a TOML file and complete at start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from finetune.item_token_config import ItemTokenTraining
from finetune.training_file import TrainingFile
from llmrec.prompting.textualize import ItemText

Mode = Literal["listwise", "isolated", "likelihood", "item_tokens"]
ObjectiveName = Literal["listwise", "isolated", "likelihood", "history_lm", "item_tokens"]
Weight = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class RankerTraining(TrainingFile):
    """How the ranking language model is fine-tuned.

    Attributes:
        base: What is fine-tuned: an asset's name, a directory, or a hub id; empty takes the recommender's own.
        device: `auto`, `cpu`, `cuda`, `mps`.
        dtype: Of the base's weights and of the arithmetic; `fast` is bfloat16 also on CPUs that have AMX.
        adapter_dtype: Of the adapter while it is trained; `bfloat16` where all weights must be of one kind (FSDP2).
        n_layers: How many of the base's first layers are read, with its head after them; 0 reads all. The adapter is
            bound to it.
        quantised: Whether the base is read in 4 bits (QLoRA; needs bitsandbytes and a GPU).
        mode: Which ranker the adapter is validated with and serves.
        objectives: What is learned and what each loss is worth; the one called as `mode` must be among them.
        distill: Share of the target that is the retriever's own order instead of what came next, in [0, 1].
        distill_temperature: What the retriever's standardised scores are divided by before their softmax; in
            `likelihood`, its scores as they come, so a retriever whose scores are log-odds is the teacher there.
        retriever: Whose best items are told apart; a stage of `llmrec evaluate`.
        folds: In how many parts users are cut; each part's candidates come from a retriever fitted without what is
            asked of it.
        per_user: How many of each user's newest steps are learned from.
        slate_size: Candidates in one prompt.
        pool: Best candidates a slate's wrong ones are drawn from, anew each time.
        text: How items are shown, as `ranking.text`.
        max_history: Newest titles of a history that are shown.
        first_weight: Of `likelihood`: what a title's first token counts beside a later one.
        max_prompt_tokens: Longest prompt with its candidates; beyond it the oldest history goes, as when serving.
        rank: Of the adapter's matrices.
        alpha: Their scale is `alpha / rank`, with `rslora` `alpha / sqrt(rank)`.
        top_layers: How many of the last layers are adapted; 0 adapts all.
        batch_size: Examples on each device at once.
        accumulation: Batches whose gradients are added before a step.
        evaluations: How often the validation users are asked, evenly spread; a checkpoint is written each time.
        stop_by: Whose order of the validation slates says which weights are kept: `fused` with the retriever's, plus a
            tenth of the model's own, or `lm`, the model's own, which moves further than chance among few users.
        patience: Evaluations without a better order before training ends.
        validation_users: Users who stop the training and choose the fusion's weight and temperature.
        decision_users: Other users, who decide whether the adapter gains.
        lm_weights: What the model's voice may be worth beside the retriever's; 0 is always tried.
        log_every: Steps between two lines of the loss curve.
        workers: Processes that build prompts; 0 builds them between the steps.
        report_to: Trackers that are told as well.
        item_tokens: What only that mode has; its slates serve validation alone.
    """

    base: str = ""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    dtype: Literal["auto", "fast", "float32", "bfloat16"] = "auto"
    adapter_dtype: Literal["float32", "bfloat16"] = "float32"
    n_layers: int = Field(0, ge=0)
    quantised: bool = False
    seed: int = Field(0, ge=0)
    mode: Mode = "listwise"
    objectives: Mapping[ObjectiveName, Weight] = {"listwise": 1.0}
    distill: float = Field(0.0, ge=0, le=1)
    distill_temperature: float = Field(1.0, gt=0, allow_inf_nan=False)
    retriever: str = "fused_without_lm"
    folds: int = Field(5, ge=2)
    per_user: int = Field(4, ge=1)
    slate_size: int = Field(20, ge=2, le=200)
    pool: int = Field(40, ge=1, le=1000)
    text: ItemText = "full"
    max_history: int = Field(20, ge=1, le=200)
    first_weight: float = Field(3.0, gt=0, allow_inf_nan=False)
    max_prompt_tokens: int = Field(1024, ge=128)
    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    rslora: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)
    top_layers: int = Field(0, ge=0)
    batch_size: int = Field(8, ge=1)
    accumulation: int = Field(1, ge=1)
    activation_checkpointing: bool = False
    epochs: int = Field(1, ge=1)
    learning_rate: float = Field(2e-4, gt=0, lt=1)
    warmup_share: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    evaluations: int = Field(10, ge=1)
    stop_by: Literal["fused", "lm"] = "fused"
    patience: int = Field(4, ge=1)
    validation_users: int = Field(128, ge=1)
    decision_users: int = Field(256, ge=1)
    lm_weights: tuple[Weight, ...] = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5)
    log_every: int = Field(1, ge=1)
    workers: int = Field(0, ge=0)
    report_to: tuple[Literal["trackio", "tensorboard"], ...] = ()
    item_tokens: ItemTokenTraining = ItemTokenTraining()

    @model_validator(mode="after")
    def _learns_what_it_serves(self) -> Self:
        if self.mode not in self.objectives:
            raise ValueError(f"mode is {self.mode!r}, which is not among the objectives ({', '.join(self.objectives)})")
        for name in ("item_tokens", "likelihood"):
            if name in self.objectives and len(self.objectives) > 1:
                raise ValueError(f"{name} has examples of its own, so it cannot be mixed with other objectives")
        if self.pool < self.slate_size - 1:
            raise ValueError(f"pool is {self.pool}; it must be at least slate_size - 1 ({self.slate_size - 1})")
        return self
