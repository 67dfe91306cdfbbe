from collections.abc import Iterable
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Protocol, Split, Task, Ties, split
from llmrec.errors import ConfigError, DataError
from llmrec.types import Interaction, Item, ItemId, UserId

ITEMS = "abcdefghij"
NAN = float("nan")
ORDERED: tuple[Protocol, ...] = ("leave-last-out", "temporal")
FOLDED: tuple[Protocol, ...] = ("cold-items", "user-fold")


def met(histories: dict[str, str], *, at: Iterable[float] | None = None) -> Interactions:
    """`{"u": "abc"}`: user u met a, then b, then c, at the moments 0, 1, 2 or at those of `at`."""
    rows = [(user, item, float(n)) for user, items in histories.items() for n, item in enumerate(items)]
    times = [time for *_, time in rows] if at is None else list(at)
    made = (
        Interaction(UserId(user), ItemId(item), 1.0, None if np.isnan(time) else time)
        for (user, item, _), time in zip(rows, times, strict=True)
    )
    return Interactions.from_rows(made, Catalogue(Item(ItemId(name), name) for name in ITEMS))


def learned(task: Task) -> dict[str, str]:
    fit = task.fit_on
    histories = {
        user: [fit.item_ids[item] for item in fit.items[fit.rows_of(n)]] for n, user in enumerate(fit.user_ids)
    }
    return {user: "".join(items) for user, items in histories.items() if items}


def known(task: Task) -> dict[str, str]:
    histories, names = task.histories, task.fit_on.item_ids
    rows = {user: slice(*histories.starts[n : n + 2]) for n, user in enumerate(users_of(task))}
    return {user: "".join(names[item] for item in histories.items[row]) for user, row in rows.items()}


def asked(task: Task) -> dict[str, str]:
    users, names = users_of(task), task.fit_on.item_ids
    answers = task.answers
    return {user: "".join(names[item] for item in answers.items[answers.users == n]) for n, user in enumerate(users)}


def users_of(task: Task) -> list[str]:
    return [task.fit_on.user_ids[user] for user in task.users]


HISTORIES = {"u": "abcd", "v": "ba", "w": "cba"}


def test_the_last_is_tested_and_the_one_before_validates() -> None:
    cut = split(met(HISTORIES), protocol="leave-last-out")
    (validation,), (test,) = cut.validation, cut.test
    assert asked(validation) == {"u": "c", "w": "b"}
    assert known(validation) == {"u": "ab", "w": "c"}
    assert asked(test) == {"u": "d", "w": "a"}
    assert known(test) == {"u": "abc", "w": "cb"}


def test_who_did_too_little_is_learned_from_and_not_tested() -> None:
    cut = split(met(HISTORIES), protocol="leave-last-out")
    assert learned(cut.validation[0]) == {"u": "ab", "v": "ba", "w": "c"}
    assert learned(cut.test[0]) == {"u": "abc", "v": "ba", "w": "cb"}


def test_rows_of_one_moment_stay_in_the_order_of_reading() -> None:
    cut = split(met({"u": "dbca"}, at=[5, 5, 5, 5]), protocol="leave-last-out", ties="file")
    assert asked(cut.test[0]) == {"u": "a"}
    assert known(cut.test[0]) == {"u": "dbc"}


def test_ties_at_random_shuffle_only_what_happened_at_one_moment() -> None:
    rows = met({"u": "abcdefgh"}, at=[1, 1, 1, 1, 2, 2, 2, 2])
    orders = {
        known(cut.test[0])["u"] + asked(cut.test[0])["u"]
        for cut in (split(rows, protocol="leave-last-out", ties="random", seed=seed) for seed in range(20))
    }
    assert len(orders) > 10
    assert {"".join(sorted(order[:4])) for order in orders} == {"abcd"}


def test_the_same_seed_gives_the_same_order_of_ties() -> None:
    rows = met({"u": "abcdefgh"}, at=[1] * 8)
    first, second = (split(rows, protocol="leave-last-out", ties="random", seed=3) for _ in range(2))
    assert known(first.test[0]) == known(second.test[0])


def test_an_order_without_clock_times_is_no_tie() -> None:
    rows = met({"u": "dbca", "v": "abcd"}, at=[NAN] * 8)
    cut = split(rows, protocol="leave-last-out", ties="random", seed=1)
    assert known(cut.test[0]) == {"u": "dbc", "v": "abc"}


def test_a_global_cut_asks_for_all_that_came_after_it() -> None:
    # Of the moments 0 to 20 the quantiles are 16 and 18; what happens at a cut is before it.
    at = [0, 1, 2, 19, 20, 3, 4, 5, 6, 7, 8, 9, 10, 11, 17, 12, 13, 14, 15, 16, 18]
    cut = split(met({"u": "abcde", "v": "abcdefghij", "w": "abcdef"}, at=at), protocol="temporal")
    (validation,), (test,) = cut.validation, cut.test
    assert (asked(validation), asked(test)) == ({"v": "j", "w": "f"}, {"u": "de"})
    assert (known(validation), known(test)) == ({"v": "abcdefghi", "w": "abcde"}, {"u": "abc"})
    assert learned(validation) == {"u": "abc", "v": "abcdefghi", "w": "abcde"}
    assert learned(test) == {"u": "abc", "v": "abcdefghij", "w": "abcdef"}


def test_who_first_came_after_the_cut_is_not_tested() -> None:
    at = [*range(9), 20, *range(9, 19), 19]
    cut = split(met({"u": "abcdefghij", "v": "abcdefghij", "w": "a"}, at=at), protocol="temporal")
    assert asked(cut.test[0]) == {"u": "j"}
    assert "w" not in learned(cut.test[0])


COLD = {"u": "abcd", "v": "bcda", "w": "cdab", "x": "dabc", "y": "abce", "z": "efgh"}


def test_cold_items_are_in_nothing_that_is_learned_or_known() -> None:
    for part in (split(met(COLD), protocol="cold-items").validation, split(met(COLD), protocol="cold-items").test):
        for task in part:
            assert task.cold is not None
            assert not task.cold[task.fit_on.items].any()
            assert not task.cold[task.histories.items].any()
            assert task.cold[task.answers.items].all()


def test_every_user_is_tested_in_the_fold_of_the_last_item() -> None:
    cut = split(met(COLD), protocol="cold-items", n_folds=3)
    answers = [pair for task in cut.test for pair in asked(task).items()]
    assert sorted(answers) == [(user, items[-1]) for user, items in COLD.items()]
    before = [pair for task in cut.validation for pair in asked(task).items()]
    assert sorted(before) == [(user, items[-2]) for user, items in COLD.items()]


def test_cold_folds_are_disjoint_and_cover_the_catalogue() -> None:
    histories = {f"u{n}": ITEMS[n + 1 :] + ITEMS[: n + 1] for n in range(10)}
    cut = split(met(histories), protocol="cold-items", n_folds=10)
    assert len(cut.test) == 10
    masks = [task.cold for task in cut.test if task.cold is not None]
    assert np.sum(masks, axis=0).tolist() == [1] * 10


def test_a_cold_history_is_what_came_before_without_the_folds_items() -> None:
    for task in split(met(COLD), protocol="cold-items", n_folds=2).test:
        assert task.cold is not None
        cold = {ITEMS[n] for n in np.flatnonzero(task.cold)}
        for user, history in known(task).items():
            assert history == "".join(item for item in COLD[user][:-1] if item not in cold)


def test_a_cold_history_may_be_empty() -> None:
    cuts = (split(met({"u": "abc"}), protocol="cold-items", n_folds=2, seed=seed) for seed in range(30))
    assert {known(cut.test[0])["u"] for cut in cuts} == {"", "a", "b", "ab"}


def test_cold_validation_holds_no_last_interaction_of_anyone() -> None:
    for task in split(met(COLD), protocol="cold-items", n_folds=2).validation:
        assert task.cold is not None
        warm = {ITEMS[n] for n in np.flatnonzero(~task.cold)}
        expected = {user: "".join(i for i in items[:-1] if i in warm) for user, items in COLD.items()}
        assert learned(task) == {user: items for user, items in expected.items() if items}


def test_one_out_at_random_keeps_the_order_of_the_rest() -> None:
    rows = met({"u": "abcdef"}, at=[NAN] * 6)
    for seed in range(10):
        cut = split(rows, protocol="random-one-out", has_time=False, seed=seed)
        (validation,), (test,) = cut.validation, cut.test
        answer, before = asked(test)["u"], asked(validation)["u"]
        assert known(test)["u"] == "abcdef".replace(answer, "")
        assert known(validation)["u"] == "abcdef".replace(answer, "").replace(before, "")


def test_one_out_at_random_draws_any_item_of_a_user() -> None:
    rows = met({"u": "abcd"}, at=[NAN] * 4)
    cuts = [split(rows, protocol="random-one-out", has_time=False, seed=seed) for seed in range(40)]
    assert {asked(cut.test[0])["u"] for cut in cuts} == set("abcd")
    assert {asked(cut.validation[0])["u"] for cut in cuts} == set("abcd")


def test_a_fold_of_users_is_predicted_from_the_others_alone() -> None:
    cut = split(met(COLD), protocol="user-fold", n_folds=3)
    assert len(cut.test) == 3
    assert sorted(user for task in cut.test for user in users_of(task)) == sorted(COLD)
    for task in cut.test:
        assert learned(task) == {user: items for user, items in COLD.items() if user not in users_of(task)}
        assert asked(task) == {user: COLD[user][-1] for user in users_of(task)}
        assert known(task) == {user: COLD[user][:-1] for user in users_of(task)}
    for task in cut.validation:
        assert learned(task) == {user: items[:-1] for user, items in COLD.items() if user not in users_of(task)}
        assert asked(task) == {user: COLD[user][-2] for user in users_of(task)}
        assert known(task) == {user: COLD[user][:-2] for user in users_of(task)}


@pytest.mark.parametrize("protocol", ORDERED)
def test_data_without_time_is_refused_by_what_needs_it(protocol: Protocol) -> None:
    expected = rf"^{protocol} needs the order in time, which this data does not have; use random-one-out\.$"
    with pytest.raises(DataError, match=expected):
        split(met(HISTORIES), protocol=protocol, has_time=False)


def test_a_global_cut_needs_clock_times() -> None:
    rows = met({"u": "abcd"}, at=[NAN] * 4)
    with pytest.raises(DataError, match=r"^temporal needs clock times, .*; use leave-last-out\.$"):
        split(rows, protocol="temporal")
    assert asked(split(rows, protocol="leave-last-out").test[0]) == {"u": "d"}


@pytest.mark.parametrize("protocol", FOLDED)
def test_without_time_the_last_item_of_a_fold_is_drawn(protocol: Protocol) -> None:
    rows = met({"u": "abcd"}, at=[NAN] * 4)
    cuts = [split(rows, protocol=protocol, has_time=False, seed=seed, n_folds=2) for seed in range(40)]
    assert {asked(task)["u"] for cut in cuts for task in cut.test} == set("abcd")


def test_a_repeated_pair_is_refused() -> None:
    with pytest.raises(DataError, match=r"^1 interactions repeat a pair .* `without_repeats` gives"):
        split(met({"u": "abca"}), protocol="leave-last-out")


def test_nobody_to_test_is_said() -> None:
    with pytest.raises(DataError, match=r"^leave-last-out finds nobody to test among 2 users"):
        split(met({"u": "ab", "v": "b"}), protocol="leave-last-out")


def test_no_interactions_are_not_cut() -> None:
    with pytest.raises(DataError, match="no interactions"):
        split(met({}), protocol="leave-last-out")


@pytest.mark.parametrize(("seed", "n_folds"), [(-1, 10), (0, 1)])
def test_numbers_out_of_range_are_refused(seed: int, n_folds: int) -> None:
    with pytest.raises(ConfigError, match=f"seed is {seed} and n_folds {n_folds}"):
        split(met(HISTORIES), protocol="user-fold", seed=seed, n_folds=n_folds)


HISTORY = st.lists(st.sampled_from(ITEMS), min_size=3, max_size=10, unique=True).map("".join)


def asked_pairs(task: Task) -> set[tuple[int, int]]:
    return set(zip(task.users[task.answers.users].tolist(), task.answers.items.tolist(), strict=True))


def seen_by(task: Task) -> set[tuple[int, int]]:
    return set(zip(task.users[task.histories.users].tolist(), task.histories.items.tolist(), strict=True))


def pairs_of(interactions: Interactions) -> set[tuple[int, int]]:
    return set(zip(interactions.users.tolist(), interactions.items.tolist(), strict=True))


def check(cut: Split) -> None:
    asked_in_test = {pair for task in cut.test for pair in asked_pairs(task)}
    for task in cut.validation:
        assert not asked_in_test & (asked_pairs(task) | seen_by(task) | pairs_of(task.fit_on))
    for task in (*cut.validation, *cut.test):
        answers = asked_pairs(task)
        assert answers <= pairs_of(cut.interactions)
        assert not answers & seen_by(task)
        assert not answers & pairs_of(task.fit_on)
        assert len(task.histories) == len(task.users)
        assert np.unique(task.answers.users).tolist() == list(range(len(task.users)))
        assert (np.diff(task.users) > 0).all()


@settings(max_examples=60, deadline=None)
@given(
    histories=st.lists(HISTORY, min_size=4, max_size=8),
    protocol=st.sampled_from(get_args(Protocol)),
    ties=st.sampled_from(get_args(Ties)),
    seed=st.integers(0, 5),
)
def test_no_answer_is_known_or_learned_from_under_any_protocol(
    histories: list[str], protocol: Protocol, ties: Ties, seed: int
) -> None:
    rows = met({f"u{n}": items for n, items in enumerate(histories)})
    try:
        cut = split(rows, protocol=protocol, ties=ties, seed=seed, n_folds=3)
    except DataError as error:
        assert "finds nobody to test" in error.message  # noqa: PT017 - a global cut may find nobody who came back
    else:
        check(cut)
