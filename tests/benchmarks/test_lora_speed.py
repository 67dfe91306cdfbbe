"""How quick learning is beside reading: both are timed on one model, and neither is the other."""

import json
from pathlib import Path

import pytest

from benchmarks.lora_speed import main
from tests.finetune.tiny_ranker import save_lively_model


def test_learning_takes_longer_than_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = save_lively_model(tmp_path / "lively")
    # The model knows 935 tokens, fewer than the rows are drawn from by default.
    options = ["--device", "cpu", "--threads", "1", "--repeats", "3", "--rows", "4", "--length", "64", "--json"]
    main([str(base), *options, "--n-tokens", "900"])
    found = json.loads(capsys.readouterr().out)
    assert 0 < found["ratio"]["median"] < 1
    assert found["learning_tokens_per_s"]["median"] < found["forward_tokens_per_s"]["median"]
    assert found["rows"] == [4, 64]


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: "):
        main([str(tmp_path / "nowhere"), "--repeats", "1"])
