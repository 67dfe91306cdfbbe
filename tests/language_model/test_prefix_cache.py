"""What is kept of texts that were read: never another adapter's, and never without bound."""

import torch
from transformers import DynamicCache

from llmrec.language_model.prefix_cache import PrefixCache, ReadText


def read(*ids: int, adapter: str = "") -> ReadText:
    """One layer of one head of one dimension; each token's key and value is its id: 8 bytes a token."""
    states = torch.tensor(ids, dtype=torch.float32).view(1, 1, -1, 1)
    return ReadText.of(ids, adapter, DynamicCache([(states, states)]))


def test_the_longest_shared_beginning_is_found() -> None:
    kept = PrefixCache()
    kept.keep(read(1, 2, 9))
    kept.keep(read(1, 2, 3, 4))
    found = kept.longest([1, 2, 3, 5], adapter="")
    assert found is not None
    assert (found.ids, found.n_shared([1, 2, 3, 5])) == ((1, 2, 3, 4), 3)
    assert kept.longest([7], adapter="") is None


def test_another_adapters_reading_is_never_used() -> None:
    kept = PrefixCache()
    kept.keep(read(1, 2, adapter="ranker"))
    assert kept.longest([1, 2], adapter="") is None
    kept.keep(read(1, 2, 3, adapter=""))
    found = kept.longest([1, 2], adapter="ranker")
    assert found is not None
    assert found.adapter == "ranker"


def test_the_one_not_used_for_longest_goes_first() -> None:
    kept = PrefixCache(max_texts=2)
    kept.keep(read(1))
    kept.keep(read(2))
    kept.longest([1], adapter="")
    kept.keep(read(3))
    assert [kept.longest([n], adapter="") is not None for n in (1, 2, 3)] == [True, False, True]


def test_no_more_bytes_are_kept_than_allowed() -> None:
    kept = PrefixCache(max_bytes=40)
    kept.keep(read(1, 2, 3))
    kept.keep(read(4, 5))
    assert kept.longest([1], adapter="") is not None
    kept.keep(read(6))
    # 24 + 16 bytes fit, 8 more do not; the first had been used, so the second goes.
    assert [kept.longest([n], adapter="") is not None for n in (1, 4, 6)] == [True, False, True]
    kept.keep(read(*range(10, 20)))
    assert [kept.longest([n], adapter="") is not None for n in (1, 6, 10)] == [False, False, False]


def test_a_text_replaces_its_own_beginning() -> None:
    kept = PrefixCache(max_texts=2)
    kept.keep(read(5))
    kept.keep(read(1, 2))
    kept.keep(read(1, 2, 3))
    assert kept.longest([5], adapter="") is not None


def test_going_on_from_a_text_leaves_it_as_it_was() -> None:
    text = read(1, 2, 3)
    cache = text.first(2)
    new = torch.full((1, 1, 1, 1), 9.0)
    keys, _ = cache.update(new, new, 0)
    assert keys.flatten().tolist() == [1, 2, 9]
    assert cache.get_seq_length() == 3
    assert text.layers[0][0].flatten().tolist() == [1, 2, 3]
