import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrec.data.catalogue import Catalogue
from llmrec.data.ingest import UNINVERTED, ingest_interactions, ingest_items
from llmrec.data.interactions import Interactions
from llmrec.data.reports import IngestReport, RowProblem, write_rejects
from llmrec.errors import ConfigError, DataError
from llmrec.types import Interaction, Item, ItemId, UserId

MESSY_ITEMS = """item_id,title,genres,price,available,description
001,"Matrix, The (1999)",Action|Sci-Fi,9.5,yes,hidden reality
002, Heat (1995) ,Crime,,no,
001,Heat again,Crime,1,,
,Nameless id,Crime,1,,
003,,Crime,1,,
004,\u200b\u200d,Crime,1,,
005,Alien (1979),Horror,7
006,Aliens (1986),Horror,8,perhaps,
007,=SUM(A1),Horror,10,,bad\u202etext
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "items.csv").write_text(MESSY_ITEMS, encoding="utf-8")
    return tmp_path


def balanced(report: IngestReport) -> bool:
    return (
        report.kept + report.repaired + report.rejected
        == report.read
        == report.rejected + report.kept + report.repaired
    )


def test_messy_items_are_kept_repaired_or_rejected_with_a_reason(shop: Path) -> None:
    read = ingest_items(shop / "items.csv")
    assert [(item.id, item.title) for item in read.catalogue.values()] == [
        ("001", "The Matrix (1999)"),
        ("002", "Heat (1995)"),
        ("007", "=SUM(A1)"),
    ]
    report = read.report
    assert (report.source, report.read, report.kept, report.repaired, report.rejected) == ("items.csv", 9, 0, 3, 6)
    assert report.repairs == {
        UNINVERTED: 1,
        "white space removed": 1,
        "control or invisible characters removed": 1,
    }
    assert [(problem.row, problem.reason) for problem in report.problems] == [
        (4, "item_id '001' stands in an earlier row; the first one counts"),
        (5, "item_id is empty"),
        (6, "title is empty"),
        (7, "title has only invisible characters"),
        (8, "it has 4 fields where the header has 6"),
        (9, "available is 'perhaps'; it must be true or false, 1 or 0, yes or no"),
    ]


def test_other_columns_become_facts_of_one_kind(shop: Path) -> None:
    matrix, heat, _ = ingest_items(shop / "items.csv").catalogue.values()
    assert dict(matrix.facts) == {"year": 1999, "genres": ("Action", "Sci-Fi"), "price": 9.5}
    assert dict(heat.facts) == {"year": 1995, "genres": ("Crime",)}
    assert (matrix.available, heat.available) == (True, False)
    assert matrix.description == "hidden reality"


def test_a_year_column_is_not_overruled_by_the_title() -> None:
    rows = [{"item_id": "1", "title": "Heat (1995)", "year": "1996"}, {"item_id": "2", "title": "Alien (1979)"}]
    assert [dict(item.facts) for item in ingest_items(rows).catalogue.values()] == [{"year": 1996}, {}]


def test_columns_can_have_the_owners_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("sku,name,title,released\n7,Heat,old,1995\n", encoding="utf-8")
    columns = {"item_id": "sku", "title": "name", "year": "released"}
    assert list(ingest_items(path, columns=columns).catalogue.values()) == [Item(ItemId("7"), "Heat", {"year": 1995})]


def test_a_missing_column_is_named_with_what_is_there_and_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        ingest_items([{"sku": "1", "title": "Heat", "price": 3}], name="shop")
    assert str(caught.value) == (
        "shop has no column 'item_id'; it has sku, title, price. Say which column it is: --columns item_id=sku."
    )


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        ({"item_id": 1, "tilte": "x"}, None, "--columns title=tilte"),
        ({"item_id": 1, "zzz": "x"}, None, "--columns title=NAME"),
        ({"item_id": 1, "title": "x"}, {"title": "titel"}, "no column 'titel' for title.*--columns title=title"),
        ({f"c{n}": 1 for n in range(30)}, None, "and 10 more"),
    ],
)
def test_the_hint_names_a_column_to_try(row: dict[str, object], columns: dict[str, str] | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ingest_items([row], columns=columns)


def test_one_column_cannot_have_two_names() -> None:
    with pytest.raises(ConfigError, match="two names"):
        ingest_items([{"a": 1}], columns={"item_id": "a", "title": "a"})


def test_items_without_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("item_id,title\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv has columns but no rows"):
        ingest_items(tmp_path / "t.csv")


def test_ids_of_typed_tables_become_plain_text() -> None:
    frame = pd.DataFrame({"item_id": [7.0, 8.0], "title": ["a", "b"]})
    assert ingest_items(frame).catalogue.ids == ("7", "8")
    table = pa.table({"item_id": [True, False], "title": ["a", "b"]})
    assert ingest_items(table).catalogue.ids == ("True", "False")


def test_a_repair_is_counted_once_a_row_but_each_kind_has_its_count() -> None:
    report = ingest_items([{"item_id": " 1", "title": " Matrix, The ", "note": "a\x07"}]).report
    assert (report.kept, report.repaired) == (0, 1)
    assert set(report.repairs.values()) == {1}
    assert len(report.repairs) == 3


INTERACTIONS = """user_id,item_id,rating,timestamp
ann,2,5,100
ann,3,4.5,1970-01-01T00:01:00Z
 bob ,2,3,50
bob,nope,3,50
,2,3,50
bob,,3,50
bob,2,great,50
bob,2,5,
bob,2,5,-3
"""


def test_messy_interactions_are_kept_repaired_or_rejected(tmp_path: Path, films: Catalogue) -> None:
    (tmp_path / "i.csv").write_text(INTERACTIONS, encoding="utf-8")
    read = ingest_interactions(tmp_path / "i.csv", films)
    assert read.interactions.history(UserId("ann")).interactions == (
        Interaction(UserId("ann"), ItemId("3"), 4.5, 60.0),
        Interaction(UserId("ann"), ItemId("2"), 5.0, 100.0),
    )
    assert read.interactions.user_ids == ("ann", "bob")
    report = read.report
    assert (report.read, report.kept, report.repaired, report.rejected) == (9, 2, 1, 6)
    assert [(problem.row, problem.reason) for problem in report.problems] == [
        (5, "item_id 'nope' is not in the catalogue"),
        (6, "user_id is empty"),
        (7, "item_id is empty"),
        (8, "rating 'great' is not a finite number"),
        (9, "timestamp missing is not a moment between 1970 and 2200"),
        (10, "timestamp '-3' is not a moment between 1970 and 2200"),
    ]


def test_without_rating_and_time_the_order_of_rows_is_the_order_of_time(films: Catalogue) -> None:
    read = ingest_interactions({"user_id": ["ann", "ann"], "item_id": [3, 2]}, films)
    assert read.interactions.history(UserId("ann")).item_ids == ("3", "2")
    assert read.interactions.values.tolist() == [1.0, 1.0]
    assert np.isnan(read.interactions.at).all()


@pytest.mark.parametrize("name", ["rating", "weight", "value"])
def test_strength_has_three_names(films: Catalogue, name: str) -> None:
    read = ingest_interactions([{"user_id": "ann", "item_id": "2", name: 3, "at": 5}], films)
    assert (read.interactions.values.tolist(), read.interactions.at.tolist()) == ([3.0], [5.0])


def test_no_interactions_at_all_are_fine(films: Catalogue) -> None:
    read = ingest_interactions([], films)
    assert (len(read.interactions), read.report.read) == (0, 0)


def test_the_same_table_gives_the_same_interactions_from_every_format(
    tmp_path: Path, interactions: Interactions, films: Catalogue
) -> None:
    rows = [
        {"user_id": str(i.user_id), "item_id": str(i.item_id), "rating": i.value, "timestamp": i.at}
        for user in interactions.user_ids
        for i in interactions.history(user).interactions
    ]
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "i.csv", index=False)
    frame.to_json(tmp_path / "i.jsonl.gz", orient="records", lines=True)
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "i.parquet")
    for source in (tmp_path / "i.csv", tmp_path / "i.jsonl.gz", tmp_path / "i.parquet", frame, rows):
        read = ingest_interactions(source, films)  # type: ignore[arg-type]
        assert read.interactions.content_hash == interactions.content_hash
        assert read.report.kept == read.report.read == len(interactions)


def test_columns_and_rows_make_the_same_interactions(interactions: Interactions, films: Catalogue) -> None:
    rebuilt = Interactions.from_columns(
        interactions.user_ids,
        films,
        users=interactions.users[::-1],
        items=interactions.items[::-1],
        values=interactions.values[::-1],
        at=interactions.at[::-1],
    )
    np.testing.assert_array_equal(rebuilt.items, interactions.items)
    assert rebuilt.content_hash == interactions.content_hash


def test_progress_tells_the_number_of_rows_read(films: Catalogue) -> None:
    told: list[int] = []
    ingest_interactions(({"user_id": "a", "item_id": "2"} for _ in range(25_000)), films, progress=told.append)
    assert told == [10_000, 20_000, 25_000]


def test_rejects_are_written_so_that_no_cell_is_a_formula(tmp_path: Path) -> None:
    problems = [RowProblem("items.csv", 4, "title is empty", "=cmd()"), RowProblem("items.csv", 5, "@x", "\ud800")]
    write_rejects(tmp_path / "rejects.csv", problems)
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "row", "reason", "raw"],
            ["items.csv", "4", "title is empty", "'=cmd()"],
            ["items.csv", "5", "'@x", "\\ud800"],
        ]


def test_rejects_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written: Is a directory"):
        write_rejects(tmp_path, [])


ids = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@given(st.lists(ids, min_size=1, max_size=15, unique=True))
def test_ids_survive_a_csv_file(tmp_path_factory: pytest.TempPathFactory, item_ids: list[str]) -> None:
    path = tmp_path_factory.mktemp("ids") / "items.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("item_id", "title"), *((item_id, "x") for item_id in item_ids)])
    read = ingest_items(path)
    assert list(read.catalogue.ids) == item_ids
    assert read.report.kept == len(item_ids)


cell = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.lists(st.text(max_size=3))
)


@given(st.lists(st.fixed_dictionaries({"item_id": cell, "title": cell, "x": cell, "available": cell}), min_size=1))
def test_every_item_row_is_accounted_for(rows: list[dict[str, object]]) -> None:
    read = ingest_items(rows)
    assert read.report.read == len(rows)
    assert balanced(read.report)
    assert len(read.catalogue) == read.report.kept + read.report.repaired


@given(st.lists(st.fixed_dictionaries({"user_id": cell, "item_id": cell, "rating": cell, "at": cell}), min_size=1))
def test_every_interaction_row_is_accounted_for(films: Catalogue, rows: list[dict[str, object]]) -> None:
    read = ingest_interactions(rows, films)
    assert read.report.read == len(rows)
    assert balanced(read.report)
    assert len(read.interactions) == read.report.kept + read.report.repaired


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "items.csv"
    path.write_bytes(b"item_id,title\n" + content)
    try:
        report = ingest_items(path).report
    except DataError as error:
        told = str(error)
    else:
        told = ""
        assert balanced(report)
    assert "\n" not in told
