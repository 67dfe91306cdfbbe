from pathlib import Path

import pytest

from llmrec.build import Overrides
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from tests.cli_helpers import call


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    settings = Settings().changed(["language_model.model=none", "encoder.model=hashing", "ranking.context=1"])
    items = [{"item_id": str(number), "title": f"Thing {number}"} for number in range(4)]
    Recommender(settings, overrides=Overrides(encoder=HashingEmbedder())).fit(items).save_pretrained(tmp_path / "shop")
    return tmp_path / "shop"


def test_a_context_can_be_given(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(
        capsys, "recommend", shop, "--context", "weekday=saturday", "--context", "device=phone", "-k", 2, "--json"
    )
    assert found.code == 0
    assert len(found.json["recommendations"]) == 2


def test_what_is_no_context_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "recommend", shop, "--context", "saturday")
    assert (found.code, found.out) == (2, "")
    assert "'saturday' is no context; write NAME=VALUE, as in weekday=saturday." in found.err
