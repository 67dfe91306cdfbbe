"""`llmrec evaluate` and `llmrec compare` print what programs rely on, and say every mistake in one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from tests.cli_helpers import LIGHT, call

Capsys = pytest.CaptureFixture[str]
USERS = {
    "ann": "2 3 5 4", "bob": "7 8 10 1", "cat": "2 4 6 3", "dan": "1 8 10 7", "eve": "3 2 4 6", "fay": "8 10 1 9",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, films: Catalogue) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    items = [f"{film.id},{film.title},{film.description.replace(',', ' ')}" for film in films.values()]
    events = [f"{user},{item},{at}" for user, met in USERS.items() for at, item in enumerate(met.split())]
    (directory / "items.csv").write_text("\n".join(["item_id,title,description", *items]))
    (directory / "events.csv").write_text("\n".join(["user_id,item_id,timestamp", *events]))
    tables = ["--items", str(directory / "items.csv"), "--interactions", str(directory / "events.csv")]
    assert run(["build", *tables, "--out", str(directory / "r"), *LIGHT]) == 0
    return directory / "r"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    (tmp_path / "books.csv").write_text(
        "book_id,goodreads_book_id,authors,original_publication_year,title,language_code,image_url\n"
        + "".join(f"{n},{n},Ann Other,1999,Book {n},eng,\n" for n in range(1, 6))
    )
    rows = [(user, book) for user in range(1, 5) for book in range(1, 6) if (user + book) % 5]
    (tmp_path / "ratings.csv").write_text("user_id,book_id,rating\n" + "".join(f"{u},{b},4\n" for u, b in rows))
    return tmp_path


def test_json_has_the_shape_others_rely_on(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "evaluate", shop, "--core", 0, "--stages", "popularity,ease", "--json")
    assert done.code == 0
    assert done.json["protocol"] == "leave-last-out"
    assert done.json["data"].keys() == {"name", "sha256", "n_users", "n_items", "n_interactions"}
    assert (done.json["data"]["n_users"], done.json["data"]["n_items"]) == (6, 10)
    assert (done.json["seeds"], done.json["n_tested"]) == ([0, 1, 2], 6)
    assert done.json["commit"]
    assert list(done.json["stages"]) == ["popularity", "ease"]
    for metric in ("NDCG@10", "R@10", "HR@1", "MRR@5", "MAP@20", "P@50", "F1@10", "AUC", "R@100", "novelty@10"):
        estimate = done.json["stages"]["ease"][metric]
        assert estimate["ci95"][0] <= estimate["mean"] <= estimate["ci95"][1]
    assert 0 < done.json["stages"]["ease"]["coverage@10"]["mean"] <= 1
    assert done.json["differences"][0].keys() == {"a", "b", "metric", "mean", "ci95"}
    assert done.json["seconds"]["ease"].keys() == {"fit", "score", "p50", "p95", "p99"}


def test_a_report_is_written_with_the_slate_of_the_settings(shop: Path, capsys: Capsys, tmp_path: Path) -> None:
    chosen = ["--stages", "popularity,ease", "--set", "ranking.slate_size=5", "--report", tmp_path / "report"]
    assert call(capsys, "evaluate", shop, "--core", 0, *chosen).code == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "among its first 5 candidates" in page
    assert json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))["n_tested"] == 6


def test_where_nothing_may_be_written_nothing_is_computed(shop: Path, capsys: Capsys, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "result.json").write_text("{}")
    (tmp_path / "file").write_text("")
    before = sorted(shop.rglob("*"))
    for options, message in (
        (["--out", mine], f"{mine} holds other files; name for the result a directory that is new, empty or of an"),
        (["--out", tmp_path / "new", "--report", mine], f"{mine} holds other files; name for the report"),
        (["--out", tmp_path / "new", "--report", tmp_path / "file"], f"{tmp_path / 'file'} is a file; name a dir"),
        (["--out", shop], f"{shop} is a recommender directory; name another one for the result."),
        (["--report", shop], f"{shop} is a recommender directory; name another one for the report."),
    ):
        # Not even the directory of the recommender is looked at.
        refused = call(capsys, "evaluate", tmp_path / "none", "--stages", "popularity", *options)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err
    assert (mine / "result.json").read_text() == "{}"
    assert not (tmp_path / "new").exists()
    assert sorted(shop.rglob("*")) == before


def test_an_earlier_result_and_report_are_replaced_also_in_one_directory(
    shop: Path, capsys: Capsys, tmp_path: Path
) -> None:
    places = ("--out", tmp_path / "run", "--report", tmp_path / "run")
    for stage in ("popularity", "bm25"):
        assert call(capsys, "evaluate", shop, "--core", 0, "--stages", stage, *places).code == 0
    for name in ("result.json", "metrics.json"):
        assert list(json.loads((tmp_path / "run" / name).read_text(encoding="utf-8"))["stages"]) == ["bm25"]


def test_the_text_names_protocol_data_and_verdicts(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "evaluate", shop, "--core", 0, "--stages", "popularity,bm25")
    assert done.code == 0
    assert "6 users, 10 items, 24 interactions, core 0, sha256 " in done.out
    assert "leave-last-out, test, ties file, 6 users tested, 3 seeds, split " in done.out
    assert "popularity" in done.out
    assert "in NDCG@10 (" in done.out


def test_one_user_is_one_user_and_has_no_interval(shop: Path, capsys: Capsys) -> None:
    limits = ("--seeds", 1, "--limit-users", 1)
    done = call(capsys, "evaluate", shop, "--core", 0, "--stages", "popularity", *limits)
    assert done.code == 0
    assert "leave-last-out, test, ties file, 1 user tested, 1 seed, split " in done.out
    assert "Tested: 1 user, drawn with seed 0; the intervals are of them." in done.err
    assert "nan" not in done.out
    [row] = [line for line in done.out.splitlines() if line.startswith("popularity")]
    assert "[" not in row
    assert "e+" not in row


def test_what_has_a_closed_form_is_evaluated_by_default(shop: Path, capsys: Capsys) -> None:
    stages = call(capsys, "evaluate", shop, "--core", 0, "--json").json["stages"]
    assert {"popularity", "itemknn", "ease", "transitions", "bm25", "dense"} <= stages.keys()
    assert "sasrec" not in stages


def test_runs_are_kept_and_compared(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    for name, setting in (("a", "models.transitions_window=1"), ("b", "models.transitions_window=10")):
        arguments = ("--core", 0, "--stages", "transitions", "--set", setting, "--out", tmp_path / name)
        assert call(capsys, "evaluate", shop, *arguments).code == 0
    same = call(capsys, "compare", tmp_path / "a", tmp_path / "a")
    assert same.code == 0
    assert f"no difference shown between transitions of {tmp_path / 'a'}" in same.out
    found = call(capsys, "compare", tmp_path / "a", tmp_path / "b", "--metric", "R@10", "--metric", "AUC", "--json")
    assert [one["metric"] for one in found.json["differences"]] == ["R@10", "AUC"]
    assert found.json["differences"][0].keys() == {"a", "b", "metric", "mean", "ci95", "verdict"}


def test_different_protocols_are_refused_in_a_sentence(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    common = (shop, "--core", 0, "--stages", "popularity")
    for name, protocol in (("a", "leave-last-out"), ("b", "random-one-out")):
        assert call(capsys, "evaluate", *common, "--protocol", protocol, "--out", tmp_path / name).code == 0
    refused = call(capsys, "compare", tmp_path / "a", tmp_path / "b")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "Error: results that were measured differently cannot be compared: the protocol is leave-last-out in "
        f"{tmp_path / 'a'} and random-one-out in {tmp_path / 'b'}.\n"
    )
    missing = call(capsys, "compare", tmp_path / "a", tmp_path / "a", "--stage", "ease")
    assert missing.err == f"Error: {tmp_path / 'a'} has no stage 'ease'. It has popularity.\n"
    as_json = call(capsys, "compare", tmp_path / "a", tmp_path / "b", "--json")
    assert json.loads(as_json.err)["error"]["code"] == "protocol"


def test_some_users_and_random_ties(shop: Path, capsys: Capsys) -> None:
    arguments = ("--core", 0, "--stages", "popularity", "--ties", "random", "--seeds", 2, "--limit-users", 4, "--json")
    done = call(capsys, "evaluate", shop, *arguments)
    assert (done.code, done.json["ties"], done.json["n_tested"], done.json["seeds"]) == (0, "random", 4, [0, 1])


def test_columns_of_users_divide_them(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    table = tmp_path / "users.csv"
    table.write_text("user_id,taste,age\n" + "".join(f"{user},{'dark' if '2' in met else 'light'},{user}\n"
                     for user, met in USERS.items()))  # fmt: skip
    arguments = ("evaluate", shop, "--core", 0, "--stages", "popularity", "--users", table, "--json")
    groups = call(capsys, *arguments).json["groups"]["popularity"]
    assert {(one["group"], one["n_users"]) for one in groups if one["column"] == "taste"} == {("dark", 3), ("light", 3)}
    table.write_text("user_id,height\n" + "".join(f"{n},{n}\n" for n in range(21)))
    refused = call(capsys, *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert "the column 'height' of users.csv has 21 labels; at most 20 can be compared." in refused.err


def test_the_table_of_users_is_held_against_the_data(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    table = tmp_path / "users.csv"
    arguments = ("evaluate", shop, "--core", 0, "--stages", "popularity", "--users", table)
    table.write_text("user_id,taste\nann,dark\nbob,light\nyan,dark\nzoe,dark\n")
    done = call(capsys, *arguments, "--out", tmp_path / "out")
    assert done.code == 0
    notes = [
        "Not in the data that was evaluated: 2 of 4 users of users.csv (yan and zoe).",
        "Without a row in users.csv, and so in none of its groups: 4 of 6 tested users (cat, dan, eve and 1 more).",
    ]
    assert done.err.splitlines()[-2:] == notes
    assert json.loads((tmp_path / "out" / "result.json").read_text())["notes"][-2:] == notes
    for text, message in (
        ("user,taste\nann,dark\n", "users.csv has no column 'user_id'; it has user, taste. Name the column with the"),
        ("user_id,taste\nann,dark\nann,light\n", "users.csv has more than one row for 1 user (ann). Keep one row for"),
        ("user_id,taste\nyan,dark\n", "none of the 6 tested users is among the 1 of users.csv (yan). Its user_id mu"),
    ):
        table.write_text(text)
        refused = call(capsys, *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err
        assert "--columns" not in refused.err


def test_data_without_time_is_evaluated_on_drawn_items_only(books: Path, capsys: Capsys) -> None:
    common = ("evaluate", "--dataset", "goodbooks-10k", "--from", books, "--core", 0, "--stages", "popularity")
    refused = call(capsys, *common)
    assert refused.code == 2
    assert "leave-last-out needs the order in time, which this data does not have; use random-one-out." in refused.err
    done = call(capsys, *common, "--protocol", "random-one-out", "--json")
    assert (done.code, done.json["data"]["name"], done.json["n_tested"]) == (0, "goodbooks-10k", 4)
    assert done.json["has_time"] is False


def test_a_last_interaction_that_a_seed_drew_is_not_called_the_last_in_time(
    books: Path, tmp_path: Path, capsys: Capsys
) -> None:
    common = ("evaluate", "--dataset", "goodbooks-10k", "--from", books, "--core", 0, "--stages", "popularity")
    drawn = "The data has no order in time: which interaction of a user counts as the last, and which as the one before"
    done = call(capsys, *common, "--protocol", "user-fold", "--report", tmp_path / "report")
    assert done.code == 0
    assert drawn in done.err
    assert drawn in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert drawn not in call(capsys, *common, "--protocol", "random-one-out").err


def test_a_directory_keeps_whether_its_rows_stand_in_order_of_time(tmp_path: Path, capsys: Capsys) -> None:
    games = "\n".join(f"{n}\tGame {n}" for n in range(6))
    (tmp_path / "Games-6k.item").write_text(f"item_id:token\ttitle:token_seq\n{games}")
    rows = "".join(f"{n}\t{n} {(n + 1) % 6} {(n + 2) % 6}\t{(n + 3) % 6}\n" for n in range(6))
    (tmp_path / "Games-6k.test.inter").write_text(f"user_id:token\titem_id_list:token_seq\titem_id:token\n{rows}")
    ordered = tmp_path / "ordered"
    built = call(capsys, "build", "--dataset", "amazon-games", "--from", tmp_path, "--out", ordered, *LIGHT)
    assert built.code == 0, built.err
    common = ("--core", 0, "--stages", "popularity", "--json")
    done = call(capsys, "evaluate", ordered, *common)
    assert (done.code, done.json["protocol"], done.json["n_tested"]) == (0, "leave-last-out", 6)
    # What comes in without a time may have happened in any order.
    (tmp_path / "more.csv").write_text("user_id,item_id\nann,1\nann,2\nann,3\n")
    assert call(capsys, "update", ordered, "--interactions", tmp_path / "more.csv").code == 0
    assert "needs the order in time, which this data does not have" in call(capsys, "evaluate", ordered, *common).err


def test_a_table_without_times_is_not_taken_to_be_in_order_of_time(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\n" + "".join(f"{n},Thing {n}\n" for n in range(5)))
    rows = "".join(f"u{user},{(user + step) % 5}\n" for user in range(4) for step in range(4))
    (tmp_path / "events.csv").write_text(f"user_id,item_id\n{rows}")
    tables = ("--items", tmp_path / "items.csv", "--interactions", tmp_path / "events.csv")
    assert call(capsys, "build", *tables, "--out", tmp_path / "r", *LIGHT).code == 0
    common = ("evaluate", tmp_path / "r", "--core", 0, "--stages", "popularity", "--json")
    assert "use random-one-out." in call(capsys, *common).err
    assert call(capsys, *common, "--protocol", "random-one-out").code == 0


def test_how_many_repeats_were_left_out_is_said(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\n" + "".join(f"{n},Thing {n}\n" for n in range(5)))
    rows = "".join(f"u{user},{(user + step) % 5},{step}\n" for user in range(4) for step in range(4))
    (tmp_path / "events.csv").write_text(f"user_id,item_id,timestamp\n{rows}u0,0,8\nu0,1,9\nu1,2,9\n")
    tables = ("--items", tmp_path / "items.csv", "--interactions", tmp_path / "events.csv")
    assert call(capsys, "build", *tables, "--out", tmp_path / "r", *LIGHT).code == 0
    done = call(capsys, "evaluate", tmp_path / "r", "--core", 0, "--stages", "popularity", "--out", tmp_path / "out")
    said = "3 interactions left out: the user had met the item before."
    assert (done.code, said in done.err) == (0, True)
    assert "16 interactions, core 0" in done.out
    assert said in json.loads((tmp_path / "out" / "result.json").read_text())["notes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stages", "popularty"], "no stage is called 'popularty'. Did you mean 'popularity'?"),
        (["--stages", "fused"], "the stage 'fused' needs a language model"),
        (["--protocol", "last"], "Invalid value for '--protocol': 'last' is not one of"),
        (["--stages", ""], "--stages names no stage. Give names with commas between, or leave the option out."),
        (["--stages", " ,"], "--stages names no stage."),
        (
            ["--seeds", "0"],
            "Invalid value for '--seeds': Input should be greater than or equal to 1. See `llmrec COMMAND --help`.",
        ),
        (
            ["--core", "9"],
            "none of 24 interactions is left where every user and item must have 9. Give a lower --core; 0 keeps all.",
        ),
        (["--reference", "ease", "--stages", "popularity"], "the reference 'ease' is not among the stages popularity."),
        (["--from", "x"], "give either a recommender directory or --dataset NAME"),
        (["--dataset", "goodbooks"], "give either a recommender directory or --dataset NAME"),
        (["--set", "models.easy=1"], "no setting is called 'models.easy'."),
        (["--settings", "none.toml"], "the settings file none.toml cannot be read"),
    ],
)
def test_mistakes_get_a_sentence(shop: Path, arguments: list[str], message: str, capsys: Capsys) -> None:
    done = call(capsys, "evaluate", shop, "--core", 0, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_what_is_not_there_is_named(tmp_path: Path, capsys: Capsys) -> None:
    for arguments, message in (
        (("evaluate", tmp_path / "none"), "there is no directory"),
        (("evaluate", "goodbooks-10k"), "there is no directory goodbooks-10k. Did you mean --dataset goodbooks-10k?"),
        (("evaluate",), "give either a recommender directory or --dataset NAME"),
        (("evaluate", "--dataset", "goodboks"), "there is no data set called 'goodboks'. Did you mean goodbooks-10k?"),
        (("compare", tmp_path / "none", tmp_path), "there is no directory"),
        (("compare", tmp_path, tmp_path), "holds no results: it has no result.json"),
    ):
        done = call(capsys, *arguments)
        assert done.code == 2
        assert message in done.err


def test_help_and_closed_forms_need_no_torch(shop: Path) -> None:
    program = (
        "import sys; from llmrec.cli.main import run; "
        "code = run(sys.argv[1:]); assert code == 0 and 'torch' not in sys.modules, code"
    )
    for arguments in (["--help"], ["evaluate", "--help"], ["evaluate", str(shop), "--core", "0"]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_orders_of_the_slate_are_shown_beside_any_order_and_with_their_weights(shop: Path, capsys: Capsys) -> None:
    chosen = ("--stages", "retrieval,fused_without_lm,random_order,oracle", "--seeds", 1)
    done = call(capsys, "evaluate", shop, "--core", 0, *chosen)
    assert done.code == 0
    [head] = [line for line in done.out.splitlines() if line.endswith("x random_order")]
    assert head.split()[:3] == ["stage", "R@slate", "NDCG@10|slate"]
    rows = done.out.splitlines()[done.out.splitlines().index(head) + 1 :]
    assert [row.split()[0] for row in rows[:4]] == ["retrieval", "fused_without_lm", "random_order", "oracle"]
    assert rows[2].endswith("1.00")
    assert rows[4] == "fused_without_lm weighs retrieval 1.000, log_rank 0.000, log_popularity 0.000"


def test_a_place_for_answers_that_cannot_be_one_is_refused_first(shop: Path, capsys: Capsys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = call(capsys, "evaluate", tmp_path / "none", "--stages", "popularity", "--work", tmp_path / "file")
    assert (refused.code, refused.out) == (2, "")
    assert "no answers can be written to" in refused.err


def test_weights_are_written_of_one_seed_and_over_nothing_else(shop: Path, capsys: Capsys, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    lm = ("--stages", "popularity,fused", "--set", "language_model.model=scripted")
    for options, message in (
        (("--stages", "popularity", "--seeds", 1, "--fusion", tmp_path / "new.json"), "weights of the stage 'fused'"),
        ((*lm, "--seeds", 2, "--fusion", tmp_path / "new.json"), "weights are those of one seed, and there are 2"),
        ((*lm, "--seeds", 1, "--fusion", tmp_path / "mine.json"), f"{tmp_path / 'mine.json'} holds something else"),
        ((*lm, "--seeds", 1, "--fusion", tmp_path / "mine.json" / "x"), "is a file; name a directory"),
    ):
        refused = call(capsys, "evaluate", shop, "--core", 0, *options)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err
    assert (tmp_path / "mine.json").read_text() == "{}"
