"""`llmrec update` and `llmrec rollback` as a person types them, and what happens when something goes wrong."""

import resource
import threading
from pathlib import Path

import pytest

from llmrec.bundle import open_bundle, writing
from llmrec.cli.main import run
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, Outcome, call, write_tables

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, films: Catalogue, interactions: Interactions) -> Path:
    items, events = write_tables(tmp_path, films, interactions)
    where = tmp_path / "r"
    assert run(["build", "--items", str(items), "--interactions", str(events), "--out", str(where), *LIGHT]) == 0
    return where


def news(shop: Path, *rows: str) -> Path:
    path = shop.parent / "today.csv"
    path.write_text("\n".join(("user_id,item_id,rating,timestamp", *rows, "")))
    return path


def update(capsys: Capsys, shop: Path, *rows: str, more: tuple[str, ...] = ()) -> Outcome:
    return call(capsys, "update", shop, "--interactions", news(shop, *rows), *more)


def version(shop: Path) -> str:
    return open_bundle(shop).files.name


def test_an_update_says_what_came_of_each_row_and_how_it_comes_into_use(shop: Path, capsys: Capsys) -> None:
    done = update(capsys, shop, "ann,8,5,9", "ann,8,5,9", "ann,2,5,1.0", "ann,nowhere,5,9")
    assert done.code == 3  # a quarter of the rows
    assert "today.csv: 4 rows read, 3 kept, 0 repaired, 1 rejected" in done.out
    assert "row 5: item_id 'nowhere' is not in the catalogue" in done.out
    assert "2 of 3 new interactions were known already or stood there twice; they count once." in done.out
    assert "10 items, 4 users, 14 interactions" in done.out
    assert "A running service answers with it in a few seconds" in done.err


def test_rolling_back_brings_the_version_before_and_forth_again(shop: Path, capsys: Capsys) -> None:
    first = version(shop)
    assert update(capsys, shop, "ann,8,5,9").code == 0
    second = version(shop)
    done = call(capsys, "rollback", shop)
    assert (done.code, version(shop)) == (0, first)
    assert "as it was before the last build or update" in done.out
    assert call(capsys, "rollback", shop, "--json").json["about"]["name"] == "r"
    assert version(shop) == second


def test_without_a_version_before_rolling_back_is_refused(shop: Path, capsys: Capsys) -> None:
    done = call(capsys, "rollback", shop)
    assert done.code == 2
    assert "has no version before the current one, so nothing was switched" in done.err


def test_two_updates_at_once_lose_nothing(shop: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmrec.bundle._PATIENCE_S", 0.1)
    # Held by another open file, as another process would.
    with writing(shop):
        codes: list[int] = []
        path = news(shop, "ann,8,5,9")
        second = threading.Thread(target=lambda: codes.append(run(["update", str(shop), "--interactions", str(path)])))
        second.start()
        second.join()
    assert codes == [2]
    assert "another process is writing" in capsys.readouterr().err
    assert update(capsys, shop, "ann,8,5,9", more=("--json",)).json["n_interactions"] == 14


def test_a_full_disk_leaves_the_version_that_serves(shop: Path, capsys: Capsys) -> None:
    before = version(shop)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, hard))
    try:
        done = update(capsys, shop, "ann,8,5,9")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done.code == 2
    assert "cannot be written" in done.err
    assert version(shop) == before
    assert call(capsys, "recommend", shop, "-k", 3).code == 0


def test_settings_are_changed_by_learning_again_only(shop: Path, capsys: Capsys) -> None:
    done = update(capsys, shop, "ann,8,5,9", more=("--set", "models.hybrid_l2=1"))
    assert done.code == 2
    assert "--set changes what is learned, so it needs --retrain" in done.err


def test_learning_again_is_tried_on_what_known_users_did_since(shop: Path, capsys: Capsys) -> None:
    done = update(capsys, shop, "ann,8,5,9", "bob,1,5,9", more=("--retrain",))
    assert done.code == 0
    # The same data learned with the same settings gives the same, and a gain of nothing is no gain.
    assert "Compared: hybrid as served, and hybrid learned again. On what 2 users did since" in done.out
    assert "not promoted, updated instead" in done.out
    strangers = update(capsys, shop, "new,8,5,9", more=("--retrain",))
    assert strangers.code == 2
    assert "no user who was known before did anything new" in strangers.err
