"""The store in a real PostgreSQL."""

import socket
import sys
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from llmrec.errors import ConfigError, FeedbackError
from llmrec.feedback import SCHEMA_VERSION, SQLFeedbackStore, open_store
from llmrec.feedback.databases import PostgresDatabase
from tests.contracts.feedback_store import ANN, feedback
from tests.contracts.user_store import OpenAnother, UserStoreContract
from tests.feedback.conftest import Opening


@pytest.fixture
def open_another(postgres_url: str, kept_open: Opening) -> OpenAnother:
    def opened(now: Callable[[], float] = time.time) -> SQLFeedbackStore:
        return kept_open(lambda: SQLFeedbackStore(PostgresDatabase(make_url(postgres_url), busy_timeout_s=5), now=now))

    return opened


class TestPostgresStore(UserStoreContract):
    pass


def test_feedback_survives_closing_and_opening(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        store.record(feedback())
    with open_store(postgres_url.replace("+psycopg", "")) as store:
        assert list(store.for_user(ANN)) == [feedback()]


def test_a_newer_schema_is_refused(postgres_url: str) -> None:
    open_store(postgres_url).close()
    _execute(postgres_url, f"UPDATE llmrec_schema SET version = {SCHEMA_VERSION + 1}")
    with pytest.raises(FeedbackError, match=rf"newer version \(schema {SCHEMA_VERSION + 1}"):
        open_store(postgres_url)


def test_a_server_that_went_away_is_one_sentence_and_its_return_is_noticed(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        store.record(feedback())
        # As a restart of the server does to all that stand idle; with a time limit the call waits until they are gone.
        others = "pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        _execute(postgres_url, f"SELECT pg_terminate_backend(pid, 300000) FROM {others}")
        store.record(feedback(item="8"))
        assert [row.item_id for row in store.for_user(ANN)] == ["7", "8"]


def test_nobody_at_the_address_is_said_without_the_password() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else can take the port, and nobody listens
        port = deaf.getsockname()[1]
        with pytest.raises(FeedbackError, match=rf"cannot open .* .*:\*\*\*@127\.0\.0\.1:{port}/x") as caught:
            open_store(f"postgresql://ann:hidden@127.0.0.1:{port}/x")
    assert "hidden" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("where", "match"),
    [("mysql://host/x", "cannot be kept in mysql"), ("://x", "is no URL"), ("http://x/", "kept in http")],
)
def test_other_addresses_are_refused(where: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        open_store(where)


def test_a_text_that_postgresql_cannot_hold_is_refused(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        with pytest.raises(FeedbackError, match="cannot be stored"):
            store.record(feedback(item="a\x00b"))
        assert list(store.for_user(ANN)) == []


def test_a_table_that_another_process_locks_is_reported_in_time(postgres_url: str) -> None:
    url = make_url(postgres_url)
    with SQLFeedbackStore(PostgresDatabase(url, busy_timeout_s=0.05)) as store:
        engine = create_engine(postgres_url, poolclass=NullPool)
        with engine.begin() as other:
            other.exec_driver_sql("LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(FeedbackError, match=r"cannot write to .*lock timeout"):
                store.record(feedback())
        assert list(store.for_user(ANN)) == []


def test_two_processes_that_start_at_once_make_the_tables_once(postgres_url: str) -> None:
    found: list[int] = []

    def start() -> None:
        with open_store(postgres_url) as store:
            found.append(len(store.counts()))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 4


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        ConfigError, match=r"needs the package psycopg\. Install it with `pip install 'llmrec\[postgres\]'"
    ):
        open_store("postgresql://ann@127.0.0.1:9/x")
