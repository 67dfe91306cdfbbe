"""What is timed: a name, what it does, and how it scores one user's candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.lm_speed.users import Case
from llmrec.data.catalogue import Catalogue
from llmrec.prompting.textualize import history_lines, item_line

MAX_HISTORY = 20


@dataclass(frozen=True)
class System:
    """One way of ranking with a language model.

    Attributes:
        about: What it does, in words.
        score: One number per candidate of a user, in the order of `Case.item_ids`; higher is better.
        is_dear: Whether it takes so long that few users must do.
    """

    name: str
    about: str
    score: Callable[[Case], Sequence[float]]
    is_dear: bool = False


def history_text(case: Case, catalogue: Catalogue) -> str:
    """A user's history as our own prompts tell it."""
    titles = history_lines(case.query.history.item_ids, catalogue, max_items=MAX_HISTORY)
    return f"The user's history, oldest first: {'; '.join(titles)}"


def candidate_lines(case: Case, catalogue: Catalogue) -> tuple[str, ...]:
    """A user's candidates as our own prompts tell them: title with year, genres, and no description."""
    return tuple(item_line(catalogue[item_id], max_description_chars=0) for item_id in case.item_ids)
