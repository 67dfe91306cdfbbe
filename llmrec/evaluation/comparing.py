"""Two results against each other, user by user; refused unless they were measured alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import N_DRAWS
from llmrec.evaluation.protocol import ProtocolError, require_same
from llmrec.evaluation.results import Difference, Evaluation, StageResult
from llmrec.evaluation.significance import paired_differences
from llmrec.stages import require_stages

_SEED = 0


def compared(
    a: Evaluation,
    b: Evaluation,
    *,
    stage: str = "",
    against: str = "",
    metrics: Sequence[str] = ("NDCG@10",),
    n_draws: int = N_DRAWS,
) -> tuple[Difference, ...]:
    """`a` minus `b`, for one pair of stages or for each stage that both have.

    Args:
        a: The one.
        b: The other.
        stage: Of `a`; empty takes every stage that both have, or the only one of each.
        against: Of `b`; the same as `stage` when empty.
        metrics: Which, in this order.
        n_draws: Of the paired bootstrap.

    Raises:
        ProtocolError: The two were measured differently, or on different users.
        ConfigError: A stage or metric is in neither or only one of them.
    """
    require_same(a.protocol, b.protocol)
    if a.users != b.users:
        raise ProtocolError(
            f"results of different users cannot be compared: {len(a.users)} were tested in one and {len(b.users)} in "
            "the other, and they are not the same."
        )
    found: list[Difference] = []
    for one, other in _pairs(a, b, stage, against):
        left, right = _only(a.stages[one], metrics), _only(b.stages[other], metrics)
        found += paired_differences(left, right, seed=_SEED, n_draws=n_draws)
    return tuple(found)


def _pairs(a: Evaluation, b: Evaluation, stage: str, against: str) -> list[tuple[str, str]]:
    if stage or against:
        one, other = stage or against, against or stage
        require_stages([one], a.stages)
        require_stages([other], b.stages)
        return [(one, other)]
    shared = [(name, name) for name in a.stages if name in b.stages]
    if not shared and len(a.stages) == len(b.stages) == 1:
        return [(next(iter(a.stages)), next(iter(b.stages)))]
    if not shared:
        raise ConfigError(
            f"the results share no stage: {', '.join(a.stages)} here, {', '.join(b.stages)} there.",
            hint="Name one of each with --stage and --against.",
        )
    return shared


def _only(stage: StageResult, metrics: Sequence[str]) -> StageResult:
    for metric in metrics:
        if metric not in stage.per_user:
            raise ConfigError(
                f"{stage.name} has no metric {metric!r} by user.", hint=f"Known: {', '.join(stage.per_user)}."
            )
    return replace(stage, per_user={metric: stage.per_user[metric] for metric in metrics})
