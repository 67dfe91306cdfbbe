"""The encoder without weights."""

import numpy as np
import pytest

from llmrec.errors import ConfigError
from llmrec.interfaces import Embedder
from llmrec.retrieval.hashing import HashingEmbedder
from tests.contracts.embedder import EmbedderContract


class TestHashingEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashingEmbedder()


def test_texts_that_share_words_are_nearer_than_texts_that_share_none() -> None:
    horror, scary, lamp = HashingEmbedder().embed(
        ["horror in deep space", "deep space, horrors", "red lamp"], kind="document"
    )
    assert horror @ scary > 0.7
    assert abs(horror @ lamp) < 0.3


def test_a_vector_is_the_same_in_every_process() -> None:
    vector = HashingEmbedder(dim=8).embed(["space"], kind="query")[0]
    # Golden: one word at weight 1 and its four letter groups at 0.3 / 2 each, all in buckets of their own;
    # divided by the norm, 1 / sqrt(1 + 4 * 0.15^2).
    np.testing.assert_allclose(vector, [0, 0.1437, 0, 0.1437, 0.1437, 0.9578, 0.1437, 0], atol=5e-5)
    assert HashingEmbedder(dim=8).name == "hashing-8"


def test_a_vector_of_no_use_is_refused() -> None:
    with pytest.raises(ConfigError, match="dim is 2; a hashed vector needs at least 8 numbers"):
        HashingEmbedder(dim=2)
