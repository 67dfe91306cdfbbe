"""What was said is taken back, or all of it forgotten; stories about such things are left alone."""

import pytest

from llmrec.dialogue.commands import find_reset, find_undo


@pytest.mark.parametrize(
    "text",
    ["undo", "take that back", "scratch that last one", "forget what I just said", "go back one step",
     "delete my last message", "that was a mistake, undo it", "oops, wrong button. Undo!", "undo and a western"],
)  # fmt: skip
def test_the_last_statement_is_taken_back_by(text: str) -> None:
    assert find_undo(text) is not None


@pytest.mark.parametrize(
    "text",
    ["forget the year", "forget the 80s", "remove the last one", "he goes back in time", "a mistake", "back to the sea",
     "ignore horror", "take the second one", "never mind the runtime"],
)  # fmt: skip
def test_nothing_is_taken_back_by(text: str) -> None:
    assert find_undo(text) is None


def test_taking_back_in_two_ways_at_once_is_taking_back_once() -> None:
    span = find_undo("that was a mistake, undo it")
    assert span is not None
    assert (span.start, span.end) == (0, 27)


@pytest.mark.parametrize(
    "text",
    ["start over", "restart", "let's begin anew", "forget everything I told you", "erase all of that and begin again",
     "new search please", "back to square one", "start afresh with comedies", "wipe the slate clean"],
)  # fmt: skip
def test_everything_is_forgotten_by(text: str) -> None:
    assert find_reset(text) is not None


@pytest.mark.parametrize(
    "text",
    ["a drama about starting over", "something that resets my mood", "start with the first one", "all of them",
     "forget it", "a new start in life", "drop the year", "clear it up"],
)  # fmt: skip
def test_nothing_is_forgotten_by(text: str) -> None:
    assert find_reset(text) is None
