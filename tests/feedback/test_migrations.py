"""Stores that earlier versions wrote are brought up to date without loss."""

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from llmrec.errors import FeedbackError
from llmrec.feedback import SCHEMA_VERSION, SQLiteFeedbackStore, open_store
from llmrec.feedback.tables import METADATA
from llmrec.types import Feedback, Interaction, ItemId, SignalCount, UserId

# Written by the code of version 1, and kept.
VERSION_1 = Path(__file__).parent / "version_1"
ANN, BOB, CAT = UserId("ann"), UserId("bob"), UserId("cat")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    for file in VERSION_1.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def test_feedback_of_version_1_is_all_there(old: Path) -> None:
    with open_store(old) as store:
        assert list(store.for_user(ANN)) == [
            Feedback(ANN, ItemId("7"), "like", 1.0),
            Feedback(ANN, ItemId("007 'é\n"), "dislike", 1_700_000_000.25),
            Feedback(ANN, ItemId("7"), "dislike", 3.0),
        ]
        assert list(store.for_user(BOB)) == [Feedback(BOB, ItemId("8"), "seen", 2.0)]
        assert store.daily()[0] == SignalCount("1970-01-01", "dislike", 1)


def test_interactions_and_the_forgotten_of_version_1_move_in_and_their_file_goes(old: Path) -> None:
    with open_store(old) as store:
        # By their time, as they were before.
        assert store.interactions_of(ANN) == (
            Interaction(ANN, ItemId("8"), 1.0, 5.0),
            Interaction(ANN, ItemId("7"), 4.5, 10.0),
        )
        assert store.interactions_of(BOB) == (Interaction(BOB, ItemId("7"), 3.0, 1_700_000_000.5),)
        assert store.forgets(CAT)
        assert not store.forgets(ANN)
    assert [file.name for file in old.iterdir() if file.name.startswith("behaviour")] == []


def test_a_move_that_was_cut_off_before_the_file_went_doubles_nothing(old: Path) -> None:
    SQLiteFeedbackStore(old / "feedback.sqlite3").close()
    shutil.copy(VERSION_1 / "behaviour.sqlite3", old)
    with open_store(old) as store:
        assert len(store.interactions_of(ANN)) == 2


def test_a_file_of_interactions_that_cannot_be_read_stays(old: Path) -> None:
    (old / "behaviour.sqlite3").write_bytes(b"\xde" * 8192)
    with pytest.raises(FeedbackError, match=r"behaviour\.sqlite3 cannot be read: .*Nothing was deleted"):
        open_store(old)
    assert (old / "behaviour.sqlite3").read_bytes() == b"\xde" * 8192


def test_new_rows_stand_behind_the_old_ones(old: Path) -> None:
    with open_store(old) as store:
        store.record(Feedback(ANN, ItemId("9"), "text", 4.0, "too long", "q1", "e1"))
    with open_store(old) as store:
        assert store.for_user(ANN)[-1] == Feedback(ANN, ItemId("9"), "text", 4.0, "too long", "q1", "e1")
        assert len(store.for_user(ANN)) == 4


def test_an_old_and_a_new_file_have_the_columns_the_code_expects(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite3"
    for path in (old / "feedback.sqlite3", new):
        SQLiteFeedbackStore(path).close()
        engine = create_engine(f"sqlite:///{path}")
        found = {name: [c["name"] for c in inspect(engine).get_columns(name)] for name in METADATA.tables}
        engine.dispose()
        assert found == {name: [column.name for column in table.columns] for name, table in METADATA.tables.items()}
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        raw.close()


def test_a_store_of_another_name_leaves_the_file_of_interactions_to_its_owner(old: Path) -> None:
    SQLiteFeedbackStore(old / "mine.sqlite3").close()
    assert (old / "behaviour.sqlite3").exists()


def test_stores_that_are_opened_at_once_take_the_file_over_once(old: Path) -> None:
    failures: list[FeedbackError] = []

    def start() -> None:
        try:
            open_store(old).close()
        except FeedbackError as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(old) as store:
        assert len(store.interactions_of(ANN)) == 2
    assert not (old / "behaviour.sqlite3").exists()
