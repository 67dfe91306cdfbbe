"""`--set` means the same to every command, also where a setting holds several values."""

from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.settings import Settings
from tests.cli_helpers import LIGHT, Outcome, call, write_tables

Capsys = pytest.CaptureFixture[str]
PARTS = ('models.hybrid_parts=["ease", "slit"]', "models.hybrid_parts=ease,slit")


@pytest.fixture
def tables(tmp_path: Path, films: Catalogue, interactions: Interactions) -> tuple[object, ...]:
    items, events = write_tables(tmp_path, films, interactions)
    return ("--items", items, "--interactions", events)


def built(capsys: Capsys, tables: tuple[object, ...], out: Path, *options: object) -> Outcome:
    return call(capsys, "build", *tables, "--out", out, *LIGHT, *options)


@pytest.mark.parametrize("parts", PARTS)
def test_a_directory_is_built_with_the_named_parts(
    tables: tuple[object, ...], tmp_path: Path, parts: str, capsys: Capsys
) -> None:
    assert built(capsys, tables, tmp_path / "r", "--set", parts).code == 0
    [stored] = (tmp_path / "r").glob("v-*/settings.json")
    assert Settings.from_file(stored).models.hybrid_parts == ("ease", "slit")


@pytest.mark.parametrize("parts", PARTS)
def test_every_command_takes_several_values(
    tables: tuple[object, ...], tmp_path: Path, parts: str, capsys: Capsys
) -> None:
    shop = tmp_path / "r"
    assert built(capsys, tables, shop).code == 0
    out = tmp_path / "tuned.toml"
    for command in (
        ["recommend", shop, "-k", 1],
        ["chat", shop, "--once", "a comedy"],
        ["evaluate", shop, "--core", 0, "--stages", "popularity", "--seeds", 1],
        ["tune", shop, "--core", 0, "--stages", "popularity", "--trials", 1, "--out", out],
    ):
        done = call(capsys, *command, "--set", parts)
        assert done.code == 0, done.err
        refused = call(capsys, *command, "--set", "models.hybrid_parts=[ease]")
        assert (refused.code, refused.out) == (2, "")
        assert "'[ease]' is not a list. Write models.hybrid_parts=a,b or models.hybrid_parts=[\"a\"" in refused.err
    assert Settings.from_file(out).models.hybrid_parts == ("ease", "slit")
