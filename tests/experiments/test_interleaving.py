import numpy as np
import pytest

from llmrec.experiments.interleaving import preference, team_draft
from llmrec.types import ItemId
from tests.experiments.rows import feedback, impression

A = [ItemId(name) for name in "abcd"]
B = [ItemId(name) for name in "badc"]
CLICKS = frozenset({"like"})


def test_each_round_gives_each_team_one_place() -> None:
    for seed in range(20):
        found = team_draft((A, B), 4, rng=np.random.default_rng(seed))
        assert sorted(found.item_ids) == sorted(A)
        assert sorted(found.teams[:2]) == sorted(found.teams[2:]) == [0, 1]


def test_a_team_picks_its_best_item_that_is_left() -> None:
    found = team_draft((A, A), 3, rng=np.random.default_rng(0))
    assert found.item_ids == tuple(A[:3])


def test_both_begin_equally_often() -> None:
    rng = np.random.default_rng(0)
    begins = [team_draft((A, B), 2, rng=rng).teams[0] for _ in range(2000)]
    assert np.mean(begins) == pytest.approx(0.5, abs=0.04)


def test_a_ranking_that_runs_out_leaves_the_rest_to_the_other() -> None:
    found = team_draft((A, []), 3, rng=np.random.default_rng(1))
    assert found.item_ids == tuple(A[:3])
    assert found.teams == (0, 0, 0)
    assert team_draft(([], []), 3, rng=np.random.default_rng(1)).item_ids == ()


def test_users_count_and_not_their_lists() -> None:
    shown = [
        impression(user, item, f"test/{arm}", query=query)
        for user, query in [("ann", "1"), ("ann", "2"), ("bob", "3"), ("cho", "4")]
        for item, arm in [("x", "old"), ("y", "new")]
    ]
    # Ann prefers the new one twice, Bob the old one; Cho clicks one of each.
    said = [feedback("ann", "y", "like"), feedback("bob", "x", "like")]
    said += [feedback("cho", "x", "like"), feedback("cho", "y", "like")]
    found = preference("test", ("old", "new"), shown, said, clicks=CLICKS)
    assert (found.n_lists, found.n_won) == (4, 2)
    assert (found.mean.value, found.mean.n_users) == (0.0, 2)
