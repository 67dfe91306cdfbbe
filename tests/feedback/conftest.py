"""Opens stores and closes them again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from llmrec.feedback import SQLFeedbackStore

Opening = Callable[[Callable[[], SQLFeedbackStore]], SQLFeedbackStore]


@pytest.fixture
def kept_open() -> Iterator[Opening]:
    with ExitStack() as stack:
        yield lambda make: stack.enter_context(make())
