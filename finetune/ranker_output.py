"""Where a ranker's training keeps its state, and the adapter directory that it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import Tensor

from finetune.item_token_model import ItemTokens, Refitted
from finetune.ranker_card import ranker_card
from finetune.ranker_config import RankerTraining
from finetune.ranker_curves import draw_curves
from finetune.ranker_data import RankerData
from finetune.ranker_model import Base
from finetune.ranker_trainer import last_complete_checkpoint
from finetune.ranker_validation import Panel
from finetune.ranker_verdict import Verdict
from finetune.run_record import require_same_run
from finetune.whole_files import whole_or_absent
from llmrec.errors import ConfigError, ModelError
from llmrec.evaluation.estimates import PerUser, bootstrap_means
from llmrec.language_model.decision_files import isolated_files, listwise_files
from llmrec.ranking.fusion_model import FUSION_FILE

ABOUT_FILE, RUN_FILE, CURVE_FILE = "ranker.json", "run.json", "metrics.jsonl"
EXAMPLES_FILE, CURVES_FILE = "examples.arrow", "curves.png"
_N_LETTERS = 26

Trained = PeftModel | ItemTokens | Refitted


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        chosen_on: What the adapter made of the slates it was stopped by.
        decided_on: The same of slates that nothing was chosen on.
        base_on: What the base without the adapter makes of those.
        verdict: How the adapter is heard beside the retriever, and whether that gains.
        examples_sha256: Of what was learned from.
        n_examples: In one pass.
        n_steps: With those of the runs that this one resumed.
        n_tokens: Read while learning, likewise.
        seconds: Of training in this run, evaluations included.
        over_catalogue: NDCG@10 over all items of users who decided, by what orders them, where it can.
        weights: The adapter's, see `adapter_weights`; empty where there is none.
        refit_passes: For how many passes what serves was trained anew, on the validation's answers too; 0 for not.
    """

    chosen_on: Panel
    decided_on: Panel
    base_on: Panel
    verdict: Verdict
    examples_sha256: str
    n_examples: int
    n_steps: int
    n_tokens: int
    seconds: float
    over_catalogue: Mapping[str, PerUser] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    refit_passes: float = 0.0

    @property
    def sentence(self) -> str:
        """What became of it, for whoever ran it."""
        decision = self.verdict.decision
        low, high = decision.gain.ci95
        found = (
            f"NDCG@10 {decision.gain.mean:+.4f} ({decision.relative_gain:+.1%}; 95 % interval {low:+.4f} to "
            f"{high:+.4f}) over the same without it on {len(self.decided_on.cases)} validation users"
        )
        return f"the adapter gains {found}." if decision.gains else f"no gain is shown: {found}."

    def numbers(self) -> Mapping[str, Mapping[str, object]]:
        """NDCG@10 with its 95 % interval by what orders, on the users that decided."""
        panel = self.decided_on
        rows = {
            "retriever": panel.retrieval,
            "base model alone": self.base_on.lm,
            "adapter alone": panel.lm,
            "fused without it": self.verdict.control,
            "fused": self.verdict.fused,
        }
        whole = {f"{name}, whole catalogue": values for name, values in self.over_catalogue.items()}
        means = {**bootstrap_means(rows, seed=0), **(bootstrap_means(whole, seed=0) if whole else {})}
        return {
            name: {"mean": round(at.mean, 4), "ci95": [round(bound, 4) for bound in at.ci95]}
            for name, at in means.items()
        } | {"random order": {"mean": round(panel.random, 4)}}


@dataclass(frozen=True)
class RankerPlace:
    """The directory of a run's adapter, and beside it that of its checkpoints, examples and curve."""

    out: Path

    @property
    def work(self) -> Path:
        """Where the run keeps its state; may be deleted once the adapter is there."""
        return self.out.with_name(f".{self.out.name}-training")

    @property
    def examples(self) -> Path:
        """The examples' file."""
        return self.work / EXAMPLES_FILE

    @property
    def refit(self) -> RankerPlace:
        """That of a second training, see `item_token_run.Refit`."""
        return RankerPlace(self.work / "refit")

    @property
    def last_checkpoint(self) -> Path | None:
        """The newest whole one, to go on from; None when there is none."""
        return last_complete_checkpoint(self.work)

    def require_free(self, *, resume: bool) -> None:
        """Raise ConfigError when something would be overwritten that is not ours, or not meant to be."""
        is_ours = (self.out / ABOUT_FILE).is_file()
        if self.out.exists() and not is_ours and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigError(f"{self.out} holds something else.", hint="Choose another --out or --name.")
        if not resume and (is_ours or self.work.exists()):
            raise ConfigError(
                f"{self.out} or {self.work} is there from a run before.",
                hint="Give --resume to go on, or choose another --out or --name.",
            )

    def begin(self, data: RankerData, config: RankerTraining, base: Base) -> None:
        """Note what this run learns from. Raises ConfigError when the checkpoints are of another."""
        training = data.training
        run = {
            "data": training.record.data.sha256,
            "texts": training.catalogue.content_hash,
            "split": training.record.split_sha256,
            "template": _template_hash(data, config),
            "base": f"{base.name} {base.weights_sha256}",
            "config": config.model_dump(mode="json"),
        }
        require_same_run(self.work / RUN_FILE, run, options="--out or --name")

    def publish(
        self,
        model: Trained,
        data: RankerData,
        config: RankerTraining,
        base: Base,
        outcome: Outcome,
    ) -> None:
        """Write adapter, numbers, curve and card; whoever reads `out` finds all of it or what was there.

        Raises:
            ArtifactError: The disk is full or the like.
        """
        partial = self.out.with_name(f".{self.out.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with whole_or_absent(partial):
            if isinstance(model, PeftModel):
                save_adapter(model, outcome.weights, partial, base_name=base.name)
            else:
                model.save(partial)
            if outcome.verdict.fusion is not None:
                outcome.verdict.fusion.save(partial / FUSION_FILE)
            pipeline = save_decision_files(data, config, base, outcome, partial)
            about = {**about_adapter(self.out.name, data, config, base, outcome), "decision_pipeline": pipeline}
            (partial / ABOUT_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")
            shutil.copyfile(self.work / CURVE_FILE, partial / CURVE_FILE)
            draw_curves(partial / CURVE_FILE, partial / CURVES_FILE)
            (partial / "README.md").write_text(ranker_card(self.out.name, data, about), encoding="utf-8")
        before = self.out.with_name(f".{self.out.name}.before")
        if self.out.exists():
            self.out.replace(before)
        partial.replace(self.out)
        shutil.rmtree(before, ignore_errors=True)


def save_adapter(model: PeftModel, weights: Mapping[str, Tensor], directory: Path, *, base_name: str) -> None:
    """`weights` of `model` as PEFT reads them: safetensors, bound to their base by name."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = base_name
    config.inference_mode = True
    model.save_pretrained(str(directory), state_dict=dict(weights), save_embedding_layers=False)


def save_decision_files(data: RankerData, config: RankerTraining, base: Base, outcome: Outcome, directory: Path) -> str:
    """Let transformers' own pipeline run the adapter in `directory`: "yes", or why it cannot.

    That is no reason to lose what was trained.
    """
    template = _template(config)
    if config.n_layers:
        return f"it reads the base's first {config.n_layers} layers, the pipeline reads all."
    try:
        if config.mode == "listwise":
            files = listwise_files(
                base.tokenizer,
                data.prompts[template],
                name=base.name,
                n_labels=max(config.slate_size, _N_LETTERS),
                temperature=outcome.verdict.temperature,
            )
        elif config.mode == "isolated":
            files = isolated_files(base.tokenizer, data.prompts[template], name=base.name)
        else:
            return {"item_tokens": "it reads items, not prompts."}.get(config.mode, "it says how likely texts are.")
    except ModelError as error:
        return error.message
    files.write(directory)
    return "yes"


def about_adapter(name: str, data: RankerData, config: RankerTraining, base: Base, outcome: Outcome) -> dict[str, Any]:
    """What whoever serves the adapter has to know, and what it was made of, as JSON values."""
    return {
        "name": name,
        "mode": config.mode,
        "template": _template(config),
        "template_hash": _template_hash(data, config),
        "base": base.name,
        "base_sha256": base.weights_sha256,
        "temperature": round(outcome.verdict.temperature, 4),
        "fusion": {
            "with_lm": {"retrieval": 1.0, "lm": outcome.verdict.lm_weight},
            "without_lm": {"retrieval": 1.0},
        },
        "n_layers": config.n_layers,
        "text": config.text,
        "max_history": config.max_history,
        "slate_size": config.slate_size,
        "max_prompt_tokens": config.max_prompt_tokens,
        "gains": outcome.verdict.decision.gains,
        "verdict": outcome.sentence,
        "retriever": config.retriever,
        "record": asdict(data.training.record),
        "texts_sha256": data.training.catalogue.content_hash,
        "examples_sha256": outcome.examples_sha256,
        "config": config.model_dump(mode="json"),
        "n_examples": outcome.n_examples,
        "n_steps": outcome.n_steps,
        "refit_passes": round(outcome.refit_passes, 4),
        "n_tokens": outcome.n_tokens,
        "seconds": round(outcome.seconds, 1),
        "n_users": {"stopped_by": len(outcome.chosen_on.cases), "decided_by": len(outcome.decided_on.cases)},
        "n_unanswered": outcome.decided_on.n_degraded,
        "label_mass": round(outcome.decided_on.label_mass, 4),
        "validation": outcome.numbers(),
    }


def _template(config: RankerTraining) -> str:
    """The prompt's name; empty where none is read."""
    names = {"listwise": "rank", "isolated": "rank_isolated", "likelihood": "rank_likelihood", "item_tokens": ""}
    return names[config.mode]


def _template_hash(data: RankerData, config: RankerTraining) -> str:
    template = _template(config)
    return data.prompts[template].hash if template else ""
