"""A table of users is taken row by row, and what does not fit is named."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmrec.errors import ConfigError, DataError
from llmrec.evaluation.user_columns import UserTable, read_user_columns
from llmrec.types import UserId

ANN, BOB, CAT = UserId("ann"), UserId("bob"), UserId("cat")


def read(directory: Path, text: str) -> UserTable:
    (directory / "users.csv").write_text(text)
    return read_user_columns(directory / "users.csv")


def test_every_column_divides_the_tested_users_in_their_order(tmp_path: Path) -> None:
    table = read(tmp_path, "age,user_id,taste\nold, ann ,dark\nyoung,bob,\n")
    age, taste = table.groups((CAT, BOB, ANN))
    assert (age.column, age.names, age.of.tolist()) == ("age", ("old", "young"), [-1, 1, 0])
    assert (taste.column, taste.names, taste.of.tolist()) == ("taste", ("dark",), [-1, -1, 0])


def test_numbers_of_a_frame_are_the_ids_and_labels_that_tables_of_text_have(tmp_path: Path) -> None:
    frame = pa.table({"user_id": [7.0, 8.0], "age": [25.0, None]})
    pq.write_table(frame, tmp_path / "users.parquet")
    [age] = read_user_columns(tmp_path / "users.parquet").groups((UserId("7"), UserId("8")))
    assert (age.names, age.of.tolist()) == (("25",), [0, -1])


def test_who_is_missing_on_either_side_is_said(tmp_path: Path) -> None:
    table = read(tmp_path, "user_id,age\nann,old\nzoe,old\n")
    assert list(table.remarks((ANN, BOB, CAT), (ANN, BOB))) == [
        "Not in the data that was evaluated: 1 of 2 users of users.csv (zoe).",
        "Without a row in users.csv, and so in none of its groups: 1 of 2 tested users (bob).",
    ]
    # cat may be among the users of the data and not among those who are tested.
    assert list(table.remarks((ANN, UserId("zoe"), CAT), (ANN,))) == []


def test_a_table_without_any_tested_user_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, "user_id,age\nu1,old\nu2,old\n")
    with pytest.raises(DataError, match=r"none of the 2 tested users is among the 2 of users.csv \(u1 and u2\)\. Its"):
        table.groups((ANN, BOB))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,age\nann,old\n", "has no column 'user_id'; it has user, age. Name the column with the users' ids user_"),
        ("user_id\nann\n", "users.csv has no column beside user_id, so it divides nobody."),
        ("user_id,age\n", "users.csv has columns but no rows."),
        ("user_id,age\nann,old\n ,old\n", "user_id is empty in row 3 of users.csv."),
        (
            "user_id,age\nann,old\nbob,old\nann,young\nbob,old\ncat,old\n",
            r"users.csv has more than one row for 2 users \(ann and bob\). Keep one row for each user.",
        ),
        ("user_id,age\nann,old,tall\n", "row 2 of users.csv cannot be read: "),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_columns_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"u{number},{number}\n" for number in range(21))
    with pytest.raises(
        ConfigError, match=r"the column 'height' of users\.csv has 21 labels; at most 20 can be compared"
    ):
        read(tmp_path, f"user_id,height\n{rows}")
    assert len(read(tmp_path, f"user_id,height\n{rows.replace('u20,20', 'u20,')}").users) == 21
    with pytest.raises(ConfigError, match=r"the column 'user activity' of users\.csv has the name of what is always"):
        read(tmp_path, "user_id,user activity\nann,few\n")
