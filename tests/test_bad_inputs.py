"""Thirty and more mistakes a person can make: each gets one clear sentence and exit code 2, and nothing is lost."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from llmrec.bundle import open_bundle
from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, Outcome, call, write_tables

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def place(tmp_path: Path, films: Catalogue, interactions: Interactions) -> Path:
    items, events = write_tables(tmp_path, films, interactions)
    assert (
        run(["build", "--items", str(items), "--interactions", str(events), "--out", str(tmp_path / "r"), *LIGHT]) == 0
    )
    return tmp_path


def spoil(place: Path, name: str, content: bytes | str) -> Path:
    path = place / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


Case = tuple[str, Callable[[Path], list[object]], str]

BUILD: list[Case] = [
    ("no file", lambda p: ["--items", p / "nowhere.csv"], r"nowhere\.csv"),
    ("a directory", lambda p: ["--items", p], r"director"),
    ("empty file", lambda p: ["--items", spoil(p, "e.csv", "")], r"e\.csv.*empty"),
    ("binary file", lambda p: ["--items", spoil(p, "b.csv", bytes(range(256)) * 9)], r"b\.csv"),
    ("missing column", lambda p: ["--items", spoil(p, "m.csv", "sku,title\n1,A\n")], r"no column 'item_id'.*sku"),
    ("repeated column", lambda p: ["--items", spoil(p, "r.csv", "item_id,title,title\n1,A,B\n")], r"title"),
    ("cut gzip", lambda p: ["--items", spoil(p, "c.csv.gz", gzip.compress(b"item_id,title\n" * 99)[:40])], r"c\.csv"),
    ("no Parquet", lambda p: ["--items", spoil(p, "x.parquet", "item_id,title\n")], r"x\.parquet"),
    ("unknown suffix", lambda p: ["--items", spoil(p, "x.xlsx", "item_id,title\n")], r"x\.xlsx"),
    ("not UTF-8", lambda p: ["--items", spoil(p, "l.csv", b"item_id,title\n1,Am\xe9lie\n")], r"l\.csv"),
    ("no item left", lambda p: ["--items", spoil(p, "n.csv", "item_id,title\n1,\n")], r"no item"),
    ("odd --columns", lambda p: ["--items", p / "items.csv", "--columns", "item_id"], r"ours=theirs"),
    ("column not there", lambda p: ["--items", p / "items.csv", "--columns", "item_id=sku"], r"no column 'sku'"),
    ("unknown data set", lambda p: ["--dataset", "movielens-100"], r"Did you mean 'movielens-100k'|movielens-100k"),
    ("data set elsewhere", lambda p: ["--dataset", "movielens-100k", "--from", p], r"u\.data|ml-100k"),
    ("neither", lambda p: [], r"--items FILE or --dataset NAME"),
    ("both", lambda p: ["--items", p / "items.csv", "--dataset", "movielens-100k"], r"--items FILE or --dataset NAME"),
    ("unknown setting", lambda p: ["--items", p / "items.csv", "--set", "ranking.slate=3"], r"'slate_size'"),
    ("bad setting", lambda p: ["--items", p / "items.csv", "--set", "ranking.slate_size=0"], r"ranking\.slate_size"),
    ("endless", lambda p: ["--items", p / "items.csv", "--set", "retrieval.ease_half_life=inf"], r"ease_half"),
    ("deep", lambda p: ["--items", p / "items.csv", "--settings", spoil(p, "d.json", "[" * 9_999)], r"d\.json"),
    ("long path", lambda p: ["--items", p / ("x" * 4_000)], r"[Tt]oo long|name too long"),
    ("no such model", lambda p: ["--items", p / "items.csv", "--set", "encoder.model=nonesuch"], r"'nonesuch'.*MiniLM"),
    ("no settings file", lambda p: ["--items", p / "items.csv", "--settings", p / "no.toml"], r"no\.toml"),
]  # fmt: skip

RECOMMEND: list[Case] = [
    ("k=0", lambda p: ["-k", "0"], r"k is 0; it must be a whole number from 1"),
    ("k=-1", lambda p: ["-k", "-1"], r"k is -1"),
    ("k=many", lambda p: ["-k", "many"], r"'-k'.*integer"),
    ("unknown title", lambda p: ["--like", "Toy Sory"], r"Did you mean 'Toy Story \(1995\)'"),
    ("ambiguous title", lambda p: ["--like", "Sabrina"], r"Sabrina \(1954\).*Sabrina \(1995\)|Sabrina \(1995\).*1954"),
    ("unknown user", lambda p: ["--user", "zoe"], r"'zoe'"),
    ("unknown field", lambda p: ["--where", "yaer>=1990"], r"[Dd]id you mean 'year'"),
    ("no operator", lambda p: ["--where", "year"], r"year"),
    ("wrong kind", lambda p: ["--where", "year>=soon"], r"soon"),
    ("unknown value", lambda p: ["--where", "genres=Horor"], r"Horror"),
    ("contradiction", lambda p: ["--where", "year>=2000", "--where", "year<1990"], r"year"),
    ("unknown option", lambda p: ["--wher", "year>=1990"], r"--wher"),
    ("no prompts", lambda p: ["--prompts", p / "none"], r"none"),
    ("endless year", lambda p: ["--where", "year>=inf"], r"year is a number, not 'inf'"),
    ("underscores", lambda p: ["--where", "year>=1_990"], r"year is a number, not '1_990'"),
    ("long user", lambda p: ["--user", "x" * 100_000], r"no interactions of a user"),
    ("no template", lambda p: ["--prompts", p / "r"], r"holds no \*\.jinja file"),
    ("unknown device", lambda p: ["--device", "gpu"], r"device"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), [case[1:] for case in BUILD], ids=[case[0] for case in BUILD])
def test_build_refuses_with_a_sentence_and_keeps_what_was_there(
    place: Path, capsys: Capsys, arguments: Callable[[Path], list[object]], message: str
) -> None:
    before = open_bundle(place / "r").files.name
    done = call(capsys, "build", "--out", place / "r", *arguments(place))
    assert_one_sentence(done.code, done.err, message)
    assert open_bundle(place / "r").files.name == before


@pytest.mark.parametrize(("arguments", "message"), [case[1:] for case in RECOMMEND], ids=[c[0] for c in RECOMMEND])
def test_recommend_refuses_with_a_sentence(
    place: Path, capsys: Capsys, arguments: Callable[[Path], list[object]], message: str
) -> None:
    done = call(capsys, "recommend", place / "r", *arguments(place))
    assert_one_sentence(done.code, done.err, message)
    assert done.out == ""


def test_errors_are_json_on_standard_error_when_asked(place: Path, capsys: Capsys) -> None:
    done = call(capsys, "recommend", place / "r", "--where", "yaer>=1990", "--json")
    error = json.loads(done.err)["error"]
    assert done.code == 2
    assert error["code"] == "constraint"
    assert "year" in error["message"] + error["hint"]


@pytest.mark.parametrize("target", ["nowhere", "items.csv", "."])
def test_a_directory_that_is_no_recommender_is_refused(place: Path, capsys: Capsys, target: str) -> None:
    done = call(capsys, "recommend", place / target)
    assert_one_sentence(done.code, done.err, r"there is no directory|not a recommender directory")


def test_every_damaged_file_is_named(place: Path, capsys: Capsys) -> None:
    files = [path for path in open_bundle(place / "r").files.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]) if good else b"x")
        done = call(capsys, "recommend", place / "r")
        assert_one_sentence(done.code, done.err, path.name)
        path.write_bytes(good)
    assert call(capsys, "recommend", place / "r").code == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"liked": 3}', '{"liked": [{"item_id": "999"}]}',
    '{"constraints": [{"field": "yaer", "op": "$gte", "value": 1}]}', '{"pending_as": "x"}'])  # fmt: skip
def test_a_profile_that_is_not_one_is_refused(place: Path, capsys: Capsys, text: str) -> None:
    profile = spoil(place, "profile.json", text)
    done = call(capsys, "chat", place / "r", "--once", "horror", "--profile", profile)
    assert_one_sentence(done.code, done.err, r".")


@pytest.mark.parametrize(
    "message", ["", " ", "\x00\x1b[31m", "x" * 1_000_000, "90s, but from 2020", "我想看九十年代的恐怖片"]
)
def test_odd_messages_get_an_answer(place: Path, capsys: Capsys, message: str) -> None:
    done = call(capsys, "chat", place / "r", "--once", message)
    assert done.code == 0
    assert done.out.strip()
    assert "\x1b" not in done.out
    assert len(done.out) < 5_000


def test_a_build_into_a_directory_of_somebody_elses_leaves_it_as_it_was(place: Path, capsys: Capsys) -> None:
    (place / "photos").mkdir()
    (place / "photos" / "cat.jpg").write_text("miaow")
    done = call(capsys, "build", "--items", place / "items.csv", "--out", place / "photos", *LIGHT)
    assert_one_sentence(done.code, done.err, r"holds other files; name a new or empty directory")
    assert [path.name for path in (place / "photos").iterdir()] == ["cat.jpg"]


def test_an_item_may_be_removed_twice_in_one_breath(place: Path, capsys: Capsys) -> None:
    done = call(capsys, "update", place / "r", "--remove", "1", "--remove", "1", "--json")
    assert (done.code, done.json["n_items"]) == (0, 9)


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("long.jsonl", '{"item_id": "1", "title": "A", "n": 1' + "0" * 400 + "}\n", 1),
        ("half.jsonl", '{"item_id": "1", "title": "A"}\n{"item_id": "2", "title": "B", "\\ud800": 1}\n', 2),
    ],
)
def test_what_json_can_say_and_we_cannot_hold_costs_a_row_at_most(
    place: Path, capsys: Capsys, name: str, content: str, read: int
) -> None:
    done = call(capsys, "build", "--items", spoil(place, name, content), "--out", place / "n", *LIGHT, "--json")
    assert done.json["read"] == read
    assert done.json["n_items"] == 1


def test_removing_an_unknown_item_or_updating_nothing_is_refused(place: Path, capsys: Capsys) -> None:
    assert_one_sentence(*_failed(call(capsys, "update", place / "r", "--remove", "999")), r"'999'")
    assert_one_sentence(*_failed(call(capsys, "update", place / "r")), r"nothing to update")


def _failed(done: Outcome) -> tuple[int, str]:
    return done.code, done.err


def assert_one_sentence(code: int, err: str, message: str) -> None:
    assert code == 2, err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("Error: ")
    assert re.search(message, err), err
    assert len(err) < 600
