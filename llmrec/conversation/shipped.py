"""What is shipped to score conversations without any training data of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from llmrec.conversation.encoder import Projection
from llmrec.conversation.hybrid import FoldWeights
from llmrec.errors import ArtifactError

_WEIGHTS, _ENCODER = "weights.json", "encoder.safetensors"


def shipped_weights() -> Mapping[str, FoldWeights]:
    """By stage, what each voice is worth, learned from the development dialogues of ReDial. Raises ArtifactError."""
    with resources.as_file(resources.files("llmrec.conversation") / "resources" / _WEIGHTS) as path:
        return read_weights(path)


def shipped_projection(*, dim: int) -> Projection:
    """The conversation encoder for a text encoder with vectors of length `dim`. Raises ArtifactError."""
    with resources.as_file(resources.files("llmrec.conversation") / "resources" / _ENCODER) as path:
        return Projection.load(path, dim=dim)


def read_weights(path: Path) -> Mapping[str, FoldWeights]:
    """What `write_weights` wrote. Raises ArtifactError."""
    try:
        stages = json.loads(path.read_text("utf-8"))
        return {stage: FoldWeights(tuple(map(_weights, folds))) for stage, folds in stages.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} holds no weights of voices.", hint="Fit them again.") from error


def write_weights(path: Path, stages: Mapping[str, FoldWeights]) -> None:
    """Write the weights of every stage and fold."""
    rounded = {
        stage: [{name: round(value, 6) for name, value in fold.items()} for fold in weights.folds]
        for stage, weights in stages.items()
    }
    path.write_text(json.dumps(rounded, indent=1) + "\n", "utf-8")


def _weights(fold: Mapping[str, object]) -> Mapping[str, float]:
    return {str(name): float(str(value)) for name, value in fold.items()}
