"""The README's table of quality: every number of it is in a JSON file under `benchmarks/results`."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gain_rows import gain_block
from benchmarks.lm_gain.table import CLAIM
from benchmarks.readme import README, main, marks, quality_block, with_block
from benchmarks.side_by_side.table import RESULTS

BEGIN, END = marks("quality")
_NUMBER = re.compile(r"(?<![\w.])[+-]?\.\d{4}")


def _estimate(mean: float | None) -> Mapping[str, Any]:
    ends = [None, None] if mean is None else [mean - 0.01, mean + 0.01]
    return {"mean": mean, "ci95": ends}


def _stage(ndcg: float | None) -> Mapping[str, Any]:
    recalls = {f"R@{k}": {"mean": k / 100, "ci95": [0, 1]} for k in (10, 20, 50)}
    return {"NDCG@10": _estimate(ndcg), **recalls}


def _record(stages: Mapping[str, float | None], **changes: object) -> Mapping[str, Any]:
    plain = {
        "protocol": "leave-last-out",
        "part": "test",
        "ties": "file",
        "data": {"name": "movielens-100k"},
        "n_tested": 1943,
        "stages": {name: _stage(value) for name, value in stages.items()},
        "differences": [],
    }
    return {**plain, **changes}


def _keep(record: Mapping[str, Any], directory: Path, name: str) -> None:
    (directory / f"{name}.json").write_text(json.dumps(record))


def _rows(block: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def test_the_best_peer_stands_beside_ours_with_the_difference(tmp_path: Path) -> None:
    stages = {"popularity": 0.03, "ease": 0.2, "hybrid": 0.14, "implicit.als": 0.09, "cornac.ease": 0.11}
    peers = {"implicit.als": {}, "cornac.ease": {}, "rectools.sasrec": {"not_measured": "not installed"}}
    pairs = [
        {"a": "hybrid", "b": "cornac.ease", "metric": "R@10", "mean": 0.5, "ci95": [0.4, 0.6]},
        {"a": "hybrid", "b": "cornac.ease", "metric": "NDCG@10", "mean": 0.03, "ci95": [0.01, 0.05]},
    ]
    _keep(_record(stages, peers=peers, differences=pairs), tmp_path, "movielens-100k-leave-last-out")
    (row,) = _rows(quality_block(tmp_path))
    assert row == [
        "[movielens-100k leave-last-out](benchmarks/results/movielens-100k-leave-last-out.json), 1,943",
        ".0300",
        ".1100 `cornac.ease`",
        "**.1400** (.1300 to .1500)",
        ".1000",
        ".2000",
        ".5000",
        "+.0300 (+.0100 to +.0500)",
    ]


def test_without_peers_cold_items_stand_beside_dense_each_set_of_candidates_in_a_row(tmp_path: Path) -> None:
    stages = {"dense@all": 0.02, "dense@cold": 0.08, "hybrid@all": 0.01, "hybrid@cold": 0.12}
    pairs = [{"a": "dense@all", "b": "hybrid@all", "metric": "NDCG@10", "mean": 0.01, "ci95": [0.002, 0.018]}]
    _keep(_record(stages, protocol="cold-items", ties="random", differences=pairs), tmp_path, "cold")
    among_all, among_cold = _rows(quality_block(tmp_path))
    assert among_all[0].startswith("[movielens-100k cold-items ties at random among all](")
    assert among_all[2] == ".0200 `dense`"
    assert among_all[-1] == "-.0100 (-.0180 to -.0020)"
    assert among_cold[2:4] == [".0800 `dense`", "**.1200** (.1100 to .1300)"]
    assert among_cold[-1] == "-"


def test_what_is_not_known_is_a_dash(tmp_path: Path) -> None:
    _keep(_record({"hybrid": None}, part="validation"), tmp_path, "own")
    (row,) = _rows(quality_block(tmp_path))
    assert row[0].startswith("[movielens-100k leave-last-out (validation)]")
    assert row[1:4] == ["-", "-", "**-**"]


def test_results_without_our_stage_make_no_row(tmp_path: Path) -> None:
    _keep(_record({"ease": 0.1}), tmp_path, "own")
    _keep({"speed": 1.0}, tmp_path, "other")
    assert quality_block(tmp_path).startswith("No table is kept yet")


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    assert with_block(f"a\n{BEGIN}\nold\n{END}\nb\n", "quality", "new") == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    for broken in (f"{END} {BEGIN}", BEGIN, f"{BEGIN}{END}{BEGIN}{END}", ""):
        with pytest.raises(SystemExit, match="once each"):
            with_block(broken, "quality", "new")


def test_an_old_block_is_found_and_written_anew(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("\n".join([*marks("quality"), *marks("gain")]))
    _keep(_record({"hybrid": 0.14}), tmp_path, "own")
    with pytest.raises(SystemExit, match=r"run python -m benchmarks\.readme"):
        main(["--check", "--readme", str(readme), "--results", str(tmp_path)])
    main(["--readme", str(readme), "--results", str(tmp_path)])
    assert ".1400" in readme.read_text()
    with pytest.raises(SystemExit) as ended:
        main(["--check", "--readme", str(readme), "--results", str(tmp_path)])
    assert ended.value.code == 0


def test_the_committed_blocks_are_what_the_committed_results_say() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_block(text, "quality", quality_block(RESULTS)) == text
    assert with_block(text, "gain", gain_block(RESULTS)) == text


def _gain(mean: float, ratio: float) -> Mapping[str, Any]:
    added = {"n_users": 4553, "relative": {"mean": mean, "ci95": [mean - 0.02, mean + 0.02]}}
    return {"NDCG@10": {CLAIM: added}, "NDCG@10|slate": {"lm over random_order": {"relative": {"mean": ratio - 1}}}}


def test_what_the_model_adds_stands_beside_the_same_without_it(tmp_path: Path) -> None:
    assert gain_block(tmp_path).startswith("No table is kept yet")
    stages = {"retrieval": 0.07, "lm": 0.06, "fused_without_lm": 0.075, "fused": 0.08}
    _keep(_record(stages, gain=_gain(0.0667, 1.8)), tmp_path, "ranker-amazon-games-leave-last-out")
    _keep({"gain": _gain(0.05, 2.0)}, tmp_path, "ranker-pooled")
    games, pooled = _rows(gain_block(tmp_path))
    assert games[1:] == [".0700", ".0600", ".0750", ".0800", "**+6.7%** (+4.7% to +8.7%)", "1.80x"]
    assert games[0].endswith("(benchmarks/results/ranker-amazon-games-leave-last-out.json), 1,943")
    assert pooled[0].endswith("(benchmarks/results/ranker-pooled.json), 4,553")
    assert pooled[1:] == ["-", "-", "-", "-", "**+5.0%** (+3.0% to +7.0%)", "2.00x"]


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, (int, float)):
        yield float(value)


def test_every_number_of_the_committed_block_is_in_the_json_it_names() -> None:
    block = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    for row in block.splitlines()[2:]:
        (file,) = re.findall(r"\(benchmarks/results/(.+?)\)", row)
        record = json.loads((RESULTS / file).read_text(encoding="utf-8"))
        known = {f"{abs(number):.4f}" for number in _numbers([record["stages"], record["differences"]])}
        found = {f"{abs(float(number)):.4f}" for number in _NUMBER.findall(row.replace("**", " "))}
        assert found
        assert found <= known
        assert f"{record['n_tested']:,}" in row
