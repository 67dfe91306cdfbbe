"""The SQLite store of feedback: durable, private, and clear about files it cannot use."""

import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from llmrec.errors import FeedbackError
from llmrec.feedback import SCHEMA_VERSION, SQLiteFeedbackStore
from llmrec.types import Feedback, Interaction, ItemId, Signal, SignalCount, UserId
from tests.contracts.feedback_store import ANN, BOB, FeedbackStoreContract, feedback


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteFeedbackStore]:
    with SQLiteFeedbackStore(path) as opened:
        yield opened


class TestSQLiteFeedbackStore(FeedbackStoreContract):
    pass


def test_feedback_survives_closing_and_opening(path: Path) -> None:
    with SQLiteFeedbackStore(path) as store:
        store.record(feedback())
    with SQLiteFeedbackStore(path) as store:
        assert list(store.for_user(ANN)) == [feedback()]


def test_two_stores_on_one_file_see_each_others_rows(path: Path) -> None:
    with SQLiteFeedbackStore(path) as one, SQLiteFeedbackStore(path) as two:
        one.record(feedback())
        two.record(feedback(item="8", at=2.0))
        assert [f.item_id for f in one.for_user(ANN)] == ["7", "8"]


def test_only_the_owner_may_read_the_file(store: SQLiteFeedbackStore, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sixteen_threads_lose_no_write(store: SQLiteFeedbackStore) -> None:
    def write(number: int) -> None:
        for at in range(30):
            store.record(feedback(UserId(f"user{number}"), str(at), at=float(at)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = [[f.item_id for f in store.for_user(UserId(f"user{number}"))] for number in range(16)]
    assert stored == [[str(at) for at in range(30)]] * 16


_WRITER = """
import sys
from pathlib import Path
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.types import Feedback, ItemId, UserId

store = SQLiteFeedbackStore(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    store.record(Feedback(UserId("ann"), ItemId(str(number)), "like", float(number)))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_a_killed_writer_loses_no_row_it_had_acknowledged(path: Path) -> None:
    rng, acknowledged = random.Random(0), 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(acknowledged)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(rng.randint(1, 30))]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
        # A last line cut in the middle was not acknowledged as a whole.
        acknowledged = max(int(line) for line in lines if line.endswith("\n")) + 1
        with SQLiteFeedbackStore(path) as store:
            stored = {f.item_id for f in store.for_user(ANN)}
        assert {str(number) for number in range(acknowledged)} <= stored


def test_deleted_ids_are_gone_from_the_bytes_of_file_and_log(path: Path) -> None:
    with SQLiteFeedbackStore(path) as store:
        for at in range(50):
            store.record(feedback(UserId("somebody-secret"), "secret-item", at=float(at)))
        store.record(feedback(BOB))
        assert store.delete(UserId("somebody-secret")) == 50
        on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"secret" not in on_disk


def test_a_reader_in_the_log_is_reported_when_deleting(path: Path) -> None:
    with SQLiteFeedbackStore(path, busy_timeout_s=0.05) as store:
        store.record(feedback())
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM feedback").fetchall()
        with pytest.raises(FeedbackError, match=r"1 rows were deleted .* Delete again"):
            store.delete(ANN)
        reader.close()
        assert store.delete(ANN) == 0


def test_a_newer_schema_is_refused(path: Path) -> None:
    SQLiteFeedbackStore(path).close()
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    other.close()
    with pytest.raises(FeedbackError, match=r"newer version \(schema 3, this one knows 2\)\. Update llmrec"):
        SQLiteFeedbackStore(path)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE contacts (name TEXT)")
    other.close()
    with pytest.raises(FeedbackError, match="some other program"):
        SQLiteFeedbackStore(path)


@pytest.mark.parametrize("start", [0, 100, 4096], ids=["header", "schema", "table"])
def test_a_damaged_file_is_named_and_kept(path: Path, start: int) -> None:
    with SQLiteFeedbackStore(path) as store:
        store.record_interactions([Interaction(ANN, ItemId(str(at)), 1.0, float(at)) for at in range(500)])
    damaged = bytearray(path.read_bytes())
    damaged[start : start + 600] = b"\xde" * 600
    path.write_bytes(damaged)
    with pytest.raises(FeedbackError, match=r"feedback\.sqlite3 is damaged .* Nothing was deleted: move it away"):
        SQLiteFeedbackStore(path)
    assert path.read_bytes() == damaged


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match=r"cannot open the feedback file .*missing/feedback"):
        SQLiteFeedbackStore(tmp_path / "missing" / "feedback.sqlite3")


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (feedback(signal=cast(Signal, "love")), "signal 'love' is unknown"),
        (feedback(at=float("nan")), "cannot be stored"),
        (feedback(item="\ud800"), "no valid text"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_leaves_no_row(
    store: SQLiteFeedbackStore, bad: Feedback, match: str
) -> None:
    with pytest.raises(FeedbackError, match=match):
        store.record(bad)
    assert list(store.for_user(ANN)) == []


def test_a_file_that_stays_locked_is_reported_and_the_row_not_stored(path: Path) -> None:
    with SQLiteFeedbackStore(path, busy_timeout_s=0.05) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FeedbackError, match=r"cannot write to the feedback file .*: database is locked\. Check"):
            store.record(feedback())
        other.close()
        assert list(store.for_user(ANN)) == []


def test_reactions_are_counted_by_day_without_naming_anybody(store: SQLiteFeedbackStore) -> None:
    day = 86_400.0
    for user, item, said, at in [(ANN, "7", "like", 1.0), (BOB, "7", "like", 2.0), (ANN, "8", "dislike", day + 1)]:
        store.record(Feedback(user, ItemId(item), cast(Signal, said), at))
    assert store.daily() == [SignalCount("1970-01-01", "like", 2), SignalCount("1970-01-02", "dislike", 1)]
