"""Batches, the hold-out value, early stopping and the refit."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from llmrec.errors import ConfigError
from llmrec.retrieval.sequential import SASRecRetriever
from llmrec.retrieval.sequential_batches import cut, held_out, padded, shuffled_batches
from llmrec.retrieval.sequential_model import SequenceNetwork
from llmrec.retrieval.sequential_plan import EpochReport, NetworkShape, TextReading, TrainingPlan
from llmrec.retrieval.sequential_training import next_item_ndcg
from tests.retrieval.walks import QUICK, TINY, walks


def test_every_item_but_the_oldest_is_a_target_once() -> None:
    sequence = np.arange(8)
    pieces = cut([sequence, np.array([9]), np.array([], dtype=np.int64)], max_length=3)
    assert [piece.tolist() for piece in pieces] == [[4, 5, 6, 7], [1, 2, 3, 4], [0, 1]]


def test_short_pieces_are_filled_on_the_left() -> None:
    assert padded([np.array([1, 2, 3]), np.array([4])]).tolist() == [[1, 2, 3], [-1, -1, 4]]
    assert padded([]).shape == (0, 0)


def test_batches_hold_every_piece_once() -> None:
    pieces = [np.full(2 + n % 5, n) for n in range(50)]
    batches = list(shuffled_batches(pieces, 8, np.random.default_rng(0)))
    assert max(len(batch) for batch in batches) == 8
    assert sorted(batch[row, -1] for batch in batches for row in range(len(batch))) == list(range(50))


def test_the_last_items_of_longer_histories_are_held_out() -> None:
    sequences = [np.array([1, 2, 3]), np.array([4, 5]), np.array([6, 7, 8, 9])]
    rest, histories, answers = held_out(sequences, 99, np.random.default_rng(0))
    assert [row.tolist() for row in rest] == [[1, 2], [4, 5], [6, 7, 8]]
    assert [row.tolist() for row in histories] == [[1, 2], [6, 7, 8]]
    assert answers.tolist() == [3, 9]
    rest, histories, answers = held_out(sequences, 1, np.random.default_rng(0))
    assert (len(histories), len(answers), sum(map(len, rest))) == (1, 1, 8)


def test_no_place_sees_a_later_one() -> None:
    torch.manual_seed(0)
    network = SequenceNetwork(5, replace(TINY, dropout=0.0)).eval()
    torch.nn.init.normal_(network.blocks[0].attention.by_distance)
    with torch.inference_mode():
        one, other = (network(torch.tensor([row]), network.item_vectors()) for row in ([-1, 0, 1, 2], [-1, 0, 1, 4]))
    torch.testing.assert_close(one[:, 1:3], other[:, 1:3])
    assert not torch.allclose(one[:, 3], other[:, 3])


def test_filling_up_changes_nothing() -> None:
    torch.manual_seed(0)
    network = SequenceNetwork(5, replace(TINY, dropout=0.0)).eval()
    with torch.inference_mode():
        short, filled = (network(torch.tensor([row]), network.item_vectors()) for row in ([0, 1], [-1, -1, 0, 1]))
    torch.testing.assert_close(short[0], filled[0, 2:])


class _Echo(SequenceNetwork):
    """Answers every history with the vector of its newest item."""

    def forward(self, items: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        return vectors[items.clamp(min=0)]


def test_the_hold_out_value_is_that_worked_by_hand() -> None:
    network = _Echo(4, NetworkShape(dim=2, n_blocks=1, n_heads=1, max_length=2, dropout=0.0))
    network.ids.data = torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    # Scores after item 0: 1, 3, 2, 2; without item 0 itself item 1 is first, items 2 and 3 share ranks 2 and 3.
    assert next_item_ndcg(network, [np.array([0])], np.array([1])) == pytest.approx(1.0)
    assert next_item_ndcg(network, [np.array([0])], np.array([3])) == pytest.approx(1 / math.log2(3.5))
    both = next_item_ndcg(network, [np.array([0]), np.array([1, 0])], np.array([1, 2]))
    assert both == pytest.approx((1 + 1 / math.log2(2.5)) / 2)


def reports(plan: TrainingPlan) -> list[EpochReport]:
    seen: list[EpochReport] = []
    SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=plan, progress=seen.append)
    return seen


def test_training_stops_once_the_hold_out_value_no_longer_rises() -> None:
    seen = reports(replace(QUICK, max_epochs=200, patience=3, refit=False))
    values = [report.ndcg for report in seen]
    assert [report.epoch for report in seen] == list(range(1, len(seen) + 1))
    assert len(seen) < 200
    assert len(seen) == int(np.argmax(values)) + 1 + 3
    assert seen[-1].eta_s > 0
    assert seen[-1].loss < seen[0].loss


def test_the_refit_takes_as_many_epochs_as_were_best() -> None:
    seen = reports(QUICK)
    searched = [report for report in seen if not math.isnan(report.ndcg)]
    refitted = seen[len(searched) :]
    assert len(refitted) == int(np.argmax([report.ndcg for report in searched])) + 1
    assert refitted[-1].eta_s == pytest.approx(0.0)


def test_without_refit_the_best_network_is_kept_not_the_last() -> None:
    kept = SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=replace(QUICK, refit=False, patience=3))
    seen = reports(replace(QUICK, refit=False, patience=3))
    best = int(np.argmax([report.ndcg for report in seen])) + 1
    stopped = SASRecRetriever.fit(
        walks(), seed=1, shape=TINY, training=replace(QUICK, refit=False, max_epochs=best, patience=best)
    )
    histories = walks().histories()
    np.testing.assert_array_equal(kept.score_histories(histories), stopped.score_histories(histories))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NetworkShape(dim=10, n_heads=3), "dim is 10, n_blocks 2, n_heads 3"),
        (lambda: NetworkShape(dropout=1.0), "dropout is 1.0"),
        (lambda: TextReading(id_dropout=1.5), "id_dropout is 1.5"),
        (lambda: TextReading(cold_bonus=math.inf), "cold_bonus inf"),
        (lambda: TrainingPlan(max_epochs=0), "max_epochs is 0"),
        (lambda: TrainingPlan(learning_rate=0), "learning_rate is 0"),
        (lambda: TrainingPlan(label_smoothing=0.1, n_negatives=5), "label_smoothing is 0.1 with n_negatives 5"),
    ],
)
def test_numbers_out_of_range_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError, match=message):
        make()
