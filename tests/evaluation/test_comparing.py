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
    with pytest.raises(
        ProtocolError, match="measured differently cannot be compared: ties are file in A and random in B"
    ):
        compared(run(ease=0.5), other)


def test_different_users_are_refused() -> None:
    other = replace(run(ease=0.5), users=(*USERS[:-1], UserId("eve")))
    with pytest.raises(ProtocolError, match="different users cannot be compared"):
        compared(run(ease=0.5), other)


def test_what_is_not_there_is_named() -> None:
    one, other = run(ease=0.5, bm25=0.1), run(sasrec=1.0)
    with pytest.raises(ConfigError, match="share no stage: A has ease, bm25 and B sasrec"):
        compared(one, other)
    with pytest.raises(ConfigError, match=r"^A has no stage 'eas'\. Did you mean 'ease'\? It has ease, bm25\.$"):
        compared(one, one, stage="eas")
    with pytest.raises(ConfigError, match=r"ease of A has no metric by user 'ndcg@10'\. Did you mean 'NDCG@10'\? It"):
        compared(one, one, metrics=("ndcg@10",))


def test_the_run_that_lacks_a_stage_is_named_with_what_it_has() -> None:
    one, other = run(ease=0.5, bm25=0.1), run(sasrec=1.0)
    with pytest.raises(ConfigError, match=r"^runs/b has no stage 'ease'\. It has sasrec\.$"):
        compared(one, other, stage="ease", names=("runs/a", "runs/b"))
    with pytest.raises(ConfigError, match=r"^runs/a has no stage 'sasrec'\. It has ease, bm25\.$"):
        compared(one, other, against="sasrec", names=("runs/a", "runs/b"))
