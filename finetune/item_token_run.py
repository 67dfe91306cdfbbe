"""One training of item tokens from data to what serves: chosen by validation, then, if wished, trained anew on all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.item_token_examples import PIECES, pieces
from finetune.item_token_model import ItemTokens
from finetune.item_token_training import ItemTokenTrainer, ItemTokenUsers
from finetune.ranker_candidates import Case
from finetune.ranker_data import RankerData
from finetune.ranker_examples import sha256_of, write_examples
from finetune.ranker_output import Outcome, RankerPlace
from finetune.ranker_setup import Bench
from finetune.ranker_trainer import Watch
from finetune.ranker_validation import Panel
from llmrec.evaluation.estimates import PerUser
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.ranking.item_tokens import ItemTokenRanker

_K = 10
_ROUNDING = 1e-6  # of a pass


@dataclass(frozen=True)
class ItemTokenRun:
    """One training from data to what it is worth."""

    bench: Bench
    place: RankerPlace
    tokens: ItemTokens
    users: ItemTokenUsers

    @classmethod
    def prepared(cls, bench: Bench, place: RankerPlace) -> Self:
        """Draw the users, write the pieces, and begin a network. Raises DataError, ModelError, ArtifactError."""
        users = ItemTokenUsers.drawn(bench)
        learned_from = bench.data.training.validation.fit_on
        write_examples(pieces(learned_from, bench.config.item_tokens.max_length), place.examples, schema=PIECES)
        return cls(bench, place, ItemTokens.begun(bench.data, bench.config, bench.base), users)

    def trainer(self, callbacks: Sequence[TrainerCallback]) -> ItemTokenTrainer:
        """What trains the network, stopped by NDCG@10 over the whole catalogue."""
        watch = Watch(
            lambda: self._heard(self.tokens.scorer, self.users.cases.stopping),
            self.bench.config.lm_weights,
            over_catalogue=lambda: float(np.mean(self.users.stopping.ndcg(self.tokens.scorer))),
        )
        return ItemTokenTrainer(self.tokens, self.bench.config, self.place, watch=watch, callbacks=callbacks)

    def outcome(self, trainer: ItemTokenTrainer, *, seconds: float) -> Outcome:
        """What the network, as it is now, is worth."""
        self.tokens.round_adapter()
        scorer, cases = self.tokens.scorer, self.users.cases
        chosen_on = self._heard(scorer, cases.stopping)
        decided_on = self._heard(scorer, cases.deciding)
        untrained = ItemTokens.begun(self.bench.data, self.bench.config, self.bench.base).text_scorer
        return Outcome(
            chosen_on=chosen_on,
            decided_on=decided_on,
            base_on=self._heard(untrained, cases.deciding),
            verdict=self.bench.verdict(chosen_on, decided_on),
            examples_sha256=sha256_of(self.place.examples),
            n_examples=trainer.n_examples,
            n_steps=trainer.state.global_step,
            n_tokens=int(trainer.state.num_input_tokens_seen),
            seconds=seconds,
            over_catalogue=self._retriever(decided_on) | {"adapter alone": self.users.deciding.ndcg(scorer)},
        )

    def _retriever(self, panel: Panel) -> dict[str, PerUser]:
        """NDCG@10 of the retriever over the whole catalogue; nothing where its slates are too short to tell."""
        if self.bench.config.slate_size < _K:
            return {}
        # What it did not find among its best it ranks lower than the metric looks.
        n_missed = len(self.users.deciding.histories) - len(panel.cases)
        return {"retriever": np.concatenate([panel.retrieval, np.zeros(n_missed)])}

    def _heard(self, scorer: ItemTokenScorer, cases: Sequence[Case]) -> Panel:
        settings, catalogue = self.bench.ranking, self.bench.data.training.catalogue
        ranker = ItemTokenRanker(scorer, catalogue, max_slate=settings.slate_size)
        return Panel.heard(ranker, cases, max_lift=settings.max_lift)


@dataclass(frozen=True)
class Refit:
    """The second training; nobody judges it, for nobody is left whom it has not met.

    Attributes:
        place: Of its pieces and checkpoints.
        passes: How many it makes of the rates that the first training had for all of its own.
    """

    bench: Bench
    place: RankerPlace
    tokens: ItemTokens
    passes: float

    @classmethod
    def prepared(cls, bench: Bench, place: RankerPlace, *, passes: float) -> Self:
        """Write the pieces of all that may be learned from, and begin a network."""
        learned_from = bench.data.training.refit_on
        place.work.mkdir(exist_ok=True)
        write_examples(pieces(learned_from, bench.config.item_tokens.max_length), place.examples, schema=PIECES)
        return cls(bench, place, ItemTokens.begun(_all_of(bench.data), bench.config, bench.base), passes)

    def trainer(self, callbacks: Sequence[TrainerCallback]) -> ItemTokenTrainer:
        """What trains the network for `passes`."""
        until = _StopAfter(self.passes)
        return ItemTokenTrainer(self.tokens, self.bench.config, self.place, watch=None, callbacks=[until, *callbacks])

    def finished(self, trainer: ItemTokenTrainer) -> ItemTokens:
        """The trained network as it is stored."""
        trainer.adopt_mean()
        self.tokens.round_adapter()
        return self.tokens


class _StopAfter(TrainerCallback):
    """Ends training after so many passes."""

    def __init__(self, passes: float) -> None:
        self._passes = passes

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if (state.epoch or 0.0) > self._passes - _ROUNDING:
            control.should_training_stop = True


def _all_of(data: RankerData) -> RankerData:
    """As if nothing had been held back for validation."""
    validation = replace(data.training.validation, fit_on=data.training.refit_on)
    return replace(data, training=replace(data.training, validation=validation))
