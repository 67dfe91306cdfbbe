"""Two results against each other, user by user; refused unless they were measured alike."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from llmrec.errors import ConfigError
from llmrec.evaluation.estimates import N_DRAWS
from llmrec.evaluation.protocol import ProtocolError, require_same
from llmrec.evaluation.results import Difference, Evaluation, StageResult
from llmrec.evaluation.significance import paired_differences

_SEED = 0


def compared(
    a: Evaluation,
    b: Evaluation,
    *,
    stage: str = "",
    against: str = "",
    metrics: Sequence[str] = ("NDCG@10",),
    n_draws: int = N_DRAWS,
    names: tuple[str, str] = ("A", "B"),
) -> tuple[Difference, ...]:
    """`a` minus `b`, for one pair of stages or for each stage that both have.

    Args:
        a: The one.
        b: The other.
        stage: Of `a`; empty takes every stage that both have, or the only one of each.
        against: Of `b`; the same as `stage` when empty.
        metrics: Which, in this order.
        n_draws: Of the paired bootstrap.
        names: What messages call `a` and `b`.

    Raises:
        ProtocolError: The two were measured differently, or on different users.
        ConfigError: A stage or metric is in neither or only one of them.
    """
    require_same(a.protocol, b.protocol, names=names)
    if a.users != b.users:
        raise ProtocolError(
            f"results of different users cannot be compared: {len(a.users)} were tested in {names[0]} and"
            f" {len(b.users)} in {names[1]}, and they are not the same."
        )
    found: list[Difference] = []
    for one, other in _pairs(a, b, (stage or against, against or stage), names):
        left, right = _only(a.stages[one], metrics, names[0]), _only(b.stages[other], metrics, names[1])
        found += paired_differences(left, right, seed=_SEED, n_draws=n_draws)
    return tuple(found)


def _pairs(a: Evaluation, b: Evaluation, asked: tuple[str, str], names: tuple[str, str]) -> Sequence[tuple[str, str]]:
    if all(asked):
        for evaluation, stage, name in zip((a, b), asked, names, strict=True):
            _require("stage", stage, evaluation.stages, of=name)
        return [asked]
    shared = [(name, name) for name in a.stages if name in b.stages]
    if not shared and len(a.stages) == len(b.stages) == 1:
        return [(next(iter(a.stages)), next(iter(b.stages)))]
    if not shared:
        raise ConfigError(
            f"the results share no stage: {names[0]} has {', '.join(a.stages)} and {names[1]} {', '.join(b.stages)}.",
            hint="Name one of each with --stage and --against.",
        )
    return shared


def _only(stage: StageResult, metrics: Sequence[str], name: str) -> StageResult:
    for metric in metrics:
        _require("metric by user", metric, stage.per_user, of=f"{stage.name} of {name}")
    return replace(stage, per_user={metric: stage.per_user[metric] for metric in metrics})


def _require(what: str, wanted: str, known: Iterable[str], *, of: str) -> None:
    """Raise ConfigError, with the nearest and all of those known, when `wanted` is none of them."""
    by_key = {name.casefold(): name for name in known}
    if wanted not in by_key.values():
        near = difflib.get_close_matches(wanted.casefold(), by_key, n=1, cutoff=0.7)
        meant = f"Did you mean {by_key[near[0]]!r}? " if near else ""
        raise ConfigError(f"{of} has no {what} {wanted!r}.", hint=f"{meant}It has {', '.join(by_key.values())}.")
