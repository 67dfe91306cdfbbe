"""Search in a Qdrant database, which here lives inside the process."""

import logging
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from qdrant_client import QdrantClient

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.where import FactColumns, parse_where
from llmrec.errors import ConfigError, VectorStoreError
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.retrieval.vector_stores_qdrant import QdrantVectorStore
from llmrec.settings import Settings
from llmrec.types import Constraint, Item, ItemId, Operator
from tests.contracts.vector_store import EAST, NORTH, WEST, A, B, BulkVectorStoreContract, C, D, rows
from tests.retrieval.qdrant_over_http import qdrant_over_http
from tests.test_recommender import events, table


def letters() -> Catalogue:
    return Catalogue([Item(item_id, f"The letter {item_id}") for item_id in (A, B, C, D)])


class TestQdrantVectorStore(BulkVectorStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[QdrantVectorStore]:
        client = QdrantClient(":memory:")
        store = QdrantVectorStore(client, "letters", ExactVectorStore([A, B, C, D], dim=2), letters(), place="here")
        store.fill(indexed=False)
        yield store
        client.close()


FACTS = [
    {"year": 1990, "price": 9.5, "genres": ("Horror", "Sci-Fi"), "new": True, "a.b[0]": "Straße"},
    {"year": 1999.0, "price": 12, "genres": ("Comedy",), "new": False, "a.b[0]": "x"},
    {"year": 2001, "genres": (), "new": True},
    {"price": 9.5, "genres": ("horror",), "a.b[0]": "STRASSE"},
    {},
]  # fmt: skip
SHOP = Catalogue([Item(ItemId(str(n)), f"Item {n}", facts) for n, facts in enumerate(FACTS)])


@pytest.fixture(scope="module")
def shop() -> QdrantVectorStore:
    exact = ExactVectorStore(SHOP.ids, np.eye(5, dtype=np.float32))
    return QdrantVectorStore.connect("qdrant:memory", exact, SHOP, encoder="test")


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("year", "$gte", 1999), ("year", "$gt", 1999), ("year", "$lt", 1999), ("year", "$lte", 1990),
        ("year", "$eq", 1999), ("year", "$ne", 1999), ("year", "$in", (1990, 2001)), ("year", "$nin", (1990, 2001)),
        ("price", "$eq", 9.5), ("price", "$lte", 9.5), ("genres", "$eq", "HORROR"), ("genres", "$ne", "Horror"),
        ("genres", "$in", ("comedy", "sci-fi")), ("genres", "$nin", ("comedy", "sci-fi")), ("genres", "$in", ()),
        ("genres", "$nin", ()), ("genres", "$gt", "Horror"), ("new", "$eq", True), ("new", "$ne", True),
        ("a.b[0]", "$eq", "strasse"), ("year", "$eq", "1990"), ("year", "$in", (1990, "2001")),
        ("nowhere", "$eq", "x"), ("nowhere", "$ne", "x"), ("nowhere", "$lt", 3),
    ],
)  # fmt: skip
def test_a_compiled_condition_lets_through_what_the_condition_does(
    shop: QdrantVectorStore, field: str, op: Operator, value: object
) -> None:
    constraint = Constraint(field, op, value)  # type: ignore[arg-type]  # a fact's value
    wanted = FactColumns(SHOP).mask([constraint])
    found = shop._client.scroll(shop._collection, scroll_filter=shop._schema.compiled(constraint), limit=9)[0]
    assert sorted(int(point.id) for point in found) == np.flatnonzero(wanted).tolist()


def test_what_is_allowed_is_asked_by_facts_and_few_ids(shop: QdrantVectorStore) -> None:
    stated = parse_where(["new=yes", "year>=1990"], SHOP.fields)
    where = FactColumns(SHOP).mask(stated)
    condition = shop.condition(where, stated)
    assert "has_id" not in condition.model_dump_json()
    where[0] = False
    assert "has_id" in shop.condition(where, stated).model_dump_json()


def test_a_condition_that_was_given_up_decides_nothing(shop: QdrantVectorStore) -> None:
    stated = parse_where(["new=yes", "price=12"], SHOP.fields)
    where = FactColumns(SHOP).mask(stated[:1])
    found = shop.search(np.ones(5, dtype=np.float32), 5, where=where, stated=stated)
    assert {item_id for item_id, _ in found} == {"0", "2"}


def test_a_filled_collection_is_not_filled_again(shop: QdrantVectorStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        shop.fill(indexed=False)
    assert not caplog.messages


@pytest.mark.parametrize(
    "setting",
    ["qdrant:", "qdrant:http://127.0.0.1:6333", "qdrant:ftp://x/y", "qdrant:http://[x/y", "qdrant:http://k@x/y"],
)
def test_a_setting_without_a_collection_is_said(setting: str) -> None:
    exact = ExactVectorStore([A, B, C, D], dim=2)
    with pytest.raises(
        ConfigError, match=r"is not the URL of a collection\. Write qdrant:http://127\.0\.0\.1:6333/items"
    ):
        QdrantVectorStore.connect(setting, exact, letters(), encoder="test")


@pytest.fixture
def deaf_url() -> Iterator[str]:
    """Of a port that nobody else can take and nobody listens at."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def test_a_database_that_is_not_there_is_said_at_the_start(deaf_url: str) -> None:
    exact = ExactVectorStore([A, B, C, D], dim=2)
    with pytest.raises(VectorStoreError, match=f"the Qdrant database at {deaf_url} cannot be reached: .*refused"):
        QdrantVectorStore.connect(f"qdrant:{deaf_url}/items", exact, letters(), encoder="test", environment={})


def test_a_database_that_goes_away_is_replaced_by_the_search_here(
    deaf_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    exact = ExactVectorStore([A, B, C, D], rows(EAST, NORTH, WEST, NORTH))
    client = QdrantClient(url=deaf_url, timeout=30, check_compatibility=False)
    store = QdrantVectorStore(client, "letters", exact, letters(), place="the database")
    for _ in range(5):
        assert list(store.search(rows(NORTH)[0], 2)) == [(B, 1.0), (D, 1.0)]
        assert list(store.recommend([A], [], 1)) == [(B, 0.0)]
    # After three failures in a row it is left alone for a while.
    assert len(caplog.messages) == 3
    assert caplog.messages[0].endswith("refused. The search is done here.")
    client.close()


def test_a_point_that_is_no_item_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    client = QdrantClient(":memory:")
    wide = Catalogue([*letters().values(), Item(ItemId("e"), "One more")])
    QdrantVectorStore(
        client, "mixed", ExactVectorStore(wide.ids, rows(EAST, NORTH, WEST, NORTH, EAST)), wide, place="here"
    ).fill(indexed=False)
    exact = ExactVectorStore([A, B, C, D], rows(EAST, NORTH, WEST, NORTH))
    store = QdrantVectorStore(client, "mixed", exact, letters(), place="here")
    assert list(store.search(rows(EAST)[0], 1)) == [(A, 1.0)]
    assert "has a point 4 in mixed, which is no item" in caplog.text
    client.close()


def test_over_http_the_same_is_found_by_ids_and_facts() -> None:
    exact = ExactVectorStore(SHOP.ids, np.eye(5, dtype=np.float32))
    vector = np.array([0.1, 0.3, 0.5, 0.7, 0.4], dtype=np.float32)
    stated = parse_where({"price": 9.5, "genres": "Horror"}, SHOP.fields)
    where = FactColumns(SHOP).mask(stated)
    with qdrant_over_http() as (url, database):
        connected = [QdrantVectorStore.connect(f"qdrant:{url}/shop", exact, SHOP, encoder="e") for _ in range(2)]
        for store in connected:
            assert list(store.search(vector, 3)) == list(exact.search(vector, 3))
            found = store.search(vector, 3, where=where, stated=stated)
            assert list(found) == list(exact.search(vector, 3, where=where))
            found = store.recommend(["0", "1"], ["2"], 2, where=~where, stated=stated)
            assert list(found) == list(exact.recommend(["0", "1"], ["2"], 2, where=~where))
        uploads = [path for path, _ in database.asked if path.startswith("PUT") and "/points?" in path]
        assert len(uploads) == 1  # the second process finds it filled
        _, last = database.asked[-1]
        assert last["searches"][0]["query"]["recommend"] == {
            "positive": [0, 1],
            "negative": [2],
            "strategy": "average_vector",
        }


@pytest.fixture(scope="module")
def learned(films: Catalogue, interactions: Interactions) -> Recommender:
    settings = Settings().changed(["language_model.model=none"])
    return Recommender(settings, overrides=Overrides(encoder=HashingEmbedder())).fit(table(films), events(interactions))


@pytest.mark.parametrize(
    "asked",
    [
        {"query": "something tense in space"},
        {"query": "a scary film from the 90s", "user_id": "ann"},
        {"query": "love", "where": {"year": {"$gte": 1990}, "genres": "Romance"}},
        {"query": "a romance that is no comedy, from 1910"},  # nothing is: wishes are given up
        {"user_id": "cat", "where": ["year<1996"]},
        {"history": ["Alien (1979)", "Heat (1995)"]},
        {"history": ["Alien (1979)"], "filter_viewed": False},
    ],
)
def test_the_same_is_recommended_as_with_the_exact_store(
    learned: Recommender, asked: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    only_dense = [f"retrieval.{name}=0" for name in ("bm25", "hybrid", "popularity")]
    found = []
    for store in ("exact", "qdrant:memory"):
        overrides = Overrides(encoder=HashingEmbedder(), settings=(f"retrieval.vector_store={store}", *only_dense))
        recommender = Recommender(overrides=overrides)
        recommender._fitted = learned.learned
        found.append(recommender.recommend(**asked, k=6))  # type: ignore[arg-type]  # as listed
    here, there = found
    assert [item.item_id for item in here] == [item.item_id for item in there]
    assert [item.score for item in here] == pytest.approx([item.score for item in there])
    assert len(here)
