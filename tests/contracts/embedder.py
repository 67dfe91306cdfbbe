"""What every Embedder promises: subclass the suite and give an `embedder` fixture."""

import numpy as np

from llmrec.interfaces import Embedder

TEXTS = ["slow dread in deep space", "a light comedy in paris", "", "Amélie 夜", "x" * 5000]


class EmbedderContract:
    def test_rows_are_float32_of_unit_length(self, embedder: Embedder) -> None:
        for vectors in (embedder.embed(TEXTS, kind="query"), embedder.embed(TEXTS, kind="document")):
            assert vectors.shape == (len(TEXTS), embedder.dim)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed([], kind="document").shape == (0, embedder.dim)

    def test_the_same_text_gets_the_same_vector_in_any_company(self, embedder: Embedder) -> None:
        alone, together = embedder.embed(TEXTS[:1], kind="query")[0], embedder.embed(TEXTS, kind="query")[0]
        np.testing.assert_allclose(alone, together, atol=1e-5)

    def test_a_text_is_nearest_to_itself(self, embedder: Embedder) -> None:
        documents, queries = embedder.embed(TEXTS[:2], kind="document"), embedder.embed(TEXTS[:2], kind="query")
        assert (queries @ documents.T).argmax(axis=1).tolist() == [0, 1]

    def test_it_has_a_name(self, embedder: Embedder) -> None:
        assert embedder.name
