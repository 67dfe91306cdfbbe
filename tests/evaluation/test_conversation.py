from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.situations import Situation
from llmrec.errors import DataError
from llmrec.evaluation.conversation import evaluate_rows
from llmrec.evaluation.conversation_stages import Alone, Copy
from llmrec.retrieval.scoring import ScoreTable
from tests.conversation.small import ITEMS, catalogue, row


class Fixed:
    """Alien 5, Aliens 4, Heat 3, Heat Wave 2, Clue 1, Airport 0."""

    def scores(self, situations: Sequence[Situation]) -> ScoreTable:
        return np.tile(np.arange(len(ITEMS), 0, -1, dtype=np.float32) - 1, (len(situations), 1))


def test_new_items_are_ranked_among_new_items_only(tmp_path: Path) -> None:
    rows = [row("1", "like Alien (1979)", gold=("Aliens (1986)", "Alien (1979)"))]
    found = evaluate_rows(rows, catalogue(tmp_path), {"fixed": Alone(Fixed())})
    assert found.ranks["new_only"]["fixed"].tolist() == pytest.approx([1.0, np.nan], nan_ok=True)
    assert found.ranks["all"]["fixed"].tolist() == [2.0, 1.0]


def test_copying_finds_what_was_spoken_of_last(tmp_path: Path) -> None:
    rows = [row("1", "Alien (1979) or Heat", gold=("Heat", "Clue (1985)"))]
    found = evaluate_rows(rows, catalogue(tmp_path), {"copy": Alone(Copy(len(ITEMS)))})
    # Two of six were spoken of; Clue shares the places 3 to 6, and the places 1 to 4 among the others.
    assert found.ranks["all"]["copy"].tolist() == [1.0, 4.5]
    assert found.ranks["new_only"]["copy"][1] == 2.5


def test_a_name_that_the_catalogue_lacks_is_never_found(tmp_path: Path) -> None:
    found = evaluate_rows(
        [row("1", "hi", gold=("Nowhere (2000)", "Heat"))], catalogue(tmp_path), {"fixed": Alone(Fixed())}
    )
    assert found.ranks["all"]["fixed"].tolist() == [np.inf, 3.0]
    ranks = ({"new_only": {"fixed": rank}, "all": {"fixed": rank}} for rank in (None, 3.0))
    gold = [
        {"name": name, "is_new": True, "ranks": of_it}
        for name, of_it in zip(("Nowhere (2000)", "Heat"), ranks, strict=True)
    ]
    assert list(found.per_row()) == [{"dialogue": "1", "gold": gold}]


def test_rows_of_another_catalogue_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 1 gold names is in the catalogue"):
        evaluate_rows([row("1", "hi", gold=("Nowhere",))], catalogue(tmp_path), {"fixed": Alone(Fixed())})


def test_the_numbers_have_the_promised_shape(tmp_path: Path) -> None:
    rows = [row("1", "hi", gold=("Heat",)), row("2", "hi", gold=("Alien (1979)",))]
    numbers = evaluate_rows(rows, catalogue(tmp_path), {"fixed": Alone(Fixed())}).to_json()
    assert list(numbers) == ["rows", "gold", "new_only", "all"]
    assert (numbers["rows"], numbers["gold"]) == (2, 2)
    new = numbers["new_only"]
    assert isinstance(new, dict)
    assert list(new["fixed"]) == ["R@1", "R@5", "R@10", "R@20", "R@50", "NDCG@10", "MRR"]
    assert new["fixed"]["R@1"] == {"mean": 0.5, "ci95": [0.0, 1.0]}
