"""`llmrec recommend --batch`: what `recommend` says of one user stands in the file for each, cut off or not."""

import json
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmrec.build import Overrides
from llmrec.cli.batch import Batch, recommend_batch
from llmrec.cli.batch_file import BatchFile, BatchWriter
from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError, DataError
from llmrec.language_model.scripted import ScriptedModel
from llmrec.recommender import Recommender
from llmrec.types import Interaction, ItemId, Prompt, UserId
from tests.cli_helpers import LIGHT, Outcome, call, write_tables

Capsys = pytest.CaptureFixture[str]
USERS = ("cat", "007", "ann", "dan", "bob")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, films: Catalogue, interactions: Interactions) -> Path:
    directory = tmp_path_factory.mktemp("batch")
    agent = [Interaction(UserId("007"), ItemId(item), 5.0, at) for at, item in enumerate(("9", "5"), start=1)]
    known = interactions.joined(Interactions.from_rows(agent, films), films)
    items, events = write_tables(directory, films, known)
    out = directory / "r"
    assert run(["build", "--items", str(items), "--interactions", str(events), "--out", str(out), *LIGHT]) == 0
    return out


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return written(tmp_path / "users.txt", "\n".join(USERS))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def ranked(capsys: Capsys, shop: Path, users: Path, out: Path, *options: object) -> Outcome:
    return call(capsys, "recommend", shop, "--batch", users, "--out", out, *options)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ids(row: dict) -> list[str]:
    return [item["item_id"] for item in row["items"]]


def test_each_user_gets_a_line_with_what_recommend_gives(
    shop: Path, users: Path, tmp_path: Path, capsys: Capsys
) -> None:
    done = ranked(capsys, shop, users, tmp_path / "o.jsonl", "-k", 3)
    assert (done.code, done.out, done.err) == (0, f"5 users ranked in {tmp_path / 'o.jsonl'}.\n", "")
    found = rows(tmp_path / "o.jsonl")
    assert [row["user_id"] for row in found] == list(USERS)
    recommender = Recommender.from_pretrained(shop)
    for row in found:
        alone = recommender.recommend(user_id=row["user_id"], k=3)
        assert ids(row) == [item.item_id for item in alone]
        assert [item["score"] for item in row["items"]] == pytest.approx([item.score for item in alone], abs=1e-5)
        assert [item["rank"] for item in row["items"]] == [1, 2, 3]
        assert [item["title"] for item in row["items"]] == [item.title for item in alone]
        assert row["ranked_by"] == "retrieval"


def test_conditions_and_what_was_met_count_as_for_one(shop: Path, users: Path, tmp_path: Path, capsys: Capsys) -> None:
    options = ("--where", "genres=Horror", "--keep-viewed", "-k", 9)
    assert ranked(capsys, shop, users, tmp_path / "o.jsonl", *options).code == 0
    assert [sorted(ids(row)) for row in rows(tmp_path / "o.jsonl")] == [["2", "4", "6"]] * 5
    unmet = ranked(capsys, shop, users, tmp_path / "unmet.jsonl", "--where", "genres=Horror", "--json")
    assert unmet.json == {
        "out": str(tmp_path / "unmet.jsonl"), "n_users": 5, "n_before": 0, "n_unknown": 0, "n_degraded": 0,
    }  # fmt: skip
    assert ids(rows(tmp_path / "unmet.jsonl")[0]) == []  # cat met all three


@pytest.mark.parametrize("name", ["u.csv", "u.jsonl", "u.parquet"])
def test_users_come_from_tables_too_and_stay_text(shop: Path, tmp_path: Path, name: str, capsys: Capsys) -> None:
    path = tmp_path / name
    if name == "u.csv":
        written(path, "age,user_id\n30,007\n31,bob\n")
    elif name == "u.jsonl":
        written(path, '{"user_id": "007"}\n{"user_id": "bob"}\n')
    else:
        pq.write_table(pa.table({"user_id": ["007", "bob"]}), path)
    assert ranked(capsys, shop, path, tmp_path / "o.jsonl", "-k", 1).code == 0
    assert [row["user_id"] for row in rows(tmp_path / "o.jsonl")] == ["007", "bob"]


@pytest.mark.parametrize("n_kept", [1, 3, 5])
def test_a_run_goes_on_after_its_last_whole_line(
    shop: Path, users: Path, tmp_path: Path, n_kept: int, capsys: Capsys
) -> None:
    out = tmp_path / "o.jsonl"
    assert ranked(capsys, shop, users, out).code == 0
    whole = out.read_bytes()
    lines = whole.splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:n_kept]) + b"".join(lines[n_kept : n_kept + 1])[:40])
    again = ranked(capsys, shop, users, out)
    assert (again.code, again.out) == (0, f"5 users ranked in {out}, {n_kept} of them before this run.\n")
    assert out.read_bytes() == whole


def test_users_added_at_the_end_are_ranked_and_others_in_between_refused(
    shop: Path, users: Path, tmp_path: Path, capsys: Capsys
) -> None:
    out, fewer = tmp_path / "o.jsonl", written(tmp_path / "fewer.txt", "cat\n007\n")
    assert ranked(capsys, shop, fewer, out).code == 0
    assert ranked(capsys, shop, users, out, "--json").json["n_before"] == 2
    refused = ranked(capsys, shop, written(tmp_path / "other.txt", "cat\nann\n"), out)
    assert refused.code == 2
    assert "was made for other users: its line 2 is of user '007', not of user 'ann'." in refused.err
    refused = ranked(capsys, shop, fewer, out)
    assert "its line 3 is of user 'ann', not of anybody named." in refused.err
    assert len(rows(out)) == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-k", 4), "was made with k 3, and this run has 4."),
        (("-k", 3, "--where", "year>=1990"), 'was made with where [], and this run has ["year>=1990"].'),
        (("-k", 3, "--keep-viewed"), "was made with keep_viewed false, and this run has true."),
        (
            ("-k", 3, "--set", "retrieval.n_candidates=44"),
            "was made with retrieval.n_candidates 100, and this run has 44.",
        ),
    ],
)
def test_a_file_made_otherwise_is_refused_and_left_alone(
    shop: Path, users: Path, tmp_path: Path, options: tuple[object, ...], said: str, capsys: Capsys
) -> None:
    out = tmp_path / "o.jsonl"
    assert ranked(capsys, shop, users, out, "-k", 3).code == 0
    before = out.read_bytes()
    refused = ranked(capsys, shop, users, out, *options)
    assert refused.code == 2
    assert said in refused.err
    assert out.read_bytes() == before
    # Where it runs changes nothing that is ranked.
    assert ranked(capsys, shop, users, out, "-k", 3, "--device", "cpu").code == 0


def test_a_recommender_that_was_updated_in_between_is_another_one(
    films: Catalogue, interactions: Interactions, tmp_path: Path, capsys: Capsys
) -> None:
    items, events = write_tables(tmp_path, films, interactions)
    mine, out, users = tmp_path / "r", tmp_path / "o.jsonl", written(tmp_path / "u.txt", "ann\n")
    assert call(capsys, "build", "--items", items, "--interactions", events, "--out", mine, *LIGHT).code == 0
    assert ranked(capsys, mine, users, out).code == 0
    later = written(tmp_path / "later.csv", "user_id,item_id,timestamp\nann,9,5\n")
    assert call(capsys, "update", mine, "--interactions", later).code == 0
    refused = ranked(capsys, mine, users, out)
    assert refused.code == 2
    assert "was made with recommender " in refused.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty."),
        ("\n \n", "names no user."),
        ("ann\nzoe\nbob\nyan\n", "2 of 4 users in u.txt without interactions in this recommender: 'zoe' (row 2) and"),
        ("7\n07\n", "nobody in u.txt has interactions in this recommender: '7' (row 1) and '07' (row 2)."),
        ("ann\nbob\n\nann\n", "u.txt names 1 user more than once: 'ann' (rows 1 and 4)."),
    ],
)
def test_a_file_of_users_that_cannot_be_is_refused_before_anything_is_written(
    shop: Path, tmp_path: Path, text: str, said: str, capsys: Capsys
) -> None:
    refused = ranked(capsys, shop, written(tmp_path / "u.txt", text), tmp_path / "o.jsonl")
    assert refused.code == 2
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["u.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user,item\nann,1\n", "Name the column with the users' ids user_id."),
        ("user_id,age\nann,30\n,31\n", "user_id is empty in row 3 of u.csv."),
        ("user_id\n", "names no user."),
    ],
)
def test_a_table_without_users_says_what_is_missing(
    shop: Path, tmp_path: Path, text: str, said: str, capsys: Capsys
) -> None:
    refused = ranked(capsys, shop, written(tmp_path / "u.csv", text), tmp_path / "o.jsonl")
    assert refused.code == 2
    assert said in refused.err


def test_unknown_users_are_left_out_when_asked(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    path, out = written(tmp_path / "u.txt", "ann\nzoe\nbob\n"), tmp_path / "o.jsonl"
    done = ranked(capsys, shop, path, out, "--skip-unknown")
    assert (done.code, done.out) == (0, f"2 users ranked in {out}; 1 unknown left out.\n")
    assert [row["user_id"] for row in rows(out)] == ["ann", "bob"]


def test_places_that_cannot_be_are_refused(shop: Path, users: Path, tmp_path: Path, capsys: Capsys) -> None:
    somebodys = written(tmp_path / "theirs.jsonl", '{"a": 1}\n')
    for out, said in (
        (tmp_path, "is a directory; name a file."),
        (tmp_path / "o.csv", "will be JSON Lines; give it a name that ends in .jsonl."),
        (users / "o.jsonl", "is a file; name a directory."),
        (somebodys, "is there already and has no theirs.jsonl.run.json to say how it was made."),
    ):
        refused = ranked(capsys, shop, users, out)
        assert refused.code == 2
        assert said in refused.err
    assert somebodys.read_text() == '{"a": 1}\n'
    for missing, said in ((tmp_path / "no.txt", "there is no file"), (tmp_path, "is a directory")):
        refused = ranked(capsys, shop, missing, tmp_path / "o.jsonl")
        assert refused.code == 2
        assert said in refused.err


def test_options_that_do_not_go_together_are_refused(shop: Path, users: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "o.jsonl"
    for options, said in (
        (("--batch", users), "--out FILE is missing"),
        (("--out", out), "--batch FILE is missing"),
        (("a comedy", "--batch", users, "--out", out), "WISH is of one user"),
        (("--user", "", "--batch", users, "--out", out), "--user is of one user"),
        (("--batch", users, "--out", out, "-k", 0), "k is 0"),
        (("--batch", users, "--out", out, "--where", "yaer>=1990"), "yaer"),
    ):
        refused = call(capsys, "recommend", shop, *options)
        assert refused.code == 2
        assert said in refused.err
    assert not list(tmp_path.glob("o.jsonl*"))


def of_shop(shop: Path, users: Path, out: Path) -> Batch:
    return Batch(
        directory=shop, users=users, out=out, k=3, where=(), changes=(), prompts=None, keep_viewed=False,
        skip_unknown=False, progress=False,
    )  # fmt: skip


class Impatient:
    """Prefers the labels in turn; somebody presses Ctrl-C at the call with that number."""

    def __init__(self, stops_at: int) -> None:
        self.n_calls, self._stops_at = 0, stops_at

    def __call__(self, _prompt: Prompt, labels: Sequence[str]) -> list[float]:
        self.n_calls += 1
        if self.n_calls == self._stops_at:
            raise KeyboardInterrupt
        return [float(-number) for number in range(len(labels))]


def test_after_ctrl_c_every_line_is_whole_and_the_model_is_asked_for_the_rest_only(
    shop: Path, users: Path, tmp_path: Path, capsys: Capsys
) -> None:
    out = tmp_path / "o.jsonl"
    stopped, patient = Impatient(stops_at=3), Impatient(stops_at=0)

    def opened(score: Impatient) -> Recommender:
        return Recommender.from_pretrained(shop, overrides=Overrides(language_model=ScriptedModel(score=score)))

    with pytest.raises(KeyboardInterrupt):
        recommend_batch(of_shop(shop, users, out), lambda: opened(stopped), as_json=False)
    assert "Stopped after 2 of 5 users. Run the same command again to go on." in capsys.readouterr().err
    assert [row["user_id"] for row in rows(out)] == list(USERS[:2])
    recommend_batch(of_shop(shop, users, out), lambda: opened(patient), as_json=False)
    assert patient.n_calls == 3
    assert [row["ranked_by"] for row in rows(out)] == ["lm+retrieval"] * 5
    alone = opened(Impatient(stops_at=0))
    for row in rows(out):
        assert ids(row) == [item.item_id for item in alone.recommend(user_id=row["user_id"], k=3)]


def test_a_model_that_does_not_answer_is_told_of_once(shop: Path, users: Path, tmp_path: Path, capsys: Capsys) -> None:
    silent = ScriptedModel(label_mass=1e-6)
    opened = Recommender.from_pretrained(shop, overrides=Overrides(language_model=silent))
    recommend_batch(of_shop(shop, users, tmp_path / "o.jsonl"), lambda: opened, as_json=False)
    assert "Ranked without the language model's voice: 5 users, because " in capsys.readouterr().err
    assert {row["ranked_by"] for row in rows(tmp_path / "o.jsonl")} == {"retrieval"}


def test_a_record_or_a_line_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = BatchFile(tmp_path / "o.jsonl")
    assert file.resume({"k": 1}, ["a"]) == 0
    file.path.write_bytes(b'{"user_id": "a"}\nnonsense\n')
    with pytest.raises(ConfigError, match=r"line 2 of .* is no recommendation"):
        file.resume({"k": 1}, ["a", "b"])
    file.record_path.write_text("[]")
    with pytest.raises(ConfigError, match=r"o.jsonl.run.json cannot be read as a record of a run"):
        file.resume({"k": 1}, ["a", "b"])


def test_a_record_with_more_in_it_is_of_another_run(tmp_path: Path) -> None:
    file = BatchFile(tmp_path / "o.jsonl")
    file.resume({"k": 1, "later": 2}, ["a"])
    file.path.write_bytes(b'{"user_id": "a"}\n')
    with pytest.raises(ConfigError, match="was made with later 2, and this run has null"):
        file.resume({"k": 1}, ["a"])


class NearlyFull(FileIO):
    """A file on a disk with room for few bytes more."""

    def write(self, data: bytes) -> int:
        return super().write(bytes(data)[:5])


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    path.write_bytes(b'{"user_id": "a"}\n')
    with NearlyFull(path, "ab") as file, pytest.raises(DataError, match=r"No space left .* goes on from there"):
        BatchWriter(file, path).add({"user_id": "b"})
    assert path.read_bytes() == b'{"user_id": "a"}\n'
