"""Weights of voices are applied to standardised features, kept as JSON, and refused when they are none."""

import json
from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ArtifactError, ConfigError
from llmrec.ranking.fusion_model import FEATURES, FUSION_FILE, FusionModel, slate_features
from llmrec.types import Candidate, ItemId

A, B, C = (ItemId(name) for name in "abc")


def slate(*scores: float) -> list[Candidate]:
    return [Candidate(item_id, score, "x") for item_id, score in zip((A, B, C), scores, strict=False)]


def test_every_feature_has_mean_0_and_spread_1() -> None:
    found = slate_features(slate(9.0, 5.0, 1.0), {A: 0, B: 1, C: 7}, {A: -1.0, B: -2.0, C: -3.0})
    assert tuple(found) == FEATURES
    for column in found.values():
        assert column.mean() == pytest.approx(0)
        assert column.std() == pytest.approx(1)
    assert found["retrieval"].tolist() == pytest.approx([1.5**0.5, 0, -(1.5**0.5)])
    ranks = -np.log([1, 2, 3])
    assert found["log_rank"].tolist() == pytest.approx(((ranks - ranks.mean()) / ranks.std()).tolist())
    counts = np.log([1, 2, 8])
    assert found["log_popularity"].tolist() == pytest.approx(((counts - counts.mean()) / counts.std()).tolist())


def test_equal_scores_share_a_rank_and_an_item_nobody_met_counts_0() -> None:
    found = slate_features(slate(5.0, 5.0), {}, {})
    assert [column.tolist() for column in found.values()] == [[0, 0]] * 4


def test_what_the_model_does_not_score_gets_no_opinion() -> None:
    assert slate_features(slate(3, 2, 1), {}, {A: 1.0, C: 3.0})["lm"].tolist() == [-1, 0, 1]


def test_scores_are_the_weighted_sum() -> None:
    model = FusionModel({"lm": 0.5, "retrieval": 2.0})
    features = slate_features(slate(1.0, 0.0), {}, {A: 0.0, B: 1.0})
    assert model.scores(features).tolist() == [2.0 - 0.5, -2.0 + 0.5]


def test_a_weight_of_0_or_none_does_not_hear_the_model() -> None:
    assert FusionModel({"lm": 0.1}).hears_model
    assert not FusionModel({"lm": 0.0, "retrieval": 1.0}).hears_model
    assert not FusionModel({"retrieval": 1.0}).hears_model


@pytest.mark.parametrize(
    ("weights", "temperature", "message"),
    [
        ({"bm25": 1.0}, 1.0, "no fusion feature is called 'bm25'; known are lm, retrieval, log_rank"),
        ({"lm": float("nan")}, 1.0, "the fusion weight of lm is nan; it must be a finite number"),
        ({"lm": float("inf")}, 1.0, "the fusion weight of lm is inf"),
        ({}, 0.0, r"the temperature is 0\.0; it must be a finite number above 0"),
        ({}, float("nan"), "the temperature is nan"),
    ],
)
def test_what_is_no_fusion_is_refused(weights: dict[str, float], temperature: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FusionModel(weights, temperature)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    model = FusionModel({"lm": 0.123456789, "log_rank": -3e-7}, 2.5)
    model.save(tmp_path / "new" / FUSION_FILE)
    assert FusionModel.load(tmp_path / "new" / FUSION_FILE) == model
    assert FusionModel.of_adapter(tmp_path / "new") == model


def test_an_adapter_without_one_has_none(tmp_path: Path) -> None:
    assert FusionModel.of_adapter(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a fusion of voices"),
        ("[1]", "cannot be read as a fusion of voices"),
        ("[" * 100_000, "cannot be read as a fusion of voices"),
        (json.dumps({"format": 1, "weights": {"lm": "much"}, "temperature": 1}), "cannot be read as a fusion"),
        (json.dumps({"format": 1, "weights": {"lm": 1}}), "cannot be read as a fusion"),
        (json.dumps({"format": 2, "weights": {}, "temperature": 1}), "has format 2, not 1"),
        (json.dumps({"format": 1, "weights": {"llm": 1}, "temperature": 1}), "no fusion feature is called 'llm'"),
        ('{"format": 1, "weights": {"lm": NaN}, "temperature": 1}', "the fusion weight of lm is nan"),
        (json.dumps({"format": 1, "weights": {}, "temperature": -1}), r"the temperature is -1\.0"),
    ],
)
def test_a_file_that_is_none_is_said_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / FUSION_FILE).write_text(text)
    with pytest.raises(ArtifactError, match=message):
        FusionModel.of_adapter(tmp_path)


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot be written"):
        FusionModel({}).save(tmp_path / "file" / FUSION_FILE)
