"""From `experiment start` to `status`, on a small shop whose visitors are made up."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.build import Overrides
from llmrec.experiments.definition import running
from llmrec.feedback import open_store
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import Feedback, Impression, ItemId, UserId
from tests.cli_helpers import call

ARMS = ("--arm", "now", "--arm", "plain:ranking.lm_weight=0;dialogue.question_cost_bits=100")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    settings = Settings().changed(["language_model.model=none", "encoder.model=hashing"])
    items = [{"item_id": str(number), "title": f"Thing {number}"} for number in range(4)]
    Recommender(settings, overrides=Overrides(encoder=HashingEmbedder())).fit(items).save_pretrained(tmp_path / "shop")
    return tmp_path / "shop"


def impression(user: UserId, arm: str, at: float, *, stage: str = "fused", propensity: float = 1.0) -> Impression:
    return Impression(f"{user}-{stage}", user, f"{user}-q", ItemId("1"), 1, propensity, stage, arm, "", "", at)


def visited(shop: Path, *, n: int) -> None:
    """Half of those in `plain` like what they see, a tenth of the others."""
    experiment = running(shop)
    assert experiment is not None
    rng, at = np.random.default_rng(0), experiment.started_at + 1
    with open_store(shop) as store:
        users = [UserId(f"u{number}") for number in range(n)]
        arms = {user: experiment.arm_of(user) for user in users}
        store.record_impressions([impression(user, experiment.tag(arms[user]), at) for user in users])
        for user in users:
            if rng.random() < (0.5 if arms[user].name == "plain" else 0.1):
                store.record(Feedback(user, ItemId("1"), "like", at + 1))


def test_a_difference_is_seen_and_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = call(capsys, "experiment", "start", shop, "quiet", *ARMS)
    assert (started.code, started.out) == (0, f"quiet runs: now, plain. See `llmrec experiment status {shop}`.\n")
    visited(shop, n=300)
    found = call(capsys, "experiment", "status", shop, "--json").json
    assert found["users"]["now"] + found["users"]["plain"] == 300
    [clicks] = [row for row in found["rows"] if (row["arm"], row["metric"]) == ("plain", "click rate")]
    assert clicks["difference"] == pytest.approx(0.4, abs=0.1)
    assert clicks["anytime95"][0] > 0
    assert clicks["verdict"] == "higher"
    assert found["warnings"] == []
    text = call(capsys, "experiment", "status", shop).out
    assert "quiet runs: now 1" in text
    assert "any time: better" in text
    stopped = call(capsys, "experiment", "stop", shop)
    assert stopped.out == "quiet has stopped.\n"
    assert "quiet has stopped" in call(capsys, "experiment", "status", shop).out


def test_the_report_tells_of_the_experiment(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "experiment", "start", shop, "quiet", *ARMS)
    visited(shop, n=300)
    assert call(capsys, "report", shop, "--out", tmp_path / "report").code == 0
    [page] = (tmp_path / "report").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "Experiment quiet" in text
    assert "Conversion of plain: higher (+0." in text


def test_how_long_an_effect_takes_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "experiment", "start", shop, "quiet", *ARMS)
    visited(shop, n=40)
    found = call(capsys, "experiment", "status", shop, "--effect", "0.02", "--json").json
    assert [wait["metric"] for wait in found["waits"]] == ["click rate", "conversion"]
    assert found["waits"][0]["users"] > 1000


def test_an_interleaved_experiment_tells_who_is_preferred(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "experiment", "start", shop, "duel", *ARMS, "--design", "interleave")
    experiment = running(shop)
    assert experiment is not None
    at = experiment.started_at + 1
    with open_store(shop) as store:
        for number in range(60):
            user, tag = UserId(f"u{number}"), experiment.tag(experiment.arms[number % 4 != 0])
            store.record_impressions([impression(user, tag, at)])
            store.record(Feedback(user, ItemId("1"), "like", at))
    found = call(capsys, "experiment", "status", shop, "--json").json
    assert (found["lists"], found["lists_won"]) == (60, 60)
    assert found["rows"][0]["value"] == pytest.approx(0.5)
    assert "preference  plain   0.5000" in call(capsys, "experiment", "status", shop).out


def test_what_an_explored_place_learned_is_kept(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = call(capsys, "experiment", "learn", shop)
    assert empty.out.startswith("Nothing was explored yet")
    with open_store(shop) as store:
        for number in range(20):
            user, stage = UserId(f"u{number}"), ("rare", "ranking")[number % 2]
            store.record_impressions([impression(user, "", 1.0, stage=stage, propensity=0.5)])
            if stage == "rare":
                store.record(Feedback(user, ItemId("1"), "click", 2.0))
    found = call(capsys, "experiment", "learn", shop, "--json").json
    rare = next(row for row in found["styles"] if row["style"] == "rare")
    assert (rare["shown"], rare["clicked"], rare["if_always"]["SNIPS"]["value"]) == (10, 10, 1.0)
    assert '"rare": {' in (shop / "exploration.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arm", "a", "--arm", "b:ranking.lm_wieght=0"), "no setting is called 'ranking.lm_wieght'"),
        (("--arm", "a", "--arm", "b:models.bm25_b=0.5"), "models.bm25_b=0.5 is fixed when a recommender is built"),
        (("--arm", "a"), "experiment arms: Tuple should have at least 2 items"),
        (("--arm", "a", "--arm", "B c"), "experiment arms.1.name"),
    ],
)
def test_an_arm_that_cannot_be_served_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    found = call(capsys, "experiment", "start", shop, "quiet", *arguments)
    assert found.code == 2
    assert message in found.err
    assert running(shop) is None


def test_no_recommender_no_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not a recommender directory" in call(capsys, "experiment", "start", tmp_path, "x", *ARMS).err
    assert "has none yet" in call(capsys, "experiment", "status", tmp_path).err
    assert "no experiment is running" in call(capsys, "experiment", "stop", tmp_path).err
