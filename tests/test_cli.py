"""The commands do what the README says, with the shapes that programs rely on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, call, write_tables

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, films: Catalogue, interactions: Interactions) -> Path:
    from llmrec.cli.main import run

    directory = tmp_path_factory.mktemp("shop")
    items, events = write_tables(directory, films, interactions)
    code = run(["build", "--items", str(items), "--interactions", str(events), "--out", str(directory / "r"), *LIGHT])
    assert code == 0
    return directory / "r"


def test_build_counts_every_row(tmp_path: Path, films: Catalogue, interactions: Interactions, capsys: Capsys) -> None:
    items, events = write_tables(tmp_path, films, interactions)
    with items.open("a") as file:
        file.write('11,"Matrix Reloaded, The (2003)",2003,Action,\n')  # repaired: un-inverted
        file.write("1,Again (1999),1999,Action,\n")  # rejected: the id stands already
        file.write("12,,1999,Action,\n")  # rejected: no title
    done = call(capsys, "build", "--items", items, "--interactions", events, "--out", tmp_path / "r", *LIGHT, "--json")
    assert done.code == 0
    assert {key: done.json[key] for key in ("kept", "repaired", "rejected", "read")} == {
        "kept": 10 + 13, "repaired": 1, "rejected": 2, "read": 13 + 13,
    }  # fmt: skip
    rejects = (tmp_path / "r" / "rejects.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in rejects[1:]] == [["items.csv", "13"], ["items.csv", "14"]]


def test_many_rejected_rows_exit_3_and_still_build(
    tmp_path: Path, films: Catalogue, interactions: Interactions, capsys: Capsys
) -> None:
    items, events = write_tables(tmp_path, films, interactions)
    with events.open("a") as file:
        file.writelines(f"eve,{number},3,1\n" for number in range(100, 104))
    done = call(capsys, "build", "--items", items, "--interactions", events, "--out", tmp_path / "r", *LIGHT)
    assert done.code == 3
    assert "More than 20%" in done.err
    assert call(capsys, "recommend", tmp_path / "r", "-k", 1).code == 0


def test_other_column_names_serve_both_tables(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "i.csv").write_text("sku,name,price\n007,Kettle,19.99\n1e3,Hose,35\nTrue,Lamp,24.5\n")
    (tmp_path / "e.csv").write_text("customer,sku,when\nann,007,2024-05-01\nbob,True,1714557600\n")
    (tmp_path / "own.csv").write_text("customer,item_id\nann,1e3\n")
    names = "item_id=sku,title=name,user_id=customer"
    built = call(
        capsys, "build", "--items", tmp_path / "i.csv", "--interactions", tmp_path / "e.csv", "--out", tmp_path / "r",
        "--columns", names, "--columns", "timestamp=when", *LIGHT, "--json",
    )  # fmt: skip
    assert (built.code, built.json["rejected"], built.json["n_interactions"]) == (0, 0, 2)
    updated = call(
        capsys, "update", tmp_path / "r", "--interactions", tmp_path / "own.csv", "--columns", names, "--json"
    )
    assert (updated.code, updated.json["n_interactions"]) == (0, 3)
    shown = call(capsys, "recommend", tmp_path / "r", "-k", 9, "--json").json["recommendations"]
    assert {item["item_id"] for item in shown} == {"007", "1e3", "True"}


def test_recommend_obeys_and_is_the_same_twice(shop: Path, capsys: Capsys) -> None:
    arguments = (
        "recommend", shop, "a light comedy", "--like", "Toy Story (1995)", "--not", "Scream (1996)",
        "--where", "year>=1990", "-k", 3, "--json",
    )  # fmt: skip
    first, second = call(capsys, *arguments), call(capsys, *arguments)
    assert first.code == 0
    shown = first.json["recommendations"]
    assert [item["rank"] for item in shown] == [1, 2]
    # The comedies since 1990 without the liked and the refused one.
    assert {item["item_id"] for item in shown} == {"8", "10"}
    assert set(shown[0]) >= {"item_id", "title", "score", "rank", "ranked_by", "explanation", "evidence"}
    assert shown[0]["ranked_by"] == "retrieval"
    assert shown[0]["evidence"][0].keys() >= {"kind", "text"}
    assert first.json["reply"] is None
    assert [item["title"] for item in first.json["profile"]["disliked"]] == ["Scream (1996)"]
    assert first.json["trace"]["stages"][0].keys() == {"name", "seconds", "n_in", "n_out", "order"}
    assert shown == second.json["recommendations"]


def test_once_answers_one_turn_and_its_profile_carries_on(shop: Path, tmp_path: Path, capsys: Capsys) -> None:
    first = call(capsys, "chat", shop, "--once", "a scary film from the 90s, I loved Alien", "--json")
    assert first.code == 0
    profile = first.json["profile"]
    assert profile["where"]["year"] == {"$gte": 1990, "$lte": 1999}
    assert [item["title"] for item in profile["liked"]] == ["Alien (1979)"]
    assert first.json["reply"]
    years = {"4": 1992, "5": 1999, "6": 1996, "8": 1995, "9": 1995, "1": 1995}
    assert first.json["recommendations"]
    assert all(item["item_id"] in years for item in first.json["recommendations"])
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    second = call(capsys, "chat", shop, "--once", "more", "--profile", tmp_path / "profile.json", "--json")
    before = {item["item_id"] for item in first.json["recommendations"]}
    assert not before & {item["item_id"] for item in second.json["recommendations"]}
    assert second.json["profile"]["where"]["year"] == {"$gte": 1990, "$lte": 1999}


def test_chat_in_a_terminal_reads_lines_until_an_empty_one(
    shop: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("horror films\nnot Scream\n\nnever read\n"))
    done = call(capsys, "chat", shop, "-k", 2)
    assert done.code == 0
    assert done.out.count("  1. ") == 2
    assert "Scream (1996)" not in done.out.split("  1. ")[2]


def test_more_than_the_catalogue_gives_all_with_a_note(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "recommend", shop, "-k", 999, "--json")
    assert done.code == 0
    assert {item["item_id"] for item in done.json["recommendations"]} == {str(n) for n in range(1, 11)}
    assert "999 were asked for; the catalogue has 10 items." in done.json["trace"]["notes"]


def test_a_known_user_sees_nothing_twice(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "recommend", shop, "--user", "ann", "-k", 10, "--json")
    assert not {"2", "3", "5"} & {item["item_id"] for item in done.json["recommendations"]}
    kept = call(capsys, "recommend", shop, "--user", "ann", "-k", 10, "--keep-viewed", "--json")
    assert {"2", "3", "5"} <= {item["item_id"] for item in kept.json["recommendations"]}


def test_update_adds_edits_and_removes(
    tmp_path: Path, films: Catalogue, interactions: Interactions, capsys: Capsys
) -> None:
    items, events = write_tables(tmp_path, films, interactions)
    shop = tmp_path / "r"
    assert call(capsys, "build", "--items", items, "--interactions", events, "--out", shop, *LIGHT).code == 0
    (tmp_path / "new.csv").write_text(
        "item_id,title,year,genres,description\n20,Cube (1997),1997,Horror,rooms\n6,Scream! (1996),1996,Horror,x\n"
    )
    (tmp_path / "today.csv").write_text("user_id,item_id,rating,timestamp\neve,20,5,9\nann,20,5,9\n")
    done = call(
        capsys, "update", shop, "--items", tmp_path / "new.csv", "--interactions", tmp_path / "today.csv",
        "--remove", "9", "--json",
    )  # fmt: skip
    assert done.code == 0
    assert (done.json["n_items"], done.json["n_users"], done.json["n_interactions"]) == (10, 5, 15)
    shown = call(capsys, "recommend", shop, "-k", 99, "--json").json["recommendations"]
    titles = {item["item_id"]: item["title"] for item in shown}
    assert titles["6"] == "Scream! (1996)"
    assert titles["20"] == "Cube (1997)"
    assert "9" not in titles


def test_prompts_can_be_listed_shown_and_rendered(tmp_path: Path, capsys: Capsys) -> None:
    listed = call(capsys, "prompts", "list", "--json").json["prompts"]
    assert {"rank", "explain"} <= {row["name"] for row in listed}
    assert "user:" in call(capsys, "prompts", "show", "explain").out


def test_doctor_says_what_is_there_and_what_is_missing(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "doctor", shop, "--json")
    assert done.code == 0
    assert done.json["packages"]["torch"]
    assert done.json["recommender"]["encoder"]
    assert isinstance(done.json["missing"], list)


_LOADED_BY_HELP = """
import sys
from llmrec.cli.main import run

known = {*sys.stdlib_module_names, *(name.partition(".")[0] for name in sys.modules)}
run(["--help"])
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted(loaded - known), file=sys.stderr)
"""


def test_help_is_quick_for_it_loads_nothing_that_computes() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED_BY_HELP], check=True, capture_output=True, text=True)
    assert set(done.stderr.split()) <= {"annotated_doc", "shellingham", "typer"}
    assert "recommend" in done.stdout
