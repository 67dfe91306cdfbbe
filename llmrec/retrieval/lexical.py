"""Retrieval by words: BM25 over the items' documents, asked with a wish or with the documents of the user's items."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from itertools import chain
from pathlib import Path
from typing import Self

import bm25s
import numpy as np
from scipy import sparse

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ArtifactError, ConfigError
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.best import Scores, best_candidates, require_k
from llmrec.retrieval.item_to_item import matmul, position_of, product
from llmrec.retrieval.scoring import ScoreTable, seed_table
from llmrec.retrieval.seeds import seed_weights
from llmrec.retrieval.storage import load_settings, load_sparse, save_settings, save_sparse
from llmrec.retrieval.updates import grown
from llmrec.retrieval.words import words
from llmrec.types import Candidate, Histories, ItemId, ItemMask, Query, ScoreParts

_INDEX, _DOCUMENTS = "index", "documents.npz"
# The library sets its own logger to DEBUG on import, and would write to every log that listens.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class BM25Retriever:
    """Items whose document shares words with the wish; without a wish, with the documents of the newest items.

    A word that the asking text says twice counts twice. Items that share no word score 0 and are not returned.

    Cold user: a wish is enough; without one, all scores are 0. Cold item: it is found by its words like any other.
    """

    name = "bm25"

    def __init__(
        self, item_ids: Sequence[ItemId], index: bm25s.BM25, documents: sparse.csr_array, *, n_items: int
    ) -> None:
        """Search an index; use `fit` to make one.

        Args:
            item_ids: All ids, in catalogue order.
            index: Its documents stand in the order of `item_ids`.
            documents: How often each document says each word, float32 [n_items, n_words].
            n_items: How many of the user's newest items speak for a user without a wish.

        Raises:
            ConfigError: When `n_items` is below 1.
        """
        if n_items < 1:
            raise ConfigError(f"n_items is {n_items}; at least 1 item has to speak for the user.")
        self._ids = tuple(item_ids)
        self._index = index
        self._documents = documents
        self._n_items = n_items
        self._positions = {item_id: position for position, item_id in enumerate(self._ids)}
        self._scores = _score_table(index, len(self._ids))

    @classmethod
    def fit(cls, catalogue: Catalogue, *, k1: float = 1.5, b: float = 0.75, n_items: int = 5) -> Self:
        """Index the documents of `catalogue`. Source: Robertson & Zaragoza 2009, as `lucene` scores it."""
        index = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy", csc_backend="numpy", auto_compile=False)
        documents = [words(item_document(item)) for item in catalogue.values()]
        # The index cannot be built of no word at all; a blank stands for a catalogue without text.
        index.index([document or [""] for document in documents] or [[""]], show_progress=False)
        return cls(catalogue.ids, index, _counts(documents, index), n_items=n_items)

    def update(self, before: Interactions, added: Interactions) -> Self:
        """This one: it learns nothing from interactions. Raises DataError when the items are not the same."""
        grown(before, added, self._ids)
        return self

    def scores(self, query: Query) -> Scores:
        """BM25 of every item, float32 [n_items]; 0 where no word is shared."""
        scores: Scores = product(self._asked(query), self._scores)[0]
        return scores

    def score_histories(self, histories: Histories) -> ScoreTable:
        """The scores of users who say nothing, float32 [n_users, n_items]."""
        newest = seed_table(histories, len(self._ids), half_life=np.inf, n_newest=self._n_items)
        return product(matmul(newest, self._documents), self._scores)

    def heard(self, query: Query) -> Hashable:
        """The words of the wish."""
        return query.text

    def retrieve(self, query: Query, k: int, *, allowed: ItemMask | None = None) -> Sequence[Candidate]:
        """At most `k` candidates by BM25 score, best first; none when no word of the wish is known.

        A word that all allowed items have tells none of them from another, and counts nothing: where only dramas may be
        shown, a drama is no better for being one.

        Without a wish there are none, though there are scores: by rank alone, the likeness of documents outvotes better
        retrievers (docs/experiments.md); a fusion that weighs scores can use it.
        """
        require_k(k)
        if not query.text.strip():
            return []
        asked = self._asked(query)
        scores = product(asked if allowed is None else self._telling(asked, allowed), self._scores)[0]
        return best_candidates(scores, k, item_ids=self._ids, source=self.name, allowed=allowed, above=0.0)

    def explain(self, query: Query, item_id: ItemId) -> ScoreParts:
        """What each word adds to the score of `item_id`. Raises UnknownItemError."""
        position = position_of(item_id, self._positions)
        asked = self._asked(query)
        shares = (asked.data * self._scores[asked.indices][:, [position]].toarray()[:, 0]).tolist()
        spelled = {number: word for word, number in self._index.vocab_dict.items()}
        said = (spelled[number] for number in asked.indices.tolist())
        return ScoreParts(sum(shares), words={word: share for word, share in zip(said, shares, strict=True) if share})

    def _telling(self, asked: sparse.csr_array, allowed: ItemMask) -> sparse.csr_array:
        """What is `asked`, without the words that all allowed items have."""
        starts, n_allowed = self._scores.indptr, int(allowed.sum())
        having = (self._scores.indices[starts[word] : starts[word + 1]] for word in asked.indices.tolist())
        tells = np.array([int(allowed[items].sum()) < n_allowed for items in having], dtype=np.bool_)
        kept = (asked.data[tells], (np.zeros(int(tells.sum()), dtype=np.int64), asked.indices[tells]))
        return sparse.csr_array(kept, shape=asked.shape)

    def _asked(self, query: Query) -> sparse.csr_array:
        """How often the asking text says each word, float32 [1, n_words]."""
        if query.text.strip():
            return _counts([words(query.text)], self._index)
        positions, weights = seed_weights(query, self._positions, half_life=np.inf, n_newest=self._n_items)
        newest = sparse.csr_array((weights, (np.zeros_like(positions), positions)), shape=(1, len(self._ids)))
        return matmul(newest, self._documents)

    def save(self, directory: Path) -> None:
        """Write the index into `directory`."""
        save_settings(directory, self.name, self._ids, n_items=self._n_items)
        save_sparse(directory / _DOCUMENTS, self._documents)
        self._index.save(directory / _INDEX, show_progress=False)

    @classmethod
    def load(cls, directory: Path, item_ids: Sequence[ItemId]) -> Self:
        """What `save` wrote. Raises ArtifactError."""
        settings = load_settings(directory, cls.name, item_ids, needed=("n_items",))
        try:
            index = bm25s.BM25.load(directory / _INDEX, show_progress=False, allow_pickle=False, auto_compile=False)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise ArtifactError(f"the word index in {directory} is damaged.", hint="Build it again.") from error
        return cls(item_ids, index, load_sparse(directory / _DOCUMENTS), n_items=int(settings["n_items"]))


def _score_table(index: bm25s.BM25, n_items: int) -> sparse.csr_array:
    """What one mention of each word is worth to each item, float32 [n_words, n_items]."""
    data, items, starts = (np.asarray(index.scores[name]) for name in ("data", "indices", "indptr"))
    if n_items == 0:  # the blank that stands for a catalogue without text is no item
        return sparse.csr_array(np.zeros((len(starts) - 1, 0), dtype=np.float32))
    return sparse.csr_array((data, items, starts), shape=(len(starts) - 1, n_items))


def _counts(documents: Sequence[Sequence[str]], index: bm25s.BM25) -> sparse.csr_array:
    """How often each document says each known word, float32 [n_documents, n_words]."""
    vocabulary: dict[str, int] = index.vocab_dict
    known = [[vocabulary[word] for word in document if word in vocabulary] for document in documents]
    rows = np.repeat(np.arange(len(known)), [len(document) for document in known])
    columns = np.fromiter(chain.from_iterable(known), dtype=np.int64)
    ones = np.ones(len(rows), dtype=np.float32)
    return sparse.csr_array((ones, (rows, columns)), shape=(len(known), len(index.scores["indptr"]) - 1))
