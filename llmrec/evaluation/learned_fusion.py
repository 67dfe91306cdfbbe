"""What an evaluation learned of its voices, as the model that a recommender serves with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmrec.errors import ArtifactError, ConfigError
from llmrec.evaluation.fitting import FUSED_WITH_LM
from llmrec.evaluation.results import SPREAD, TEMPERATURE, WEIGHT, Evaluation
from llmrec.evaluation.run import Plan
from llmrec.evaluation.targets import require_place
from llmrec.ranking.fusion_model import FeatureScale, FusionModel


def require_fusion_file(path: Path, plan: Plan) -> None:
    """Raise ConfigError, before anything is computed, when `plan` learns no weights or `path` cannot hold them."""
    if FUSED_WITH_LM not in plan.stages:
        raise ConfigError(
            f"weights of the stage {FUSED_WITH_LM!r} were to be written, and it is not among the stages.",
            hint=f"Name it, as in --stages retrieval,{FUSED_WITH_LM}.",
        )
    if len(plan.seeds) != 1:
        raise ConfigError(f"weights are those of one seed, and there are {len(plan.seeds)}.", hint="Give --seeds 1.")
    require_place(path.parent, "fusion")
    if path.exists():
        try:
            FusionModel.load(path)
        except ArtifactError as error:
            raise ConfigError(f"{path} holds something else than a fusion; name another file.") from error


def learned_fusion(found: Evaluation, *, source: str) -> FusionModel:
    """The weights that all validation users together gave the voices of `fused`, one seed's; silent ones left out.

    Args:
        found: Holds that stage.
        source: Whose candidates it ordered.
    """
    stage = next(stage for name, stage in found.stages.items() if name.partition("@")[0] == FUSED_WITH_LM)
    weights = {name: weight for name, weight in _named(stage.overall, WEIGHT).items() if weight}
    return FusionModel(weights, stage.overall[TEMPERATURE], FeatureScale(source, _named(stage.overall, SPREAD)))


def _named(overall: Mapping[str, float], kind: str) -> Mapping[str, float]:
    return {key.removeprefix(kind): value for key, value in overall.items() if key.startswith(kind)}
