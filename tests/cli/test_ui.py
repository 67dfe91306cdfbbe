"""`llmrec ui` refuses at once what it will not serve."""

from pathlib import Path

import pytest

from tests.cli_helpers import call


@pytest.mark.parametrize("option", ["--feedback", "--evaluation"])
def test_a_file_of_one_catalogue_is_not_taken_for_several(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = call(capsys, "ui", tmp_path / "films", tmp_path / "books", option, tmp_path / "file")
    assert done.code == 2
    assert f"{option} {tmp_path / 'file'} belongs to one recommender, and 2 are given." in done.err


def test_a_trace_is_not_served_to_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "ui", tmp_path / "films", "--trace", "--host", "0.0.0.0")
    assert (done.code, "it is not served on 0.0.0.0." in done.err) == (2, True)
