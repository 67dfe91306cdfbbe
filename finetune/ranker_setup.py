"""Puts a ranker's training together: which objectives, which ranker judges, which parts the trainer gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from peft import PeftModel
from torch import nn

from finetune.ranker_arithmetic import compute_dtype
from finetune.ranker_candidates import CandidatePlan, Case
from finetune.ranker_config import ObjectiveName, RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_examples import RankExample
from finetune.ranker_lessons import Likelihood
from finetune.ranker_model import Base, whole_outer_layers
from finetune.ranker_objectives import HistoryLM, Isolated, Listwise, Mixture, Objective, Targets
from finetune.ranker_prompts import ListEncoder, PromptEncoder
from finetune.ranker_validation import Panel
from finetune.ranker_verdict import Verdict
from llmrec.errors import ConfigError, DataError, ModelError
from llmrec.evaluation.beyond_accuracy import users_by_item
from llmrec.interfaces import Ranker
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.rankers import model_ranker
from llmrec.settings import RankingSettings

_PATIENT_S = 3600.0  # nobody waits for an answer while a model learns


@dataclass(frozen=True)
class Cases:
    """Validation users, apart by what they are for.

    Attributes:
        stopping: Choose when to stop, the weight and the temperature.
        deciding: Say whether that gains.
    """

    stopping: tuple[Case, ...]
    deciding: tuple[Case, ...]

    @classmethod
    def of(cls, cases: Sequence[Case], config: RankerTraining) -> Cases:
        """Cut `cases`, which stand in an order drawn by chance; where there are too few, each part gets its share.

        Raises:
            DataError: There are fewer than two.
        """
        if len(cases) < 2:
            raise DataError(
                f"the retriever found the next item of {len(cases)} validation users among its best "
                f"{config.slate_size}; two are needed to stop by and to decide.",
                hint="Raise slate_size, name another retriever, or give more data.",
            )
        wanted = config.validation_users + config.decision_users
        n_stopping = min(config.validation_users, max(1, len(cases) * config.validation_users // wanted))
        return cls(tuple(cases[:n_stopping]), tuple(cases[n_stopping : n_stopping + config.decision_users]))


@dataclass(frozen=True)
class Bench:
    """Everything that prompts, losses and rankers of one run are made with."""

    data: RankerData
    config: RankerTraining
    base: Base

    @property
    def plan(self) -> CandidatePlan:
        """Which steps are learned from."""
        chosen = self.config
        return CandidatePlan(chosen.retriever, chosen.folds, chosen.per_user, chosen.pool, chosen.seed)

    @property
    def ranking(self) -> RankingSettings:
        """How the adapter is validated, and how it serves if it gains."""
        return self.data.context.settings.ranking.model_copy(
            update={
                "mode": self.config.mode,
                "slate_size": self.config.slate_size,
                "text": self.config.text,
                "max_history": self.config.max_history,
                "max_prompt_tokens": min(self.config.max_prompt_tokens, self._context),
            }
        )

    @property
    def prompts(self) -> PromptEncoder:
        """Encodes training examples as they will be served."""
        return PromptEncoder(
            self.base.tokenizer,
            self.data.prompts,
            self.data.training.catalogue,
            name=self.base.name,
            ranking=self.ranking,
        )

    @property
    def lists(self) -> ListEncoder:
        """Encodes histories as prompts that ask how they go on."""
        return ListEncoder(
            self.base.tokenizer,
            self.data.prompts,
            self.data.training.catalogue,
            name=self.base.name,
            ranking=self.ranking,
        )

    def objective(self) -> Objective:
        """What the configuration wants to be learned."""
        prompts, pad_id = self.prompts, int(self.base.tokenizer.pad_token_id or 0)
        targets = Targets(self.config.distill, self.config.distill_temperature)
        dtype = compute_dtype(self.base.model)
        known: Mapping[ObjectiveName, Callable[[], Objective]] = {
            "listwise": lambda: Listwise(prompts, targets, pad_id),
            "isolated": lambda: Isolated(prompts, targets, pad_id, dtype),
            "history_lm": lambda: HistoryLM(prompts, pad_id),
            "likelihood": lambda: Likelihood(
                self.lists, distill=self.config.distill, first_weight=self.config.first_weight, pad_id=pad_id
            ),
        }
        return Mixture({name: (known[name](), weight) for name, weight in self.config.objectives.items()})

    def hear(self, model: nn.Module, cases: Sequence[Case]) -> Panel:
        """What `model`, as it is now, makes of `cases`, asked by the ranker that serves.

        Raises:
            ModelError: It fails on every one of them.
        """
        with whole_outer_layers(model):
            panel = Panel.heard(self._ranker(model), cases, max_lift=self.ranking.max_lift)
        if failure := panel.failure:
            raise ModelError(f"{self.base.name} ranks no validation slate: {failure}")
        return panel

    def verdict(self, chosen_on: Panel, decided_on: Panel) -> Verdict:
        """What the adapter that ordered both is worth."""
        popularity = users_by_item(self.data.training.validation.fit_on)
        return Verdict.of(chosen_on, decided_on, lm_weights=self.config.lm_weights, popularity=popularity)

    def _ranker(self, model: nn.Module) -> Ranker:
        inner = model.get_base_model() if isinstance(model, PeftModel) else model
        # Anew each time: what it remembers of prompts was read with other weights.
        scorer = TransformersLM(cast(CausalLM, inner), self.base.tokenizer, name=self.base.name)
        patient = self.ranking.model_copy(update={"timeout_s": _PATIENT_S})
        return model_ranker(self.data.training.catalogue, patient, scorer, self.data.prompts)

    @property
    def _context(self) -> int:
        known = getattr(self.base.model.config, "max_position_embeddings", None)
        return int(known) if known else self.config.max_prompt_tokens


def require_it_fits(bench: Bench, cases: Sequence[Case]) -> None:
    """Raise ConfigError when a slate does not fit into a prompt even without any history."""
    try:
        for case in cases[:1]:
            item_ids = [candidate.item_id for candidate in case.candidates]
            bench.objective().batch([RankExample(case.query, tuple(item_ids), 0, np.zeros(len(item_ids), np.float32))])
    except ConfigError as error:
        raise ConfigError(
            f"{bench.base.name} cannot read a slate: {error.message}",
            hint="Lower slate_size, or raise max_prompt_tokens if the model's context allows.",
        ) from error
