"""Vectors of texts without weights: the hashing encoder."""

from llmrec.conversation.text_vectors import TextVectors
from llmrec.retrieval.hashing import HashingEmbedder

DIM = 64


def texts() -> TextVectors:
    return TextVectors(HashingEmbedder(DIM))
