"""The encoder without weights."""

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
    assert vector.argmax() == abs(vector).argmax() or vector.min() < 0
    assert HashingEmbedder(dim=8).name == "hashing-8"


def test_a_vector_of_no_use_is_refused() -> None:
    with pytest.raises(ConfigError, match="dim is 2; a hashed vector needs at least 8 numbers"):
        HashingEmbedder(dim=2)
