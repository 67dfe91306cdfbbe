import json
from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.encoder import Projection
from llmrec.retrieval.hashing import HashingEmbedder
from tests.cli_helpers import Outcome, call
from tests.conversation.small import ITEMS, funny, lines, scary

STAGES = ["popularity", "copy", "bm25", "encoder", "hybrid", "fused"]


def shop(directory: Path) -> None:
    """Training dialogues, rows to learn weights from and to measure, a catalogue, and an encoder of nothing."""
    (directory / "items.json").write_text(json.dumps(ITEMS))
    (directory / "train").mkdir()
    lines(directory / "train" / "a.jsonl", [make(f"{make.__name__}{n}") for n in range(6) for make in (scary, funny)])
    rows = [
        {"dialog_id": str(n), "context": ["", "hello", "something scary like Alien (1979)"], "rec": ["Aliens (1986)"]}
        for n in range(30)
    ]
    lines(directory / "train" / "rows.jsonl", rows)
    lines(directory / "rows.jsonl", rows[:3])
    nothing = np.zeros((2 * HashingEmbedder().dim, 2), dtype=np.float32)
    Projection(nothing, nothing).save(directory / "encoder.safetensors")


def evaluated(capsys: pytest.CaptureFixture[str], directory: Path, *more: object) -> Outcome:
    files = ("--data", directory / "rows.jsonl", "--catalogue", directory / "items.json")
    own = ("--train", directory / "train", "--encoder", directory / "encoder.safetensors")
    fixed = ("--protocol", "conversation", "--set", "encoder.model=hashing", "--quiet")
    return call(capsys, "evaluate", *fixed, *files, *own, *more)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))


def test_the_numbers_come_in_the_promised_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop(tmp_path)
    outcome = evaluated(capsys, tmp_path, "--json", "--per-row", tmp_path / "ranks.jsonl")
    assert outcome.code == 0, outcome.err
    found = outcome.json
    assert list(found) == ["rows", "gold", "new_only", "all"]
    assert (found["rows"], found["gold"]) == (3, 3)
    assert list(found["new_only"]) == list(found["all"]) == STAGES
    assert found["new_only"]["hybrid"]["R@1"] == {"mean": 1.0, "ci95": [1.0, 1.0]}
    first = json.loads((tmp_path / "ranks.jsonl").read_text().splitlines()[0])
    assert first["gold"][0]["ranks"]["new_only"]["fused"] == 1.0


def test_the_table_names_both_ways_of_counting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop(tmp_path)
    outcome = evaluated(capsys, tmp_path)
    assert outcome.code == 0, outcome.err
    assert "3 rows, 3 gold items, 3 of them new" in outcome.out
    assert "new: items that had not been mentioned" in outcome.out
    assert "all: every gold item" in outcome.out


def test_rows_and_catalogue_have_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "evaluate", "--protocol", "conversation")
    assert outcome.code == 2
    assert "needs --data ROWS.jsonl and --catalogue ITEMS.json" in outcome.err
