"""A sentence encoder of a few thousand random weights that reads letters, made in a moment."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

DIM = 16
QUERY_PROMPT = "q: "


def save_tiny_encoder(directory: Path, *, seed: int = 0) -> Path:
    """Encoder and tokenizer as a directory; queries get a prompt of their own, so that mixing the two up shows."""
    parts = directory / "parts"
    parts.mkdir(parents=True)
    marks = [*"abcdefghijklmnopqrstuvwxyz0123456789"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *marks, *(f"##{c}" for c in marks), *":;.,()"]
    (parts / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=DIM, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config).save_pretrained(parts)
    BertTokenizerFast(str(parts / "vocab.txt"), model_max_length=64).save_pretrained(parts)
    modules = [Transformer(str(parts), max_seq_length=64), Pooling(DIM)]
    prompts = {"query": QUERY_PROMPT, "document": ""}
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(directory / "encoder"))
    return directory / "encoder"
