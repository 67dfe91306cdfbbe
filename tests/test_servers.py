"""Keys and the circuit breaker."""

import pytest

from llmrec.errors import ConfigError
from llmrec.servers import CircuitBreaker, is_loopback, key_for


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def call(breaker: CircuitBreaker, outcome: str) -> str:
    """Fails with `outcome`, or succeeds when it is empty; a refusal comes back as its reason."""
    try:
        with breaker.guarding(RuntimeError, lambda reason: ValueError(reason)):
            if outcome:
                raise RuntimeError(outcome)
    except (RuntimeError, ValueError) as error:
        return str(error)
    return "done"


def test_the_breaker_opens_after_failures_in_a_row_and_closes_after_a_trial() -> None:
    clock = _Clock()
    breaker = CircuitBreaker(max_failures=2, rest_s=10, clock=clock)
    assert [call(breaker, text) for text in ("down", "", "down", "down")] == ["down", "done", "down", "down"]
    assert call(breaker, "") == "failed 2 times in a row and is not asked for 10 s"
    clock.now += 10
    assert call(breaker, "still down") == "still down"  # the trial
    assert call(breaker, "") == "failed 3 times in a row and is not asked for 20 s"
    clock.now += 20
    assert call(breaker, "") == "done"
    assert call(breaker, "down") == "down"
    assert call(breaker, "") == "done"


def test_only_one_call_is_the_trial() -> None:
    clock = _Clock()
    breaker = CircuitBreaker(max_failures=1, rest_s=10, clock=clock)
    call(breaker, "down")
    clock.now += 11
    with breaker.guarding(RuntimeError, lambda reason: ValueError(reason)):
        assert call(breaker, "") == "failed 1 times in a row and is not asked for 0 s"
    assert call(breaker, "") == "done"


def test_a_trial_that_ends_otherwise_leaves_room_for_the_next() -> None:
    clock = _Clock()
    breaker = CircuitBreaker(max_failures=1, rest_s=10, clock=clock)
    call(breaker, "down")
    clock.now += 11
    with pytest.raises(KeyboardInterrupt), breaker.guarding(RuntimeError, lambda reason: ValueError(reason)):
        raise KeyboardInterrupt
    assert call(breaker, "") == "done"


def test_a_rest_has_a_longest() -> None:
    clock = _Clock()
    breaker = CircuitBreaker(max_failures=1, rest_s=10, max_rest_s=25, clock=clock)
    for _ in range(40):
        call(breaker, "down")
        clock.now += 25
    call(breaker, "down")
    assert "not asked for 25 s" in call(breaker, "")


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("x.test", False)]
)
def test_this_machine_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_key_needs_its_host_beside_it_unless_that_is_this_machine() -> None:
    assert key_for("x.test", "KEY", {}) == ""
    assert key_for("127.0.0.1", "KEY", {"KEY": "k"}) == "k"
    assert key_for("x.test", "KEY", {"KEY": "k", "KEY_HOST": "x.test"}) == "k"
    with pytest.raises(ConfigError, match=r"KEY is set, but not said to be for x\.test\. Set KEY_HOST=x\.test"):
        key_for("x.test", "KEY", {"KEY": "k"})
