import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from llmrec.data.cells import (
    CUT,
    INVISIBLE,
    MAX_TEXT_CHARS,
    WHITE_SPACE,
    CellError,
    parse_number,
    read_flag,
    read_id,
    read_moment,
    read_strength,
    read_text,
    shows_something,
)

NOON_2001 = 1_000_036_800.0  # 2001-09-09 12:00:00 UTC: 1e9 is 01:46:40, and 10 h 13 min 20 s are 36,800 s


@pytest.mark.parametrize(
    ("value", "item_id"),
    [
        ("007", "007"),
        ("1e3", "1e3"),
        (" a b ", "a b"),
        (7, "7"),
        (np.int64(7), "7"),
        (7.0, "7"),
        (np.float32(7), "7"),
        (7.5, "7.5"),
        (1e18, "1000000000000000000"),
        (True, "True"),
        (np.bool_(False), "False"),
        (None, ""),
        (math.nan, ""),
        (pd.NA, ""),
    ],
)
def test_an_id_is_the_string_it_was(value: object, item_id: str) -> None:
    assert read_id(value) == item_id


@pytest.mark.parametrize(
    "value",
    [
        1_000_036_800,
        "1000036800",
        "1000036800.0",
        1_000_036_800_000,
        1_000_036_800_000_000,
        1_000_036_800_000_000_000,
        "2001-09-09T12:00:00",
        "2001-09-09 12:00:00Z",
        "2001-09-09T14:00:00+02:00",
        datetime(2001, 9, 9, 12),
        datetime(2001, 9, 9, 12, tzinfo=UTC),
        pd.Timestamp("2001-09-09 12:00"),
        np.datetime64("2001-09-09T12:00"),
        Decimal(1_000_036_800),
    ],
)
def test_every_way_to_write_a_moment_gives_the_same_seconds(value: object) -> None:
    assert read_moment(value) == NOON_2001


def test_a_day_begins_at_midnight_utc() -> None:
    assert read_moment("2001-09-09") == read_moment(date(2001, 9, 9)) == NOON_2001 - 12 * 3600


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "nan", "inf", math.nan, None, pd.NaT, -1, "-5", "1969-12-31", "2201-01-01", "1_0", True, 10**400],
)
def test_what_is_no_moment_between_1970_and_2200_is_refused(value: object) -> None:
    with pytest.raises(CellError, match="timestamp"):
        read_moment(value)


def test_the_last_second_of_2200_is_a_moment() -> None:
    assert read_moment("2200-12-31T23:59:59") == 7_289_654_399.0


@pytest.mark.parametrize("value", ["", "good", "nan", "inf", "-inf", None, math.nan, "1e300", True, [5]])
def test_a_rating_must_be_a_finite_number(value: object) -> None:
    with pytest.raises(CellError, match="finite number"):
        read_strength(value)


def test_a_rating_may_be_written_as_text_or_number() -> None:
    assert [read_strength(value) for value in ("4.5", -1, np.float32(0.5), Decimal("2.5"), " 3 ")] == [
        4.5,
        -1,
        0.5,
        2.5,
        3,
    ]


@pytest.mark.parametrize(
    ("value", "flag"),
    [("TRUE", True), ("yes", True), ("1", True), (1, True), (True, True), ("no", False), (0.0, False)],
)
def test_available_is_read_from_words_and_numbers(value: object, flag: bool) -> None:
    assert read_flag(value) is flag


def test_any_other_availability_is_refused() -> None:
    with pytest.raises(CellError, match="available is 'maybe'"):
        read_flag("maybe")


@pytest.mark.parametrize(
    ("raw", "clean", "repairs"),
    [
        ("plain", "plain", set()),
        ("two\nlines", "two\nlines", set()),
        ("  a ", "a", {WHITE_SPACE}),
        ("a\u200bb\u202ec\x07", "abc", {INVISIBLE}),
        ("tag\U000e0041", "tag", {INVISIBLE}),
        ("x" * (MAX_TEXT_CHARS + 1), "x" * MAX_TEXT_CHARS, {CUT}),
        (7, "7", set()),
        (None, "", set()),
    ],
)
def test_a_text_is_cleaned_and_every_repair_is_named(raw: object, clean: str, repairs: set[str]) -> None:
    made: set[str] = set()
    assert read_text(raw, made) == clean
    assert made == repairs


def test_a_title_is_one_line() -> None:
    made: set[str] = set()
    assert read_text("two\n  lines", made, one_line=True) == "two lines"
    assert made == {WHITE_SPACE}


@pytest.mark.parametrize(("text", "shown"), [("!!!", True), ("千", True), ("🎬", True), ("\u2800", False), ("", False)])
def test_only_what_a_reader_sees_counts_as_shown(text: str, shown: bool) -> None:
    assert shows_something(text) is shown


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-1.5", -1.5),
        ("2008.0", 2008),
        ("1e3", 1000),
        ("nan", None),
        ("1_0", None),
        ("\uff11\uff12", None),
        ("1e999", None),
    ],
)
def test_numbers_are_plain_finite_digits(text: str, number: float | None) -> None:
    assert parse_number(text) == number
