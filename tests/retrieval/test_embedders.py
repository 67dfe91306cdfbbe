"""The sentence-transformers adapter, over a two-layer encoder made on the spot."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

from llmrec.errors import ConfigError, ModelError
from llmrec.interfaces import Embedder
from llmrec.retrieval.embedders import SentenceEncoder
from tests.contracts.embedder import EmbedderContract


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder with a prompt for queries, as its authors would publish it."""
    path = tmp_path_factory.mktemp("encoder")
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), ":"]
    (path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(path / "bert")
    BertTokenizerFast(str(path / "vocab.txt"), model_max_length=64).save_pretrained(path / "bert")
    modules = [Transformer(str(path / "bert"), max_seq_length=64), Pooling(16)]
    SentenceTransformer(modules=modules, prompts={"query": "q: ", "document": ""}, device="cpu").save(str(path / "st"))
    return path / "st"


class TestSentenceEncoder(EmbedderContract):
    @pytest.fixture
    def embedder(self, directory: Path) -> Embedder:
        return SentenceEncoder(directory, device="cpu", name="tiny")


def test_queries_and_documents_get_their_own_prompts(directory: Path) -> None:
    encoder = SentenceEncoder(directory, device="cpu")
    query, document = (encoder.embed(["space"], kind=kind)[0] for kind in ("query", "document"))
    assert not np.allclose(query, document)
    np.testing.assert_allclose(query, encoder.embed(["q: space"], kind="document")[0], atol=1e-5)


def test_its_name_is_the_directorys_unless_given(directory: Path) -> None:
    assert SentenceEncoder(directory, device="cpu").name == "st"
    assert SentenceEncoder(str(directory), device="cpu", name="mini").name == "mini"


def test_texts_are_cut_where_asked(directory: Path) -> None:
    encoder = SentenceEncoder(directory, device="cpu", max_length=4)
    long, short = encoder.embed(["a b c d e f", "a b"], kind="document")
    np.testing.assert_allclose(long, short, atol=1e-5)


def test_a_directory_without_an_encoder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no sentence encoder in .*nowhere"):
        SentenceEncoder(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"the sentence encoder .* cannot be loaded"):
        SentenceEncoder(tmp_path)


def test_numbers_out_of_range_are_refused(directory: Path) -> None:
    with pytest.raises(ConfigError, match="batch_size is 0"):
        SentenceEncoder(directory, batch_size=0)
