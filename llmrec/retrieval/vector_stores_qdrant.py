"""Item vectors in a Qdrant database: many processes search one copy, and it keeps the facts to filter by."""

from __future__ import annotations

import hashlib
import logging
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import FactColumns
from llmrec.errors import ConfigError, VectorStoreError
from llmrec.retrieval.best import require_k
from llmrec.retrieval.vector_stores import ExactVectorStore, sure_cosines
from llmrec.retrieval.vector_stores_qdrant_filters import AVAILABLE, PayloadSchema, points
from llmrec.servers import CircuitBreaker, key_for
from llmrec.types import Constraint, ItemId, ItemMask, Vectors

logger = logging.getLogger(__name__)
_Found = Sequence[tuple[ItemId, float]]

PREFIX = "qdrant:"
IN_MEMORY = "qdrant:memory"
KEY_VARIABLE = "LLMREC_QDRANT_KEY"
_TIMEOUT_S = 10
_BATCH = 256
_LAYOUT = 1  # raise it when payloads are laid out in another way
_MORE = 16  # asked for beyond k, so that the first of those equally near can be told
_IS_AVAILABLE = models.FieldCondition(key=AVAILABLE, match=models.MatchValue(value=True))


class _RestingError(VectorStoreError):
    """The database failed several times and is not asked for a while."""


class QdrantVectorStore:
    """Searches a collection whose points are catalogue positions; what is found is scored as the exact store does.

    While the database fails, the exact store that it was filled from answers.
    """

    def __init__(
        self, client: QdrantClient, collection: str, exact: ExactVectorStore, catalogue: Catalogue, *, place: str
    ) -> None:
        """Search `collection`; call `fill` before.

        Args:
            client: A connection.
            collection: Its name; this catalogue's alone.
            exact: The vectors.
            catalogue: The items, in the order of `exact`.
            place: What the database is called in messages.
        """
        self._client = client
        self._collection = collection
        self._exact = exact
        self._catalogue = catalogue
        self._place = place
        self._schema = PayloadSchema(catalogue)
        self._columns = FactColumns(catalogue)
        self._available = np.fromiter((item.available for item in catalogue.values()), dtype=np.bool_)
        self._breaker = CircuitBreaker()

    @classmethod
    def connect(
        cls,
        setting: str,
        exact: ExactVectorStore,
        catalogue: Catalogue,
        *,
        encoder: str,
        environment: Mapping[str, str] = os.environ,
    ) -> QdrantVectorStore:
        """The database that `setting` names, filled with `exact` where it is not yet.

        Args:
            setting: `qdrant:http://host:6333/collection`, or `qdrant:memory` for one inside this process.
            exact: The vectors.
            catalogue: The items, in the order of `exact`.
            encoder: What made the vectors: others are kept in another collection, as those of other items are.
            environment: Where a key may be.

        Raises:
            ConfigError: `setting` names none, or the key is not for it.
            VectorStoreError: It cannot be reached or filled.
        """
        about = f"{_LAYOUT}\n{encoder}\n{exact.dim}\n{catalogue.content_hash}"
        version = hashlib.sha256(about.encode()).hexdigest()[:12]
        if setting == IN_MEMORY:
            store = cls(QdrantClient(":memory:"), f"llmrec-{version}", exact, catalogue, place=setting)
        else:
            url, host, name = _address(setting)
            key = key_for(host, KEY_VARIABLE, environment) or None
            # The check of versions would ask before anything is wanted, and warn instead of failing.
            client = QdrantClient(url=url, port=None, api_key=key, timeout=_TIMEOUT_S, check_compatibility=False)
            store = cls(client, f"{name}-{version}", exact, catalogue, place=f"the Qdrant database at {url}")
        weakref.finalize(store, store._client.close)  # connections go with the store that used them
        store.fill(indexed=setting != IN_MEMORY)
        return store

    @property
    def item_ids(self) -> Sequence[ItemId]:
        """All ids, in catalogue order."""
        return self._exact.item_ids

    @property
    def matrix(self) -> Vectors:
        """All vectors, float32 [n_items, dim] in catalogue order; nan where an item has none."""
        return self._exact.matrix

    def fill(self, *, indexed: bool) -> None:
        """Send what the collection does not have; its payload is `indexed`, or not where there is no use for it.

        Raises:
            VectorStoreError: The database cannot be reached, or refuses.
        """
        with self._said():
            if not self._client.collection_exists(self._collection):
                self._create(indexed=indexed)
            wanted = self._exact.positions(self._exact.item_ids)
            if self._client.count(self._collection).count < len(wanted):
                logger.info("filling a collection", extra={"collection": self._collection, "n_items": len(wanted)})
                self._upload(wanted)

    def add(self, item_ids: Sequence[ItemId], vectors: Vectors) -> None:
        """Store one vector per item, replacing what is there. Raises as the exact store, and VectorStoreError."""
        self._exact.add(item_ids, vectors)
        with self._said():
            self._upload(self._exact.positions(item_ids))

    def search(
        self, vector: Vectors, k: int, *, where: ItemMask | None = None, stated: Sequence[Constraint] = ()
    ) -> Sequence[tuple[ItemId, float]]:
        """At most `k` (item, cosine) with `where` true, best first, ties by position. Raises ConfigError for k < 1."""
        require_k(k)
        asked = self._request(vector.tolist(), k, where, stated)
        return self._found([asked], vector[None], k, instead=lambda: [self._exact.search(vector, k, where=where)])[0]

    def search_many(
        self, vectors: Vectors, k: int, *, where: Sequence[ItemMask], stated: Sequence[Sequence[Constraint]]
    ) -> Sequence[Sequence[tuple[ItemId, float]]]:
        """What `search` finds for each of `vectors`, float32 [n, dim], asked for at once."""
        require_k(k)
        asked = [
            self._request(vector.tolist(), k, mask, conditions)
            for vector, mask, conditions in zip(vectors, where, stated, strict=True)
        ]
        return self._found(
            asked, vectors, k, instead=lambda: self._exact.search_many(vectors, k, where=where, stated=stated)
        )

    def recommend(
        self,
        positive: Sequence[ItemId],
        negative: Sequence[ItemId],
        k: int,
        *,
        where: ItemMask | None = None,
        stated: Sequence[Constraint] = (),
    ) -> Sequence[tuple[ItemId, float]]:
        """What is near to `positive` and far from `negative`, by their ids alone. Raises ConfigError for k < 1."""
        require_k(k)
        target = self._exact.target(positive, negative)
        if target is None:
            return []
        examples = models.RecommendInput(
            positive=list(self._exact.positions(positive)),
            negative=list(self._exact.positions(negative)),
            strategy=models.RecommendStrategy.AVERAGE_VECTOR,
        )
        asked = self._request(models.RecommendQuery(recommend=examples), k, where, stated)
        return self._found(
            [asked], target[None], k, instead=lambda: [self._exact.recommend(positive, negative, k, where=where)]
        )[0]

    def _request(
        self, query: list[float] | models.RecommendQuery, k: int, where: ItemMask | None, stated: Sequence[Constraint]
    ) -> models.QueryRequest:
        condition = None if where is None else self.condition(where, stated)
        return models.QueryRequest(query=query, filter=condition, limit=k + _MORE, with_payload=False)

    def _found(
        self, asked: Sequence[models.QueryRequest], targets: Vectors, k: int, *, instead: Callable[[], Sequence[_Found]]
    ) -> Sequence[_Found]:
        """The best `k` for each request, scored by its target; or what `instead` gives while the database fails."""
        try:
            with self._breaker.guarding(VectorStoreError, lambda reason: _RestingError(reason)), self._said():
                answers = self._client.query_batch_points(self._collection, list(asked))
                positions = [self._positions(answer.points) for answer in answers]
        except _RestingError:
            return instead()
        except VectorStoreError as error:
            logger.warning("%s The search is done here.", error.message)
            return instead()
        return [self._best(own, target, k) for own, target in zip(positions, targets, strict=True)]

    def _best(self, positions: NDArray[np.int64], target: Vectors, k: int) -> _Found:
        """The `k` of ascending `positions` that are nearest to `target`, ties by position."""
        scores = sure_cosines(self._exact.matrix[positions] @ target)
        order = np.argsort(-scores, kind="stable")[:k]
        return [(self._exact.item_ids[positions[n]], float(scores[n])) for n in order.tolist()]

    def condition(self, where: ItemMask, stated: Sequence[Constraint]) -> models.Filter:
        """`where` in Qdrant's language: by the facts in `stated` that hold wherever it does, and by few ids beside."""
        covered = np.ones(len(where), dtype=np.bool_)
        must: list[models.Condition] = []
        for constraint in stated:
            passing = self._columns.mask([constraint])
            if not (where & ~passing).any():  # one that had to be given up does not hold
                covered &= passing
                must.append(self._schema.compiled(constraint))
        if not (where & ~self._available).any():
            covered &= self._available
            must.append(_IS_AVAILABLE)
        hidden = np.flatnonzero(covered & ~where)
        shown = np.flatnonzero(where)
        if len(shown) < len(hidden):
            return models.Filter(must=[points(shown.tolist())])
        return models.Filter(must=must, must_not=[points(hidden.tolist())] if len(hidden) else None)

    def _positions(self, found: Sequence[models.ScoredPoint]) -> NDArray[np.int64]:
        """Ascending. Raises VectorStoreError for a point that is not of this catalogue."""
        known = range(len(self._exact.item_ids))
        for point in found:
            if point.id not in known:
                raise VectorStoreError(
                    f"{self._place} has a point {point.id!r} in {self._collection}, which is no item."
                )
        return np.sort(np.array([point.id for point in found], dtype=np.int64))

    def _create(self, *, indexed: bool) -> None:
        try:
            self._client.create_collection(
                self._collection,
                vectors_config=models.VectorParams(size=self._exact.dim, distance=models.Distance.COSINE),
            )
        except UnexpectedResponse as error:
            if error.status_code != httpx.codes.CONFLICT:  # another process was first
                raise
        for key, kind in self._schema.indexes.items() if indexed else ():
            self._client.create_payload_index(self._collection, key, field_schema=kind)

    def _upload(self, positions: Sequence[int]) -> None:
        for start in range(0, len(positions), _BATCH):
            batch = positions[start : start + _BATCH]
            items = [self._catalogue[self._exact.item_ids[position]] for position in batch]
            rows = [
                models.PointStruct(
                    id=position,
                    vector=self._exact.matrix[position].tolist(),
                    payload=dict(self._schema.payload(item)),
                )
                for position, item in zip(batch, items, strict=True)
            ]
            self._client.upsert(self._collection, rows, wait=True)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Errors of the database and of the way to it, in one sentence."""
        try:
            yield
        except UnexpectedResponse as error:
            raise VectorStoreError(f"{self._place} answered with status {error.status_code}.") from error
        except (ApiException, httpx.HTTPError, OSError) as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise VectorStoreError(f"{self._place} cannot be reached: {reason}.") from error


def _address(setting: str) -> tuple[str, str, str]:
    """URL, host and collection of `qdrant:http://host:6333/collection`. Raises ConfigError."""
    try:
        parts = urlsplit(setting.removeprefix(PREFIX))
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    collection = parts.path.strip("/")
    if parts.scheme not in {"http", "https"} or not host or not collection or "/" in collection or "@" in parts.netloc:
        raise ConfigError(
            "retrieval.vector_store is not the URL of a collection.",
            hint=f"Write qdrant:http://127.0.0.1:6333/items; a key goes into the environment as {KEY_VARIABLE}.",
        )
    return f"{parts.scheme}://{parts.netloc}", host, collection
