"""Candidates fused by rank over whole histories."""

from dataclasses import dataclass

import pytest

from llmrec.evaluation.fused_stages import RankFusionScorer
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories
from tests.evaluation.tiny import histories, table


@dataclass(frozen=True)
class Fixed:
    """Scores that were written down."""

    name: str
    scores: ScoreTable

    def score_histories(self, histories: Histories) -> ScoreTable:
        return self.scores


def fused(*parts: Fixed, n_candidates: int = 10) -> list[float]:
    scorer = RankFusionScorer(parts, {part.name: weight for part, weight in zip(parts, (1.0, 0.5), strict=False)},
                              n_candidates, k0=1.0)  # fmt: skip
    return scorer.score_histories(histories([4]))[0].tolist()


def test_weights_over_ranks_are_summed_and_what_was_met_or_is_unknown_gets_nothing() -> None:
    # Ranks of the first: items 1, 0, 3; item 4 was met, item 2 has the lowest score. Of the second: item 3 alone.
    found = fused(Fixed("a", table([2, 3, 0, 1, 9])), Fixed("b", table([0, 0, 0, 7, 0])))
    assert found == pytest.approx([1 / 3, 1 / 2, 0, 1 / 4 + 0.5 / 2, 0])


def test_equals_share_their_mean_rank() -> None:
    assert fused(Fixed("a", table([5, 5, 0, 1, 9]))) == pytest.approx([1 / 2.5, 1 / 2.5, 0, 1 / 4, 0])


def test_all_that_tie_with_the_last_one_heard_are_heard() -> None:
    # Two are heard: item 3, and both that share rank 2 and 3.
    found = fused(Fixed("a", table([5, 5, 0, 7, 1])), n_candidates=2)
    assert found == pytest.approx([1 / 3.5, 1 / 3.5, 0, 1 / 2, 0])
