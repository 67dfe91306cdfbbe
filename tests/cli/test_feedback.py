"""`llmrec feedback`: learn from it, thin it out, hand it over, forget it."""

from __future__ import annotations

import csv
import json
import shutil
import stat
import time
from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.feedback import SQLiteFeedbackStore, open_store
from llmrec.types import Feedback, Interaction, ItemId, UserId
from tests.cli_helpers import LIGHT, call, write_tables
from tests.feedback.test_answers import shown

ANN = UserId("ann")


@pytest.fixture(scope="module")
def built(films: Catalogue, interactions: Interactions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from llmrec.cli.main import run

    folder = tmp_path_factory.mktemp("shop")
    items, events = write_tables(folder, films, interactions)
    assert run(["build", "--items", str(items), "--interactions", str(events), "--out", str(folder / "r"), *LIGHT]) == 0
    return folder / "r"


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    shutil.copytree(built, shop)
    with open_store(shop) as store:
        store.record_impressions(shown("q", "6", "9", "10", at=time.time()))
        store.record(Feedback(ANN, ItemId("10"), "like", time.time() + 1))
        store.record_interactions([Interaction(UserId("new"), ItemId("1"), 4.0, 7.0)])
    return shop


def test_what_was_done_is_a_table_that_update_reads(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new.csv"
    assert call(capsys, "feedback", "export", shop, "--as", "interactions", "--out", out, "--json").json["rows"] == 2
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["user_id"], row["item_id"], row["rating"]) for row in rows] == [
        ("new", "1", "4.0"),
        ("ann", "10", "5.0"),
    ]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    done = call(capsys, "update", shop, "--interactions", out)
    assert done.code == 0, done.err
    liked = call(capsys, "recommend", shop, "--user", "new", "--json").json
    assert "1" not in [item["item_id"] for item in liked["recommendations"]]


def test_lessons_are_conversations_with_an_answer(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, names in (("preferences", {"prompt", "chosen", "rejected"}), ("kto", {"prompt", "completion", "label"})):
        out = tmp_path / f"{kind}.jsonl"
        assert call(capsys, "feedback", "export", shop, "--as", kind, "--out", out).code == 0
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert len(rows) == (2 if kind == "preferences" else 1)
        assert set(rows[0]) == names
        assert [message["role"] for message in rows[0]["prompt"]] == ["system", "user"]
        (answer,) = rows[0]["chosen" if kind == "preferences" else "completion"]
        assert (answer["role"], answer["content"] in {"A", "B", "C"}) == ("assistant", True)


def test_a_user_gets_every_row_and_is_deleted_whole(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ann.jsonl"
    assert call(capsys, "feedback", "export", shop, "--user", "ann", "--out", out).code == 0
    kinds = [json.loads(line)["kind"] for line in out.read_text().splitlines()]
    assert kinds == ["learned"] * 3 + ["feedback"] + ["impression"] * 3
    gone = call(capsys, "feedback", "delete", shop, "ann", "--json").json
    assert gone["deleted"] == {"feedback": 1, "interactions": 0, "impressions": 3}
    assert gone["learned"] == 3
    assert "Backups" in gone["note"]
    assert call(capsys, "feedback", "stats", shop, "--json").json["rows"] == {
        "feedback": 0, "forgotten": 1, "impressions": 0, "interactions": 1, "opted_out": 0,
    }  # fmt: skip


def test_what_is_old_is_pruned(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SQLiteFeedbackStore(shop / "feedback.sqlite3") as store:
        store.record_impressions(shown("old", "1", "2", at=time.time() - 400 * 86_400))
    done = call(capsys, "feedback", "prune", shop, "--older-than", "365d")
    assert done.out.startswith("0 feedback, 0 interactions, 2 impressions deleted.")


def test_who_opted_out_is_left_out_until_they_come_back(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(capsys, "feedback", "opt-out", shop, "new").code == 0
    export = ("feedback", "export", shop, "--as", "interactions", "--out", tmp_path / "i.csv", "--json")
    assert call(capsys, *export).json["rows"] == 1
    assert call(capsys, "feedback", "opt-in", shop, "new").code == 0
    assert call(capsys, *export).json["rows"] == 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("export", "--out", "x.jsonl"), "name either"),
        (("export", "--as", "kto", "--out", "x.csv"), "is not the name of a .jsonl file"),
        (("prune", "--older-than", "3 years"), "no age"),
        (("stats", "--store", "mysql://a/b"), "cannot be kept in mysql"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], match: str
) -> None:
    command, *rest = arguments
    found = call(capsys, "feedback", command, shop, *rest)
    assert found.code == 2
    assert match in found.err
    assert found.err.count("\n") == 1


def test_a_directory_without_feedback_is_said_and_stays_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = call(capsys, "feedback", "stats", tmp_path)
    assert "there is no feedback in" in found.err
    assert list(tmp_path.iterdir()) == []
