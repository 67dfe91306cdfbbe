"""Weights of voices are applied to scaled features, kept as JSON, and refused when they are none."""

import json
from pathlib import Path

import numpy as np
import pytest

from llmrec.errors import ArtifactError, ConfigError
from llmrec.ranking.fusion_model import FEATURES, FUSION_FILE, FeatureScale, FusionModel, slate_features
from llmrec.types import Candidate, ItemId

A, B, C = (ItemId(name) for name in "abc")


def slate(*scores: float) -> list[Candidate]:
    return [Candidate(item_id, score, "x") for item_id, score in zip((A, B, C), scores, strict=False)]


def kept(**changes: object) -> str:
    values = {"format": 2, "weights": {}, "temperature": 1, "source": "x", "spreads": {}}
    return json.dumps({**values, **changes})


def test_every_feature_is_in_its_own_unit_with_mean_0() -> None:
    found = slate_features(slate(9.0, 5.0, 1.0), {A: 0, B: 1, C: 7}, {A: -1.0, B: -2.0, C: -3.0})
    assert tuple(found) == FEATURES
    assert found["lm"].tolist() == [1, 0, -1]
    assert found["retrieval"].tolist() == [4, 0, -4]
    ranks = -np.log([1, 2, 3])
    assert found["log_rank"].tolist() == pytest.approx((ranks - ranks.mean()).tolist())
    counts = np.log([1, 2, 8])
    assert found["log_popularity"].tolist() == pytest.approx((counts - counts.mean()).tolist())


def test_equal_scores_share_a_rank_and_an_item_nobody_met_counts_0() -> None:
    found = slate_features(slate(5.0, 5.0), {}, {})
    assert [column.tolist() for column in found.values()] == [[0, 0]] * 4


def test_what_the_model_does_not_score_gets_no_opinion() -> None:
    assert slate_features(slate(3, 2, 1), {}, {A: 1.0, C: 3.0})["lm"].tolist() == [-1, 0, 1]


def test_scores_are_the_weighted_sum_of_what_was_scaled() -> None:
    model = FusionModel({"lm": 0.5, "retrieval": 2.0}, scale=FeatureScale("x", {"lm": 0.25, "retrieval": 2.0}))
    features = slate_features(slate(3.0, 1.0), {}, {A: 0.0, B: 1.0})
    # lm is -.5 and .5 over a spread of .25, retrieval 1 and -1 over one of 2.
    assert model.scores(features, source="x").tolist() == [-1.0 + 1.0, 1.0 - 1.0]


def test_scores_in_another_unit_are_standardised_and_so_is_what_has_no_known_spread() -> None:
    scale = FeatureScale("x", {"lm": 2.0, "retrieval": 100.0})
    features = slate_features(slate(3.0, 1.0), {A: 0, B: 6}, {A: 0.0, B: 1.0})
    scaled = scale.applied(features, source="fusion")
    assert scaled["retrieval"].tolist() == [1, -1]
    assert scaled["lm"].tolist() == [-0.25, 0.25]
    assert scaled["log_popularity"].tolist() == pytest.approx([-1, 1])
    assert FusionModel({"retrieval": 1.0}).scores(features, source="x").tolist() == [1, -1]


def test_a_voice_that_never_had_an_opinion_has_none() -> None:
    features = slate_features(slate(3.0, 1.0), {}, {A: 0.0, B: 1.0})
    assert FeatureScale("x", {"lm": 0.0}).applied(features, source="x")["lm"].tolist() == [0, 0]


@pytest.mark.parametrize("spread", [float("nan"), -1.0])
def test_what_is_no_spread_is_refused(spread: float) -> None:
    with pytest.raises(ConfigError, match="the spread of lm is"):
        FeatureScale("x", {"lm": spread})
    with pytest.raises(ConfigError, match="no fusion feature is called 'bm25'"):
        FeatureScale("x", {"bm25": 1.0})


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
    model = FusionModel({"lm": 0.123456789, "log_rank": -3e-7}, 2.5, FeatureScale("ease", {"lm": 0.1}))
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
        (kept(weights={"lm": "much"}), "cannot be read as a fusion"),
        (kept(temperature=None), "cannot be read as a fusion"),
        (kept(spreads=None), "cannot be read as a fusion"),
        (kept(format=1), "has format 1, not 2"),
        (kept(weights={"llm": 1}), "no fusion feature is called 'llm'"),
        (kept(weights={"lm": float("nan")}), "the fusion weight of lm is nan"),
        (kept(spreads={"lm": -1}), r"the spread of lm is -1\.0"),
        (kept(temperature=-1), r"the temperature is -1\.0"),
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
