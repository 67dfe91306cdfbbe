"""Two results are compared user by user, and only when they were measured alike."""

from dataclasses import replace

import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.evaluation.comparing import compared
from llmrec.evaluation.protocol import DataRecord, ProtocolError, ProtocolRecord
from llmrec.evaluation.results import Evaluation, StageResult
from llmrec.types import UserId

RECORD = ProtocolRecord(
    protocol="leave-last-out",
    part="test",
    ties="file",
    core=5,
    data=DataRecord("films", "a" * 64, 40, 2, 9),
    split_sha256="b" * 64,
    seeds=(0,),
    commit="c0ffee",
)
USERS = tuple(UserId(str(number)) for number in range(40))


def run(**stages: float) -> Evaluation:
    """Every stage with one value for half of the users and 0 for the others."""
    found = {
        name: StageResult(name, {metric: np.repeat([0.0, value], 20) for metric in ("NDCG@10", "R@10")})
        for name, value in stages.items()
    }
    return Evaluation(RECORD, USERS, found)


def test_shared_stages_are_compared() -> None:
    found = compared(run(ease=0.5, sasrec=1.0), run(ease=0.25, bm25=1.0), n_draws=200)
    assert [(one.a, one.b, one.metric) for one in found] == [("ease", "ease", "NDCG@10")]
    assert found[0].mean == pytest.approx(0.125)
    assert found[0].is_shown


def test_the_same_twice_shows_no_difference() -> None:
    [found] = compared(run(ease=0.5), run(ease=0.5), n_draws=200)
    assert (found.mean, found.ci95, found.is_shown) == (0.0, (0.0, 0.0), False)


def test_the_only_stage_of_each_is_compared() -> None:
    [found] = compared(run(ease=0.5), run(sasrec=1.0), n_draws=200)
    assert (found.a, found.b) == ("ease", "sasrec")
    assert found.mean == pytest.approx(-0.25)


def test_stages_and_metrics_can_be_named() -> None:
    a, b = run(ease=0.5, bm25=0.1), run(sasrec=1.0, ease=0.5)
    found = compared(a, b, stage="ease", against="sasrec", metrics=("R@10", "NDCG@10"), n_draws=200)
    assert [(one.a, one.b, one.metric) for one in found] == [
        ("ease", "sasrec", "R@10"),
        ("ease", "sasrec", "NDCG@10"),
    ]


def test_different_protocols_are_refused() -> None:
    other = replace(run(ease=0.5), protocol=replace(RECORD, ties="random"))
    with pytest.raises(ProtocolError, match="different protocols cannot be compared: ties is file in one and random"):
        compared(run(ease=0.5), other)


def test_different_users_are_refused() -> None:
    other = replace(run(ease=0.5), users=(*USERS[:-1], UserId("eve")))
    with pytest.raises(ProtocolError, match="different users cannot be compared"):
        compared(run(ease=0.5), other)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="share no stage: ease, bm25 here, sasrec there"):
        compared(run(ease=0.5, bm25=0.1), run(sasrec=1.0))
    with pytest.raises(ConfigError, match=r"no stage is called 'eas'\. Did you mean 'ease'\?"):
        compared(run(ease=0.5), run(ease=0.5), stage="eas")
    with pytest.raises(ConfigError, match=r"ease has no metric 'NDCG@7' by user\. Known: NDCG@10, R@10"):
        compared(run(ease=0.5), run(ease=0.5), metrics=("NDCG@7",))
