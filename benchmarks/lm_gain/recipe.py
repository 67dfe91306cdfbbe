"""How adapters of a table are made and measured, and the hashes by which anything is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import finetune
import llmrec
from finetune.ranker_config import RankerTraining
from llmrec.assets import AssetStore
from llmrec.models import model_place, weights_sha256
from llmrec.settings import Settings

STAGES = ("retrieval", "lm", "fused_without_lm", "fused", "random_order", "oracle")
# An adapter's own decision is not read here, and what stops its training asks no retriever; so a quick one will do.
_OWN_RETRIEVER = "itemknn"
_PACKAGE, _FINETUNE = Path(llmrec.__file__).parent, Path(finetune.__file__).parent
_TRAINS = (
    *((_FINETUNE, pattern) for pattern in ("item_token_*.py", "ranker_trainer.py", "ranker_model.py")),
    *((_PACKAGE / "language_model", pattern) for pattern in ("item_token*.py", "merged_lora.py")),
)
_MEASURES = (
    *((_PACKAGE / room, "*.py") for room in ("data", "retrieval", "ranking", "language_model", "evaluation")),
    (_PACKAGE, "stages.py"),
    (_PACKAGE, "rankers.py"),
)


@dataclass(frozen=True)
class Recipe:
    """How one benchmark's adapters are made and measured.

    Attributes:
        training: The preset, its base named; seeds are put in.
        settings: Of the retriever, and of how many candidates are ordered.
        max_minutes: Of training each adapter; None trains to the end.
    """

    training: RankerTraining
    settings: Settings
    max_minutes: float | None = None

    @classmethod
    def of(
        cls, training: RankerTraining, settings: Settings, *, slate_size: int, max_minutes: float | None = None
    ) -> Recipe:
        """The settings' base where the preset names none; a slate holds the retriever's `slate_size` best."""
        base = training.base or settings.language_model.model
        ranking = settings.ranking.model_copy(update={"mode": training.mode, "slate_size": slate_size})
        model = settings.language_model.model_copy(update={"model": base})
        return cls(
            training.model_copy(update={"base": base, "retriever": _OWN_RETRIEVER}),
            settings.model_copy(update={"ranking": ranking, "language_model": model}),
            max_minutes,
        )

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Recipe:
        """How a kept table was made."""
        how = table["how"]
        training = RankerTraining.model_validate(how["training"])
        return cls(training, Settings.model_validate(table["settings"]), how["max_minutes"])

    def training_of(self, seed: int) -> RankerTraining:
        """The preset with a seed."""
        return self.training.model_copy(update={"seed": seed})

    def settings_with(self, adapter: Path) -> Settings:
        """What serves the adapter."""
        model = self.settings.language_model.model_copy(update={"adapter": str(adapter)})
        return self.settings.model_copy(update={"language_model": model})

    def to_json(self) -> Mapping[str, Any]:
        """What tables have to share to be pooled."""
        return {
            "training": self.training.model_dump(mode="json", exclude={"seed"}),
            "max_minutes": self.max_minutes,
            "slate_size": self.settings.ranking.slate_size,
        }


def hash_of(known: object) -> str:
    """Of JSON values, in 16 digits."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


@cache
def base_sha256(base: str) -> str:
    """Of the base's weights where they lie in a directory; a hub id stands for itself."""
    place = model_place(base, AssetStore.from_environment())
    return weights_sha256(place) if isinstance(place, Path) else place


@cache
def training_code_sha256() -> str:
    """Of what decides an adapter's weights."""
    return _code_sha256(_TRAINS)


@cache
def measuring_code_sha256() -> str:
    """Of what decides a stage's result."""
    return _code_sha256(_MEASURES)


def _code_sha256(parts: Iterable[tuple[Path, str]]) -> str:
    digest = hashlib.sha256()
    for directory, pattern in parts:
        for path in sorted(directory.rglob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
