import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrec.data.delimited import MAX_FIELD_CHARS, split_records
from llmrec.data.tables import open_table, read_rows
from llmrec.errors import DataError

Faults = list[tuple[int, str]]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: object) -> tuple[list[tuple[int, dict[str, object]]], Faults]:
    faults: Faults = []
    rows = list(read_rows(path, on_fault=lambda number, reason, raw: faults.append((number, reason)), **options))
    return rows, faults


def test_csv_values_stay_the_strings_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,b\n007,1e3\nTrue,NA\nNULL,\n")
    assert read(path)[0] == [
        (2, {"id": "007", "b": "1e3"}),
        (3, {"id": "True", "b": "NA"}),
        (4, {"id": "NULL", "b": ""}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path / "t.csv", delimiter.join(["a", "b"]) + "\n" + delimiter.join(["1", "2"]))
    assert read(path)[0] == [(2, {"a": "1", "b": "2"})]


def test_a_tsv_is_split_at_tabs_only(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.tsv", "a,x\tb,y\tc\n1\t2\t3"))[0] == [(2, {"a,x": "1", "b,y": "2", "c": "3"})]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path, encoding: str) -> None:
    assert read(write(tmp_path / "t.csv", "id,t\n1,é".encode(encoding)))[0] == [(2, {"id": "1", "t": "é"})]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, end: str) -> None:
    assert [n for n, _ in read(write(tmp_path / "t.csv", end.join(["a,b", "1,2", "3,4"])))[0]] == [2, 3]


def test_quotes_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", 'a,b\n"x, ""y""\nz",1\n5" disk,2\n'))
    assert rows == [(2, {"a": 'x, "y"\nz', "b": "1"}), (4, {"a": '5" disk', "b": "2"})]
    assert faults == []


def test_a_row_with_too_few_or_many_fields_is_one_fault(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", "a,b\n1\n1,2,3\n\n4,5\n"))
    assert rows == [(5, {"a": "4", "b": "5"})]
    assert faults == [
        (2, "it has 1 fields where the header has 2"),
        (3, "it has 3 fields where the header has 2"),
    ]


def test_an_unclosed_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", 'a,b\n1,"x\n2,y\n3,z\n'))
    assert [row["a"] for _, row in rows] == ["2", "3"]
    assert faults == [(2, "a quote is opened and never closed")]


def test_a_quote_closed_by_a_later_row_does_not_swallow_it(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", 'a,b\n1,"x\n2,"y"\n3,z\n'))
    assert [row["a"] for _, row in rows] == ["2", "3"]
    assert faults == [(2, "a quote is opened and never closed")]
    rows, faults = read(write(tmp_path / "t.csv", 'a,b\n1,"x\n2,"y\n3,z\n'))
    assert [row["a"] for _, row in rows] == ["3"]
    assert faults == [(2, "text follows a closing quote"), (3, "a quote is opened and never closed")]


def test_a_giant_field_is_one_fault(tmp_path: Path) -> None:
    giant = "x" * (MAX_FIELD_CHARS + 1)
    rows, faults = read(write(tmp_path / "t.csv", f'a,b\n1,{giant}\n2,"{giant}"\n3,y\n'))
    assert [row["a"] for _, row in rows] == ["3"]
    assert faults == [(n, "a field is longer than 1,048,576 characters") for n in (2, 3)]


def test_a_line_beyond_every_limit_is_one_fault(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", "a,b\n" + "x" * (9 << 20) + ",1\n2,y\n"))
    assert [row["a"] for _, row in rows] == ["2"]
    assert len(faults) == 1


def test_many_unclosed_quotes_take_linear_time() -> None:
    faults: Faults = []
    lines = iter(['"' + "x" * 20 + "\n"] * 20_000)
    assert len(list(split_records(lines, ",", on_fault=lambda n, reason, raw: faults.append((n, reason))))) >= 0
    assert len(faults) <= 20_000


def test_a_nul_in_a_row_is_one_fault(tmp_path: Path) -> None:
    rows, faults = read(write(tmp_path / "t.csv", "a,b\n" + "1,x\n" * 30 + "2,\0\n3,z\n"))
    assert rows[-1] == (33, {"a": "3", "b": "z"})
    assert faults == [(32, "it holds a NUL character")]


def test_json_lines_keep_their_types_and_report_each_bad_line(tmp_path: Path) -> None:
    lines = [
        '{"id": 7, "x": [1]}',
        "",
        "{oops}",
        '{"id": NaN}',
        '{"id": 1, "id": 2}',
        "[1]",
        r'{"id": "a\u0000"}',
        r'{"id": "\ud800"}',
        "[" * 100_000,
        '{"id": ' + "9" * 5000 + "}",
        '{"id": "é"}',
    ]
    rows, faults = read(write(tmp_path / "t.jsonl", "\n".join(lines)))
    assert rows == [(1, {"id": 7, "x": [1]}), (11, {"id": "é"})]
    assert [number for number, _ in faults] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert dict(faults)[5] == "it names 'id' twice"
    assert dict(faults)[7] == "it holds a NUL character"
    assert "lone surrogate" in dict(faults)[8]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [7, 8], "tags": [["a"], None]}), tmp_path / "t.parquet")
    assert list(read_rows(tmp_path / "t.parquet")) == [(1, {"id": 7, "tags": ["a"]}), (2, {"id": 8, "tags": None})]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.jsonl.gz", "t.parquet.gz"])
def test_each_format_is_read_gzipped(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["7"]}), buffer)
    content = {"t.csv.gz": b"id\n7\n", "t.jsonl.gz": b'{"id": "7"}', "t.parquet.gz": buffer.getvalue()}[name]
    assert [row for _, row in read_rows(write(tmp_path / name, gzip.compress(content)))] == [{"id": "7"}]


@pytest.mark.parametrize(
    "source",
    [
        [{"id": "7", "n": 1}, {"id": "8", "n": 2}],
        {"id": ["7", "8"], "n": [1, 2]},
        pd.DataFrame({"id": ["7", "8"], "n": [1, 2]}, index=["x", "y"]),
        pa.table({"id": ["7", "8"], "n": [1, 2]}),
    ],
    ids=["rows", "columns", "pandas", "arrow"],
)
def test_tables_in_memory_give_the_same_rows(source: object) -> None:
    with open_table(source) as table:  # type: ignore[arg-type]
        assert table.columns == ("id", "n")
        assert [(n, row["id"], row["n"]) for n, row in table.rows] == [(1, "7", 1), (2, "8", 2)]


def test_a_pandas_column_of_mixed_kinds_keeps_each_value() -> None:
    frame = pd.DataFrame({"id": np.array([7, "007"], dtype=object)})
    assert [row["id"] for _, row in read_rows(frame)] == [7, "007"]


def test_only_an_empty_list_of_rows_has_no_columns() -> None:
    with open_table([]) as table:
        assert (table.columns, list(table.rows)) == ((), [])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv.gz", gzip.compress(b""), "is empty"),
        ("t.csv", b"PK\x03\x04\x14\x00\x00\x00", "is a binary file"),
        ("t.csv", bytes(range(256)) * 8, "is a binary file"),
        ("t.csv", b"\n\n", "has no header line"),
        ("t.csv", b"1,2,3\n4,5,6\n", "has no header line"),
        ("t.csv", b"a,b,a\n1,2,3\n", "names the column 'a' twice"),
        ("t.csv", b'a,"b\n', "header line that cannot be read"),
        ("t.csv", b"id,t\n1,\xe9t\xe9\n", "is not UTF-8: byte 7 cannot be decoded"),
        ("t.csv.gz", gzip.compress(b"a,b\n" * 9999)[:-20], "not a whole gzip file"),
        ("t.csv.gz", b"a,b\n1,2\n", "not a whole gzip file"),
        ("t.parquet", b"PAR1 no", "not a readable Parquet file"),
        ("t.xlsx", b"PK", "is not a table by its name"),
        ("items", b"a,b", "is not a table by its name: no suffix"),
        ("t.json", b"[]", "is not a table by its name"),
    ],
)
def test_a_fault_of_the_whole_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_a_bad_byte_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    content = "id,t\n" + "1,é\n" * 50_000
    path = write(tmp_path / "t.csv", content.encode() + b"2,\xff\n")
    with pytest.raises(DataError, match=f"byte {len(content.encode()) + 2:,} cannot"):
        read(path)


def test_another_encoding_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,t\n1,é\n".encode("latin-1"))
    assert read(path, encoding="latin-1")[0] == [(2, {"id": "1", "t": "é"})]
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        read(path, encoding="klingon")


def test_a_missing_file_and_a_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*gone\.csv"):
        read(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="is a directory"):
        read(tmp_path)


def test_what_unpacks_beyond_the_cap_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv.gz", gzip.compress(b"id\n" + b"1\n" * 100_000))
    with pytest.raises(DataError, match="unpacks to more than 1,000 bytes"):
        read(path, max_bytes=1000)
    pq.write_table(pa.table({"id": list(range(10_000))}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="unpacks to more than 1,000 bytes"):
        read(tmp_path / "t.parquet", max_bytes=1000)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": [1], "b": [1, 2]}, "different lengths"),
        ({"a": "12", "b": "34"}, "one text, not a list of values"),
        ([["1"]], "row 1 is a list"),
        (7, "a int is not a table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(source))  # type: ignore[arg-type]


def test_without_a_listener_a_bad_row_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2 cannot be read: it has 1 fields"):
        list(read_rows(write(tmp_path / "t.csv", "a,b\n1\n")))


texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=20))
def test_whatever_the_csv_writer_writes_comes_back(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    faults: list[int] = []
    lines = iter(io.StringIO(text.getvalue(), newline=""))
    read_back = [fields for _, fields in split_records(lines, ",", on_fault=lambda n, *_: faults.append(n))]
    assert read_back == rows
    assert faults == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_record_reader_and_no_line_is_lost(text: str) -> None:
    faults: list[int] = []
    lines = io.StringIO(text, newline="")
    numbers = [n for n, _ in split_records(iter(lines), ",", on_fault=lambda n, *_: faults.append(n))]
    assert len({*numbers, *faults}) == len(numbers) + len(faults)


@given(st.lists(st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans(), st.none())), max_size=10))
def test_json_lines_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]) -> None:
    path = tmp_path_factory.mktemp("json") / "t.jsonl"
    write(path, "\n".join(json.dumps(row) for row in rows) + "\n")
    assert [row for _, row in read(path)[0]] == rows
