"""Killed writers lose nothing they had acknowledged, and what is sent again is not doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.loop_store import kill_writers


def test_killed_writers_of_a_file_lose_and_double_nothing(tmp_path: Path) -> None:
    assert_kept(str(tmp_path / "feedback.sqlite3"), kills=4)


def test_killed_writers_of_a_database_lose_and_double_nothing(postgres_url: str) -> None:
    assert_kept(postgres_url, kills=4)


@pytest.mark.slow
def test_forty_killed_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    assert_kept(str(tmp_path / "feedback.sqlite3"), kills=40)


def assert_kept(where: str, *, kills: int) -> None:
    found = kill_writers(where, kills, random.Random(0))
    assert (found["kills"], found["lost_rows"], found["doubled_rows"]) == (kills, 0, 0)
    assert found["acknowledged_rows"] > 4 * kills / 2
