"""Where the tokens of a prompt and of its candidates stand, and what they attend to."""

import torch

from llmrec.language_model.branching import Branching, attend_prompt, attend_rows, n_rows_for
from llmrec.language_model.candidate_encoding import CandidateIds

IDS = CandidateIds([1, 2, 3], [[4, 5], [6], [7, 8]])


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def attended(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """One query's attention to all `keys`, as its definition has it."""
    return ((keys @ query) * 0.5).softmax(dim=0) @ values


def test_new_tokens_of_the_prompt_come_first_and_then_rows_of_candidates() -> None:
    tokens = Branching.of(IDS, [[0, 1], [2]], n_known=1, wanted=lambda n: range(n - 1, n))
    assert tokens.input_ids.tolist() == [2, 3, 4, 5, 6, 7, 8, 0]
    # Candidates stand where the prompt ends, each of them.
    assert tokens.position_ids.tolist() == [1, 2, 3, 4, 3, 3, 4, 0]
    assert (tokens.n_known, tokens.n_new, tokens.n_rows) == (1, 2, 2)


def test_the_last_tokens_of_candidates_are_found_where_they_stand() -> None:
    tokens = Branching.of(IDS, [[0, 1], [2]], n_known=1, wanted=lambda n: range(n - 1, n))
    places = tokens.asked_tokens()[tokens.kept]
    assert tokens.input_ids[places].tolist() == [5, 6, 8]


def test_a_token_may_attend_to_the_prompt_and_to_its_own_past_alone() -> None:
    tokens = Branching.of(IDS, [[0, 1], [2]], n_known=0, wanted=range)
    assert tokens.mask[0].int().tolist() == [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 1]]


def test_tokens_that_ask_have_their_own_lines_of_the_mask_once_for_each_head_that_shares_keys() -> None:
    tokens = Branching.of(IDS, [[0, 1, 2]], n_known=0, wanted=lambda n: range(n - 1, n))
    mask = tokens.mask_of_asked(torch.zeros(1), n_groups=2)
    sees = [[1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0, 1, 1]]
    assert (mask[0, 0] == 0).int().tolist() == [*sees, *sees]
    assert mask.min() == torch.finfo(torch.float32).min


def test_rows_grow_with_the_root_of_the_prompt() -> None:
    assert n_rows_for(280, 348) == 4  # of 84 tokens
    assert n_rows_for(2500, 500) == 2  # of 250
    assert n_rows_for(10, 128) == 2  # of no fewer than 64
    assert n_rows_for(10, 5) == 1


def test_a_prompt_attends_to_its_past_whether_little_or_much_of_it_was_known() -> None:
    queries, keys, values = drawn(5, 4, 8), drawn(1, 2, 5, 8, seed=1), drawn(1, 2, 5, 8, seed=2)
    for n_known in (0, 1, 4):
        seen = attend_prompt(queries[n_known:], keys, values, scale=0.5).view(5 - n_known, 4, 8)
        for place in range(n_known, 5):
            for head in range(4):
                own = keys[0, head // 2, : place + 1], values[0, head // 2, : place + 1]
                assert torch.allclose(seen[place - n_known, head], attended(queries[place, head], *own), atol=1e-6)


def test_rows_attend_to_what_their_mask_shows() -> None:
    tokens = Branching.of(IDS, [[0, 1], [2]], n_known=0, wanted=range)
    queries, keys, values = drawn(2, 3, 4, 8), drawn(2, 2, 6, 8, seed=1), drawn(2, 2, 6, 8, seed=2)
    mask = tokens.mask_of_all(queries, n_groups=2)
    seen = attend_rows(queries, keys, values, mask, scale=0.5).view(2, 3, 4, 8)
    for row in range(2):
        for place in range(3):
            shown = tokens.mask[row, place]
            for head in range(4):
                own = keys[row, head // 2, shown], values[row, head // 2, shown]
                assert torch.allclose(seen[row, place, head], attended(queries[row, place, head], *own), atol=1e-6)
