"""`llmrec ui` refuses at once what it will not serve, and serves each catalogue with what belongs to it."""

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from llmrec.service.running import one_processor_each
from llmrec.ui.launch import for_each
from tests.cli_helpers import call

Capsys = pytest.CaptureFixture[str]


@pytest.mark.parametrize("option", ["--feedback", "--evaluation"])
def test_a_file_of_one_catalogue_is_not_taken_for_several(tmp_path: Path, option: str, capsys: Capsys) -> None:
    films, books, file = tmp_path / "films", tmp_path / "books", tmp_path / "file"
    done = call(capsys, "ui", films, books, option, file)
    assert done.code == 2
    assert f"there is not one {option} for each of the 2 directories. Give it once for each, in their order" in done.err
    done = call(capsys, "ui", films, books, option, file, option, file)
    assert done.code == 2
    assert f"{option} {file} is given for two directories" in done.err


def test_an_option_is_repeated_in_the_order_of_the_directories() -> None:
    directories, one, other = [Path("films"), Path("books")], Path("one"), Path("other")
    assert for_each(directories, "--evaluation", [one, other]) == (one, other)
    assert for_each(directories, "--evaluation", [Path("-"), other]) == (None, other)
    assert for_each(directories, "--evaluation", []) == (None, None)


def test_products_of_matrices_take_one_processor_while_a_page_is_served() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with one_processor_each():
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}


def test_a_trace_is_not_served_to_others(tmp_path: Path, capsys: Capsys) -> None:
    done = call(capsys, "ui", tmp_path / "films", "--trace", "--host", "0.0.0.0")
    assert (done.code, "it is not served on 0.0.0.0." in done.err) == (2, True)
