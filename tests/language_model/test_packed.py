"""What a packed row looks like, and that a model reads each path through it as a text by itself."""

import pytest
import torch

from llmrec.language_model.packed import Packed, Segment, pack, without_past
from tests.language_model.tiny import tiny_model

PREFIX = [11, 12, 13, 14, 15]
FIRST, SECOND, THIRD = [21, 22, 23], [31], [41, 42]


def last_hidden(packed: Packed) -> torch.Tensor:
    """float32 [n_rows, n_segments, n_dim]; what the model knows at each segment's end."""
    with torch.inference_mode():
        hidden = (
            tiny_model()
            .model(
                input_ids=packed.input_ids,
                position_ids=packed.position_ids,
                attention_mask=packed.mask,
                use_cache=False,
            )
            .last_hidden_state
        )
    return hidden[torch.arange(len(hidden)).unsqueeze(1), packed.ends]


def alone(ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return tiny_model().model(input_ids=torch.tensor([ids]), use_cache=False).last_hidden_state[0, -1]


def test_two_continuations_of_a_prefix_by_hand() -> None:
    packed = pack([[Segment([7, 8]), Segment([1, 2], after=0), Segment([3], after=0)]])
    assert packed.input_ids.tolist() == [[7, 8, 1, 2, 3]]
    assert packed.position_ids.tolist() == [[0, 1, 2, 3, 2]]
    assert packed.ends.tolist() == [[1, 3, 4]]
    assert packed.mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]


def test_a_segment_may_leave_its_parent_early_and_have_children() -> None:
    # 7 8 9 is a history; 5 asks after its first two, and 1 and 2 are two answers to that.
    row = [Segment([7, 8, 9]), Segment([5], after=0, n_seen=2), Segment([1], after=1), Segment([2], after=1)]
    packed = pack([row])
    assert packed.position_ids.tolist() == [[0, 1, 2, 2, 3, 3]]
    assert packed.mask[0, 0, 3:].int().tolist() == [
        [1, 1, 0, 1, 0, 0],
        [1, 1, 0, 1, 1, 0],
        [1, 1, 0, 1, 0, 1],
    ]


def test_padding_is_seen_by_padding_alone() -> None:
    packed = pack([[Segment([7, 8, 9])], [Segment([5])]], pad_id=99)
    assert packed.input_ids.tolist() == [[7, 8, 9], [5, 99, 99]]
    assert packed.ends.tolist() == [[2], [0]]
    assert packed.mask[1, 0].int().tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


def test_every_path_is_read_as_if_it_were_alone() -> None:
    row = [Segment(PREFIX), *(Segment(ids, after=0) for ids in (FIRST, SECOND, THIRD))]
    found = last_hidden(pack([row]))[0]
    for place, ids in enumerate([PREFIX, PREFIX + FIRST, PREFIX + SECOND, PREFIX + THIRD]):
        assert found[place] == pytest.approx(alone(ids), abs=1e-4)


def test_time_points_of_one_history_are_read_as_if_each_were_alone() -> None:
    question = [51, 52]
    row = [
        Segment(PREFIX),
        Segment(question, after=0, n_seen=2),
        Segment(FIRST, after=1),
        Segment(THIRD, after=1),
        Segment(question, after=0),
        Segment(FIRST, after=4),
    ]
    found = last_hidden(pack([row]))[0]
    assert found[2] == pytest.approx(alone(PREFIX[:2] + question + FIRST), abs=1e-4)
    assert found[3] == pytest.approx(alone(PREFIX[:2] + question + THIRD), abs=1e-4)
    assert found[5] == pytest.approx(alone(PREFIX + question + FIRST), abs=1e-4)


def test_users_padded_together_are_read_as_if_each_were_alone() -> None:
    short = [Segment(PREFIX[:2]), Segment(THIRD, after=0)]
    long = [Segment(PREFIX), Segment(FIRST, after=0), Segment(SECOND, after=0)]
    together = last_hidden(pack([short, long], pad_id=2))
    assert together[0, :2] == pytest.approx(last_hidden(pack([short]))[0], abs=1e-4)
    assert together[1] == pytest.approx(last_hidden(pack([long]))[0], abs=1e-4)


def test_what_was_read_before_is_seen_and_not_read_again() -> None:
    packed = without_past(pack([[Segment([7, 8]), Segment([1, 2], after=0), Segment([3], after=0)]]), 2)
    assert packed.input_ids.tolist() == [[1, 2, 3]]
    assert packed.position_ids.tolist() == [[2, 3, 2]]
    assert packed.ends.tolist() == [[-1, 1, 2]]
    assert packed.mask[0, 0].int().tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]]
