"""The SQLite store of feedback: durable, private, and clear about files it cannot use."""

import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from llmrec.errors import FeedbackError
from llmrec.feedback import SCHEMA_VERSION, SQLiteFeedbackStore
from llmrec.types import Interaction, ItemId, UserId
from tests.contracts.feedback_store import ANN, BOB, feedback
from tests.contracts.user_store import OpenAnother, UserStoreContract
from tests.feedback.conftest import Opening

WAIT_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteFeedbackStore]:
    with SQLiteFeedbackStore(path) as opened:
        yield opened


class TestSQLiteFeedbackStore(UserStoreContract):
    @pytest.fixture
    def open_another(self, path: Path, kept_open: Opening) -> OpenAnother:
        return lambda **bounds: kept_open(lambda: SQLiteFeedbackStore(path, **bounds))


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


def test_a_file_that_stays_locked_is_reported_and_the_row_not_stored(path: Path) -> None:
    with SQLiteFeedbackStore(path, busy_timeout_s=0.05) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FeedbackError, match=r"cannot write to the feedback file .*: database is locked\. Check"):
            store.record(feedback())
        other.close()
        assert list(store.for_user(ANN)) == []


def test_who_opens_a_new_file_waits_for_who_writes_to_it(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.05, other.rollback)
    ending.start()
    with SQLiteFeedbackStore(path) as store:
        store.record(feedback())
    ending.join()
    other.close()


def test_a_new_file_that_stays_locked_is_reported(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FeedbackError, match=r"cannot open the feedback file .*: database is locked\. Check"):
        SQLiteFeedbackStore(path, busy_timeout_s=0.05)
    other.close()


def test_who_waits_to_write_is_before_who_has_just_written(path: Path) -> None:
    with SQLiteFeedbackStore(path) as busy, SQLiteFeedbackStore(path) as patient:
        with busy._database.writing():
            waiting = threading.Thread(target=patient.record, args=(feedback(item="patient"),))
            waiting.start()
            door, deadline = FileLock(f"{path}-door"), time.monotonic() + WAIT_S
            while _is_free(door):
                assert time.monotonic() < deadline
        busy.record(feedback(item="busy"))
        waiting.join()
        assert [row.item_id for row in busy.for_user(ANN)] == ["patient", "busy"]


def _is_free(door: FileLock) -> bool:
    try:
        with door.acquire(blocking=False):
            return True
    except Timeout:
        return False


def test_a_door_that_cannot_be_had_keeps_nobody_from_writing(path: Path) -> None:
    Path(f"{path}-door").mkdir()
    with SQLiteFeedbackStore(path) as store:
        store.record(feedback())
        assert list(store.for_user(ANN)) == [feedback()]


def test_a_full_disk_is_reported_and_nothing_is_half_stored(path: Path) -> None:
    with SQLiteFeedbackStore(path) as store:
        store.record(feedback())
        with store._database.writing() as connection:
            n_pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {n_pages}")
        with pytest.raises(FeedbackError, match=r"cannot write to .*: database or disk is full\. Check .* free space"):
            store.record_interactions([Interaction(ANN, ItemId(str(n)), 1.0, 1.0) for n in range(1000)])
        assert store.interactions_of(ANN) == ()
        assert list(store.for_user(ANN)) == [feedback()]


def test_a_file_that_may_only_be_read_is_reported_and_can_be_read(path: Path) -> None:
    with SQLiteFeedbackStore(path) as store:
        store.record(feedback())
        with store._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(FeedbackError, match=r"cannot write to .*readonly database\. Check .* permissions"):
            store.record(feedback())
        assert list(store.for_user(ANN)) == [feedback()]
