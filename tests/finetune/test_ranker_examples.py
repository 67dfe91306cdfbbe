"""Where candidates come from, how examples are kept, and in which order they are seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from finetune.ranker_candidates import CandidatePlan, training_rows, validation_cases
from finetune.ranker_data import RankerData, of_recommender
from finetune.ranker_examples import Draw, ExampleSet, LengthGroups, sha256_of, write_examples
from llmrec import index
from llmrec.build import Overrides, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.finetune.tiny_ranker import planted_catalogue, planted_data, planted_rows

PLAN = CandidatePlan("popularity", folds=3, per_user=2, pool=5, seed=0)


@pytest.fixture(scope="module")
def data() -> RankerData:
    return planted_data(24)


def test_candidates_are_what_a_retriever_finds_that_never_saw_the_answer() -> None:
    """Everybody met `common` first; only the last learnable step of one user is `rare`."""
    items = [Item(ItemId(name), name, {}) for name in ("common", "second", "rare", "x", "y")]
    catalogue = Catalogue(items)
    met = {user: ["common", "second", "x", "y"] for user in "abcdefgh"} | {"z": ["common", "rare", "x", "y"]}
    rows = [
        Interaction(UserId(user), ItemId(item), 1.0, float(step))
        for user, names in met.items()
        for step, item in enumerate(names)
    ]
    data = _data_of(catalogue, rows)
    found = list(training_rows(data, replace(PLAN, per_user=1)))
    assert len(found) == 9
    (rare,) = (row for row in found if row["items"][0] == 2)  # type: ignore[index]
    assert rare["history"] == [0]
    # Fitted on all of it, the retriever would give `rare` the 1 of this very step.
    assert rare["scores"][0] == 0  # type: ignore[index]
    assert rare["items"] == [2, 1, 3, 4]


def test_nothing_a_user_met_is_a_wrong_candidate(data: RankerData) -> None:
    known = data.training.validation.fit_on
    for row in training_rows(data, PLAN):
        met = set(known.items[known.rows_of(int(str(row["user"])))].tolist())
        answer, *wrong = row["items"]  # type: ignore[misc]
        assert answer in met
        assert not met & set(wrong)
        assert answer not in row["history"]  # type: ignore[operator]


def test_answers_of_validation_and_test_are_in_no_history_and_no_example(data: RankerData) -> None:
    task = data.training.validation
    hidden = {(int(task.users[user]), item) for user, item in zip(task.answers.users, task.answers.items, strict=True)}
    rows = list(training_rows(data, PLAN))
    shown = {(row["user"], item) for row in rows for item in [*row["history"], row["items"][0]]}  # type: ignore[misc, index]
    assert len(rows) == 48
    assert not hidden & shown
    # Five of seven are learned from: the last two steps of those, after three and after four.
    assert {len(row["history"]) for row in rows} == {3, 4}  # type: ignore[arg-type]


def test_a_validation_slate_is_the_retrievers_and_holds_the_answer(data: RankerData) -> None:
    cases = validation_cases(data, PLAN, slate_size=20)
    assert 0 < len(cases) <= 24
    for case in cases:
        item_ids = [candidate.item_id for candidate in case.candidates]
        assert case.answer in item_ids
        assert not set(item_ids) & set(case.query.history.item_ids)
        assert [c.score for c in case.candidates] == sorted((c.score for c in case.candidates), reverse=True)
    assert cases == validation_cases(data, PLAN, slate_size=20)


def test_examples_are_written_once_and_whole(tmp_path: Path, data: RankerData) -> None:
    path = tmp_path / "examples.arrow"
    write_examples(training_rows(data, PLAN), path)
    before = sha256_of(path)
    write_examples(iter(()), path)
    assert sha256_of(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["examples.arrow"]
    again = tmp_path / "again.arrow"
    write_examples(training_rows(data, PLAN), again)
    assert sha256_of(again) == before


def test_nothing_to_learn_from_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is nothing to learn from: no user has two interactions left"):
        write_examples(iter(()), tmp_path / "examples.arrow")
    assert not list(tmp_path.iterdir())


def test_a_draw_shows_the_answer_among_wrong_ones_in_another_order_each_pass(tmp_path: Path, data: RankerData) -> None:
    path = tmp_path / "examples.arrow"
    write_examples(training_rows(data, PLAN), path)
    examples = ExampleSet(path, data.training.catalogue, slate_size=4, seed=0)
    draws = [examples[Draw(0, epoch)] for epoch in range(20)]
    answers = {draw.item_ids[draw.target] for draw in draws}
    assert len(answers) == 1
    assert all(len(draw.item_ids) == len(set(draw.item_ids)) == 4 for draw in draws)
    assert {draw.target for draw in draws} == {0, 1, 2, 3}
    assert len({frozenset(draw.item_ids) for draw in draws}) > 1
    assert examples[Draw(0, 3)].item_ids == draws[3].item_ids


def test_a_pass_sees_every_example_once_and_like_lengths_together() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 1000).tolist()
    order = LengthGroups(lengths, group=8, seed=0)
    first = [draw.index for draw in order]
    assert sorted(first) == list(range(1000))
    spreads = [np.ptp([lengths[index] for index in first[start : start + 8]]) for start in range(0, 992, 8)]
    assert np.mean(spreads) < 10
    assert first == [draw.index for draw in order]
    order.epoch = 1
    second = list(order)
    assert [draw.index for draw in second] != first
    assert {draw.epoch for draw in second} == {1}


def test_the_smaller_last_step_stays_last() -> None:
    order = [draw.index for draw in LengthGroups([5, 4, 3, 2, 1], group=2, seed=0)]
    assert order[-1] == 4


def test_one_item_is_nothing_to_tell_apart() -> None:
    catalogue = Catalogue([Item(ItemId("1"), "one", {})])
    rows = [Interaction(UserId(user), ItemId("1"), 1.0, 1.0) for user in "abc"]
    with pytest.raises(DataError, match=r"the catalogue has 1 item: there is nothing to tell apart\. Give two"):
        _data_of(catalogue, rows)


def test_a_recommenders_own_data_is_cut_anew() -> None:
    catalogue = planted_catalogue()
    fitted = _fitted(catalogue, planted_rows(12))
    task = of_recommender(fitted, seed=0).training.validation
    assert len(task.fit_on) == 12 * 5
    assert len(task.users) == 12


def _fitted(catalogue: Catalogue, rows: list[Interaction]) -> index.Fitted:
    settings = Settings().changed(["retrieval.hybrid=0", "retrieval.popularity=1", "language_model.model=none"])
    overrides = Overrides(encoder=HashingEmbedder())
    return fit_tables(
        catalogue, Interactions.from_rows(rows, catalogue), settings=settings, name="mine", overrides=overrides
    )


def _data_of(catalogue: Catalogue, rows: list[Interaction]) -> RankerData:
    return of_recommender(_fitted(catalogue, rows), seed=0)
