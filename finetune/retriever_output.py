"""Where a fine-tuning run keeps its checkpoints, and the directory it leaves: weights, numbers and a model card."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from transformers.trainer_utils import get_last_checkpoint

from finetune.retriever_card import model_card
from finetune.retriever_config import RetrieverTraining
from finetune.retriever_data import TrainingData
from finetune.run_record import require_same_run
from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import PerUser, bootstrap_means

NUMBERS_FILE, RUN_FILE = "training.json", "run.json"


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        per_user: Metrics of every validation user, by what was measured: `base, history text` and so on.
        base_sha256: Of the weights before fine-tuning.
        n_examples: Learned from in each epoch.
        n_steps: Steps in all, with those of the runs that this one resumed.
        seconds: Of training in this run, evaluations included.
    """

    per_user: Mapping[str, Mapping[str, PerUser]]
    base_sha256: str
    n_examples: int
    n_steps: int
    seconds: float

    def numbers(self) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
        """Mean and 95 % bootstrap interval over users, by what was measured and by metric."""
        return {
            row: {
                metric: {"mean": round(found.mean, 4), "ci95": [round(bound, 4) for bound in found.ci95]}
                for metric, found in bootstrap_means(values, seed=0).items()
            }
            for row, values in self.per_user.items()
        }


@dataclass(frozen=True)
class RunPlace:
    """The directory of a run's result, and beside it that of its checkpoints, which hold optimiser states, too."""

    out: Path

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are; may be deleted once the result is there."""
        return self.out.with_name(f"{self.out.name}-checkpoints")

    @property
    def last_checkpoint(self) -> str | None:
        """The newest one, to go on from; None when there is none."""
        if not self.checkpoints.is_dir():
            return None
        found: str | None = get_last_checkpoint(str(self.checkpoints))  # type: ignore[no-untyped-call]
        return found

    def require_free(self, *, resume: bool) -> None:
        """Raise ConfigError when something would be overwritten that is not ours, or not meant to be."""
        is_ours = (self.out / NUMBERS_FILE).is_file()
        if self.out.exists() and not is_ours and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigError(f"{self.out} holds something else.", hint="Choose another --out.")
        if not resume and (is_ours or self.checkpoints.exists()):
            raise ConfigError(
                f"{self.out} or {self.checkpoints} is there from a run before.",
                hint="Give --resume to go on, or choose another --out.",
            )

    def begin(self, data: TrainingData, config: RetrieverTraining) -> None:
        """Note what this run learns from. Raises ConfigError when the checkpoints are of another."""
        run = {
            "data": data.record.data.sha256,
            "texts": data.catalogue.content_hash,
            "split": data.record.split_sha256,
            "config": config.model_dump(mode="json"),
        }
        require_same_run(self.checkpoints / RUN_FILE, run, options="--out")

    def publish(
        self, model: SentenceTransformer, data: TrainingData, config: RetrieverTraining, outcome: Outcome
    ) -> None:
        """Write weights (safetensors), numbers and card; whoever reads `out` finds all of it or what was there."""
        partial = self.out.with_name(f".{self.out.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        model.save(str(partial), create_model_card=False, safe_serialization=True)
        about = {
            "record": asdict(data.record),
            "texts_sha256": data.catalogue.content_hash,
            "config": config.model_dump(mode="json"),
            "base_sha256": outcome.base_sha256,
            "weights_sha256": weights_sha256(model),
            "n_examples": outcome.n_examples,
            "n_steps": outcome.n_steps,
            "seconds": round(outcome.seconds, 1),
            "validation": outcome.numbers(),
        }
        (partial / NUMBERS_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")
        (partial / "README.md").write_text(model_card(self.out.name, data, about), encoding="utf-8")
        if self.out.exists():
            shutil.rmtree(self.out)
        partial.replace(self.out)


def weights_sha256(model: SentenceTransformer) -> str:
    """sha256 over all weights, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
