"""`llmrec tune` writes a file that build and evaluate take, goes on where it was cut, and says every mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.settings import Settings
from tests.cli_helpers import LIGHT, Outcome, call

Capsys = pytest.CaptureFixture[str]
USERS = {
    "ann": "2 3 5 4", "bob": "7 8 10 1", "cat": "2 4 6 3", "dan": "1 8 10 7", "eve": "3 2 4 6", "fay": "8 10 1 9",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, films: Catalogue) -> tuple[str, ...]:
    directory = tmp_path_factory.mktemp("tables")
    items = [f"{film.id},{film.title},{film.description.replace(',', ' ')}" for film in films.values()]
    events = [f"{user},{item},{at}" for user, met in USERS.items() for at, item in enumerate(met.split())]
    (directory / "items.csv").write_text("\n".join(["item_id,title,description", *items]))
    (directory / "events.csv").write_text("\n".join(["user_id,item_id,timestamp", *events]))
    return ("--items", str(directory / "items.csv"), "--interactions", str(directory / "events.csv"))


@pytest.fixture(scope="module")
def shop(tables: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shop") / "r"
    assert run(["build", *tables, "--out", str(out), *LIGHT]) == 0
    return out


def tuned(capsys: Capsys, shop: Path, out: Path, *arguments: object) -> Outcome:
    chosen = arguments if "--stages" in arguments else ("--stages", "transitions,ease", *arguments)
    return call(capsys, "tune", shop, "--core", 0, "--trials", 4, "--out", out, *chosen)


def test_the_file_is_taken_by_evaluate_and_build(
    shop: Path, tables: tuple[str, ...], tmp_path: Path, capsys: Capsys
) -> None:
    out = tmp_path / "tuned.toml"
    done = tuned(capsys, shop, out, "--json")
    assert done.code == 0
    chosen = done.json["stages"]["transitions"]["settings"]["models.transitions_window"]
    assert Settings.from_file(out).models.transitions_window == chosen
    assert Settings.from_file(out).encoder.model == "hashing"
    arguments = ("--core", 0, "--stages", "transitions", "--part", "validation", "--settings", out, "--json")
    evaluated = call(capsys, "evaluate", shop, *arguments)
    assert evaluated.code == 0
    reached = done.json["stages"]["transitions"]["reached"]["mean"]
    assert evaluated.json["stages"]["transitions"]["NDCG@10"]["mean"] == pytest.approx(reached)
    assert call(capsys, "build", *tables, "--out", tmp_path / "again", "--settings", out).code == 0


def test_json_says_data_split_and_what_every_stage_gained(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    found = tuned(capsys, shop, tmp_path / "tuned.toml", "--json", "--metric", "R@5").json
    assert (found["protocol"], found["part"], found["ties"], found["core"]) == (
        "leave-last-out",
        "validation",
        "file",
        0,
    )
    assert found["data"].keys() == {"name", "sha256", "n_users", "n_items", "n_interactions"}
    assert (found["metric"], found["n_trials"], found["seeds"]) == ("R@5", 4, [0])
    assert len(found["split_sha256"]) == 64
    assert found["commit"]
    assert list(found["stages"]) == ["ease", "transitions"]
    for stage in found["stages"].values():
        assert stage.keys() == {
            "trials", "chosen", "settings", "before", "reached", "difference", "is_shown", "verdict",
        }  # fmt: skip
        assert stage["reached"]["mean"] >= stage["before"]["mean"]
        assert (stage["difference"] is None) == (stage["chosen"] == 0)


def test_the_text_says_what_was_gained_and_what_comes_next(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    done = tuned(capsys, shop, tmp_path / "tuned.toml")
    assert done.code == 0
    assert "6 users, 10 items, 24 interactions, core 0, sha256 " in done.out
    assert "leave-last-out, validation, ties file, split " in done.out
    assert "no difference shown between" in done.out or "the settings as they were are the best of 4" in done.out
    assert f"Next: llmrec evaluate --settings {tmp_path / 'tuned.toml'}" in done.out


def test_the_same_command_measures_nothing_twice(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    first = tuned(capsys, shop, tmp_path / "a.toml", "--json").json
    trials = tmp_path / "a.trials" / "trials.jsonl"
    lines = trials.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 8
    # As a run leaves it that was killed while it wrote.
    trials.write_text("\n".join([*lines[:3], lines[3][:20]]), encoding="utf-8")
    again = tuned(capsys, shop, tmp_path / "a.toml", "--json").json
    assert again == first
    assert trials.read_text(encoding="utf-8").splitlines()[:3] == lines[:3]
    assert len(trials.read_text(encoding="utf-8").splitlines()) == 9
    other = tuned(capsys, shop, tmp_path / "b.toml", "--json", "--work", tmp_path / "a.trials").json
    assert other["stages"] == first["stages"]
    assert not (tmp_path / "b.trials").exists()


def test_stages_searched_one_after_the_other_are_kept_in_one_file(
    shop: Path, books: Path, tmp_path: Path, capsys: Capsys
) -> None:
    out = tmp_path / "tuned.toml"
    ease = tuned(capsys, shop, out, "--stages", "ease", "--json").json["stages"]["ease"]["settings"]
    done = tuned(capsys, shop, out, "--stages", "transitions", "--json").json
    assert (list(done["stages"]), done["kept"]) == (["transitions"], ["ease"])
    found = Settings.from_file(out)
    assert found.retrieval.ease_regularisation == ease["retrieval.ease_regularisation"]
    assert found.models.transitions_window == done["stages"]["transitions"]["settings"]["models.transitions_window"]
    more = ("tune", "--dataset", "goodbooks-10k", "--from", books, "--core", 0, "--protocol", "random-one-out")
    refused = call(capsys, *more, "--stages", "ease", "--trials", 1, "--out", out)
    assert (refused.code, refused.out) == (2, "")
    assert f"{out} holds what was found for transitions on other data than goodbooks-10k (r, 6 users" in refused.err
    again = tuned(capsys, shop, out, "--stages", "ease")
    assert f"{out} keeps what it had of transitions, found by earlier runs." in again.err
    assert Settings.from_file(out) == found


def test_trials_are_kept_in_no_directory_of_other_files(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    before = sorted(shop.rglob("*"))
    refused = tuned(capsys, shop, tmp_path / "tuned.toml", "--work", shop)
    assert (refused.code, refused.out) == (2, "")
    assert f"trials cannot be kept in {shop}: it holds other files. Name another directory." in refused.err
    assert sorted(shop.rglob("*")) == before


@pytest.fixture
def books(tmp_path: Path) -> Path:
    (tmp_path / "books.csv").write_text(
        "book_id,goodreads_book_id,authors,original_publication_year,title,language_code,image_url\n"
        + "".join(f"{n},{n},Ann Other,1999,Book {n},eng,\n" for n in range(1, 6))
    )
    rows = [(user, book) for user in range(1, 5) for book in range(1, 6) if (user + book) % 5]
    (tmp_path / "ratings.csv").write_text("user_id,book_id,rating\n" + "".join(f"{u},{b},4\n" for u, b in rows))
    return tmp_path


def test_data_without_time_refuses_to_leave_the_last_out(books: Path, tmp_path: Path, capsys: Capsys) -> None:
    common = ("tune", "--dataset", "goodbooks-10k", "--from", books, "--core", 0, "--stages", "ease", "--trials", 2)
    refused = call(capsys, *common, "--out", tmp_path / "t.toml")
    assert (refused.code, refused.out) == (2, "")
    assert "leave-last-out needs the order in time, which this data does not have; use random-one-out." in refused.err
    assert not (tmp_path / "t.toml").exists()
    done = call(capsys, *common, "--out", tmp_path / "t.toml", "--protocol", "random-one-out", "--json")
    assert (done.code, done.json["protocol"]) == (0, "random-one-out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stages", "eese"], "no stage is called 'eese'. Did you mean 'ease'?"),
        (["--stages", "fused"], "the stage 'fused' is not tuned. Tunable: popularity, "),
        (["--stages", ","], "--stages names no stage."),
        (["--metric", "ndcg"], "no search can go by 'ndcg'. Known: NDCG@1, "),
        (["--trials", "0"], "Invalid value for '--trials'"),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (
            ["--core", "9"],
            "none of 24 interactions is left where every user and item must have 9. Give a lower --core; 0 keeps all.",
        ),
        (["--from", "x"], "give either a recommender directory or --dataset NAME"),
        (["--set", "models.easy=1"], "no setting is called 'models.easy'."),
        (["--settings", "none.toml"], "the settings file none.toml cannot be read"),
        (["--out", "x.json"], "x.json would be read as JSON"),
        (["--resume"], "No such option"),
    ],
)
def test_mistakes_get_a_sentence(
    shop: Path, tmp_path: Path, arguments: list[str], message: str, capsys: Capsys
) -> None:
    done = tuned(capsys, shop, tmp_path / "tuned.toml", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "tuned.toml").exists()


def test_a_work_directory_that_is_none_is_named(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "file").write_text("")
    done = tuned(capsys, shop, tmp_path / "tuned.toml", "--work", tmp_path / "file")
    assert done.code == 2
    assert f"trials cannot be kept in {tmp_path / 'file'}" in done.err


def test_help_and_closed_forms_need_no_torch(shop: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from llmrec.cli.main import run; "
        "code = run(sys.argv[1:]); assert code == 0 and 'torch' not in sys.modules, code"
    )
    closed = ["tune", str(shop), "--core", "0", "--stages", "ease", "--trials", "2", "--out", str(tmp_path / "t.toml")]
    for arguments in (["tune", "--help"], closed):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
