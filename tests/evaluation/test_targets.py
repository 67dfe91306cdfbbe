"""Results and reports replace earlier ones, and nobody else's files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llmrec.errors import ConfigError
from llmrec.evaluation.targets import require_report_directory, require_result_directory

OURS = json.dumps({"protocol": "leave-last-out", "split_sha256": "b" * 64, "stages": {}})
either = pytest.mark.parametrize("require", [require_result_directory, require_report_directory])


def holding(directory: Path, **files: str) -> Path:
    directory.mkdir()
    for name, text in files.items():
        (directory / name.replace("_json", ".json").replace("_html", ".html")).write_text(text)
    return directory


@either
def test_a_new_or_empty_directory_is_taken_and_not_made_yet(require: Callable[[Path], None], tmp_path: Path) -> None:
    require(tmp_path)
    require(tmp_path / "deep" / "new")
    assert list(tmp_path.iterdir()) == []


@either
def test_the_directory_of_an_earlier_result_or_report_is_taken(require: Callable[[Path], None], tmp_path: Path) -> None:
    require(holding(tmp_path / "result", result_json=OURS, notes="mine"))
    require(holding(tmp_path / "report", metrics_json=OURS, report_html="<html>"))


@either
@pytest.mark.parametrize(
    "files",
    [
        {"notes": "mine"},
        {"result_json": '{"accuracy": 1}'},
        {"result_json": "{"},
        {"result_json": "[]"},
        {"metrics_json": '{"loss": 1}', "report_html": "<html>"},
    ],
)
def test_a_directory_of_other_files_is_refused(
    require: Callable[[Path], None], files: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"foreign holds other files; name for the (result|report) a directory that"):
        require(holding(tmp_path / "foreign", **files))


def test_a_file_of_someone_beside_our_record_of_the_other_kind_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds other files"):
        require_result_directory(holding(tmp_path / "a", metrics_json=OURS, result_json='{"accuracy": 1}'))
    with pytest.raises(ConfigError, match="holds other files"):
        require_report_directory(holding(tmp_path / "b", result_json=OURS, report_html="<html>my own"))


@either
def test_a_recommender_directory_is_refused_whatever_it_holds(require: Callable[[Path], None], tmp_path: Path) -> None:
    shop = holding(tmp_path / "shop", manifest_json="{}", result_json=OURS, metrics_json=OURS)
    with pytest.raises(ConfigError, match="shop is a recommender directory; name another one for the re"):
        require(shop)


@either
def test_a_file_on_the_way_is_named(require: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=rf"no (result|report) can be written to {path}: .*file is a file; name"):
            require(path)


@either
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that refuses even root")
def test_a_place_that_takes_no_file_is_named(require: Callable[[Path], None]) -> None:
    with pytest.raises(ConfigError, match=r"no (result|report) can be written to /proc/a/b: .* in /proc; name another"):
        require(Path("/proc/a/b"))
