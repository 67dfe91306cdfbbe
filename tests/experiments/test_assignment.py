import numpy as np
from scipy import stats

from llmrec.experiments.assignment import arm_number, place_of
from llmrec.types import UserId

USERS = [UserId(f"user {number}") for number in range(10_000)]
HALVES = (0.5, 0.5)


def places(salt: str) -> np.ndarray:
    return np.array([place_of(user, salt=salt) for user in USERS])


def test_a_user_is_in_the_same_arm_at_every_request() -> None:
    assert arm_number(UserId("ann"), HALVES, salt="x") == arm_number(UserId("ann"), HALVES, salt="x")


def test_the_assignment_never_changes_between_versions() -> None:
    # Users would swap arms in the middle of a running experiment.
    found = [arm_number(UserId(name), (0.2, 0.3, 0.5), salt="colours") for name in ("ann", "bob", "cho", "", "dan")]
    assert found == [1, 1, 2, 0, 1]


def test_places_are_uniform() -> None:
    assert stats.kstest(places("colours"), "uniform").pvalue > 0.001


def test_two_experiments_are_independent() -> None:
    a, b = places("colours") < 0.5, places("shapes") < 0.5
    table = np.array([[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]])
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_a_salt_and_an_id_are_not_one_text() -> None:
    assert place_of(UserId("bc"), salt="a") != place_of(UserId("c"), salt="ab")


def test_each_arm_gets_its_share() -> None:
    found = np.bincount([arm_number(user, (0.1, 0.6, 0.3), salt="sizes") for user in USERS]) / len(USERS)
    np.testing.assert_allclose(found, [0.1, 0.6, 0.3], atol=0.015)


def test_shares_that_round_below_one_leave_nobody_out() -> None:
    assert arm_number(UserId("ann"), (0.0, 0.0), salt="x") == 1
