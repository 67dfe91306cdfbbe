from pathlib import Path

import pytest

from benchmarks.speed import measure
from tests.language_model.tiny import save_tiny_model


def test_the_speed_benchmark_reports_what_it_measured(tmp_path: Path) -> None:
    directory = save_tiny_model(tmp_path / "tiny", context=4096)
    report = measure(str(directory), repeats=1, n_history=2, n_candidates=3)
    assert report.ratio == pytest.approx(report.rank_s / report.prefill_s)
    assert report.n_prompt_tokens > 100
    assert report.model == "tiny"
