"""Fine-tuning a tiny ranker: what it learns, that a cut run ends like an uncut one, and what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

from finetune.ranker_callbacks import Termination
from finetune.ranker_config import RankerTraining
from finetune.ranker_output import Outcome, RankerPlace
from finetune.time_limit import TimeLimit
from finetune.train_ranker import Control, fine_tune, main
from llmrec import index
from llmrec.assets import AssetStore
from llmrec.errors import ConfigError
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.models import load_language_model
from llmrec.prompting.rank_prompt import SlateLine
from llmrec.prompting.templates import PromptTemplate
from llmrec.rankers import model_ranker
from tests.cli_helpers import call
from tests.finetune.tiny_ranker import (
    ISOLATED_PROMPT,
    SHORT_PROMPT,
    as_toml,
    planted_data,
    planted_files,
    planted_recommender,
    save_lively_model,
    tiny_bench,
    tiny_config,
)

REPOSITORY = Path(__file__).parents[2]
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lively_model(tmp_path_factory.mktemp("base") / "lively")


@dataclass
class Strokes:
    """A clock that moves on by one each time it is looked at."""

    n: int = 0

    def __call__(self) -> float:
        self.n += 1
        return float(self.n)


def train(
    config: RankerTraining, place: RankerPlace, *, stop_after: float = float("inf"), template: str = SHORT_PROMPT
) -> Outcome:
    """One run into `place`, cut after `stop_after` steps, and its adapter written."""
    bench = tiny_bench(planted_data(template=template), config)
    place.begin(bench.data, config, bench.base)
    model, outcome = fine_tune(bench, place, Control(TimeLimit(stop_after, Strokes())))
    assert outcome is not None
    place.publish(model, bench.data, config, bench.base, outcome)
    return outcome


def losses(place: RankerPlace) -> list[tuple[int, float]]:
    entries = [json.loads(line) for line in (place.work / "metrics.jsonl").read_text().splitlines()]
    return [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]


def test_a_random_model_learns_a_planted_rule_from_labels(base: Path, tmp_path: Path) -> None:
    config = tiny_config(
        base, rank=64, alpha=128, batch_size=32, per_user=4, pool=30, epochs=3, learning_rate=3e-3, evaluations=2,
        validation_users=12, decision_users=12, lm_weights=(1.0, 3.0),
    )  # fmt: skip
    bench, place = tiny_bench(planted_data(480, template=SHORT_PROMPT), config), RankerPlace(tmp_path / "out")
    place.begin(bench.data, config, bench.base)
    _, outcome = fine_tune(bench, place, Control())
    assert outcome is not None
    # Four candidates in an order by chance: 1, 0.63, 0.5 and 0.43 equally often.
    assert outcome.decided_on.random == pytest.approx(0.64, abs=0.005)
    assert float(outcome.base_on.lm.mean()) < 0.8
    assert float(outcome.decided_on.lm.mean()) > 0.9
    assert outcome.verdict.lm_weight > 0
    assert outcome.verdict.decision.gains
    assert outcome.sentence.startswith("the adapter gains NDCG@10 +0.")


def test_a_first_layer_that_learned_running_text_serves_what_was_validated(base: Path, tmp_path: Path) -> None:
    config = tiny_config(
        base, mode="likelihood", objectives={"likelihood": 1.0}, n_layers=1, text="title", max_history=6, distill=0.2,
        rank=16, alpha=16, per_user=2, epochs=1, learning_rate=3e-3, evaluations=1, log_every=1,
    )  # fmt: skip
    place = RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(), config)
    place.begin(bench.data, config, bench.base)
    model, outcome = fine_tune(bench, place, Control())
    assert outcome is not None
    assert losses(place)[-1][1] < losses(place)[0][1] / 2
    place.publish(model, bench.data, config, bench.base, outcome)
    served = TransformersLM.from_pretrained(base, adapter=place.out)
    settings = bench.ranking.model_copy(update={"timeout_s": 60.0})
    ranker = model_ranker(bench.data.training.catalogue, settings, served, bench.data.prompts)
    for case, ranking in zip(outcome.decided_on.cases, outcome.decided_on.rankings, strict=True):
        scores = ranker.rank(case.query, case.candidates).report.lm_scores
        assert scores == pytest.approx(ranking.report.lm_scores, abs=1e-3)


def test_a_run_that_was_cut_and_resumed_learns_what_an_uncut_one_does(base: Path, tmp_path: Path) -> None:
    config = tiny_config(base, dropout=0.2, accumulation=2)
    whole, cut = RankerPlace(tmp_path / "whole"), RankerPlace(tmp_path / "cut")
    train(config, whole)
    assert train(config, cut, stop_after=2.5).n_steps == 3
    assert train(config, cut).n_steps == 16
    assert losses(cut) == losses(whole)
    assert [step for step, _ in losses(cut)] == list(range(1, 17))
    last, resumed = (load_file(place.work / "checkpoint-16" / WEIGHTS) for place in (whole, cut))
    assert all(torch.equal(resumed[name], weights) for name, weights in last.items())


def test_a_run_that_came_to_its_end_is_not_trained_on(base: Path, tmp_path: Path) -> None:
    # After the third evaluation two in a row were no better, so it ends where the library would go on when resumed.
    config = tiny_config(base, evaluations=8, patience=2, learning_rate=1e-9, epochs=4)
    place = RankerPlace(tmp_path / "ended")
    first = train(config, place)
    assert first.n_steps < 60
    weights, learned = load_file(place.out / WEIGHTS), losses(place)
    again = train(config, place)
    assert (again.n_steps, losses(place), again.seconds) == (first.n_steps, learned, 0.0)
    assert all(torch.equal(load_file(place.out / WEIGHTS)[name], value) for name, value in weights.items())


def test_a_command_teaches_a_recommender_a_planted_rule_and_switches_it_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    directory = planted_recommender(tmp_path / "mine", ISOLATED_PROMPT, n_users=240)
    config = tiny_config(
        base, dtype="bfloat16", mode="isolated", objectives={"isolated": 1.0}, rank=64, alpha=128,
        batch_size=16, per_user=4, pool=30, epochs=1, learning_rate=3e-3, evaluations=1, validation_users=12,
        decision_users=12, lm_weights=(1.0, 30.0),
    )  # fmt: skip
    options = ["--recommender", str(directory), "--config", str(as_toml(config, tmp_path / "run.toml"))]
    assert main([*options, "--name", "genres"]) == 0
    said = capsys.readouterr()
    numbers = json.loads(said.out)
    assert numbers["random order"]["mean"] == pytest.approx(0.64, abs=0.005)
    assert numbers["base model alone"]["mean"] < 0.8
    assert numbers["adapter alone"]["mean"] > 0.9
    assert "the adapter gains NDCG@10 +0." in said.err
    assert "switched on" in said.err
    settings = index.load(directory).settings
    assert settings.language_model.adapter == str(directory / "adapters" / "genres")
    assert settings.language_model.model == str(base)
    assert settings.ranking.mode == "isolated"
    assert settings.ranking.slate_size == 4
    assert settings.ranking.lm_weight > 0
    serving = load_language_model(settings.language_model, AssetStore(tmp_path / "cache", offline=True))
    assert serving is not None
    assert serving.adapter == "genres"
    moved = directory.rename(tmp_path / "moved")
    moved_settings = index.load(moved).settings.language_model
    assert moved_settings.adapter == str(moved / "adapters" / "genres")
    assert load_language_model(moved_settings, AssetStore(tmp_path / "cache", offline=True)) is not None


@pytest.fixture(scope="module")
def written(base: Path, tmp_path_factory: pytest.TempPathFactory) -> RankerPlace:
    place = RankerPlace(tmp_path_factory.mktemp("written") / "mine")
    train(tiny_config(base, epochs=1, top_layers=1), place)
    return place


def test_what_is_written_is_loaded_by_the_serving_model(base: Path, written: RankerPlace) -> None:
    assert {path.name for path in written.out.iterdir()} == {
        "README.md", "adapter_config.json", WEIGHTS, "curves.png", "metrics.jsonl", "ranker.json", "decision.json",
        "decision_template.jinja",
    }  # fmt: skip
    weights = load_file(written.out / WEIGHTS)
    assert {tensor.dtype for tensor in weights.values()} == {torch.bfloat16}
    assert all(".layers.1." in name for name in weights)
    assert TransformersLM.from_pretrained(base, adapter=written.out, device="cpu").adapter == "mine"


def test_transformers_own_pipeline_runs_what_is_written(base: Path, written: RankerPlace) -> None:
    decide = pipeline("decision", str(base), decision_config=str(written.out), device="cpu", dtype="float32")
    items = {"1": "a1", "2": "b1", "3": "c1"}
    request = {"state": {"history": ["b2", "a2"]}, "questions": {"next": {"type": "choice", "criteria": items}}}
    found = decide(request)["next"]["probabilities"]
    serving = TransformersLM.from_pretrained(base, adapter=written.out, device="cpu")
    labels = serving.labels(3)
    lines = [SlateLine(label, text) for label, text in zip(labels, items.values(), strict=True)]
    prompt = PromptTemplate.from_text("rank", SHORT_PROMPT).render(history=["b2", "a2"], items=lines)
    log_probs = torch.tensor(serving.score_labels(prompt, labels, timeout_s=60).log_probs)
    temperature = json.loads((written.out / "ranker.json").read_text())["temperature"]
    assert list(found.values()) == pytest.approx((log_probs / temperature).softmax(dim=-1).tolist(), abs=1e-3)


def test_a_prompt_that_the_pipeline_would_read_otherwise_costs_no_adapter(base: Path, tmp_path: Path) -> None:
    place = RankerPlace(tmp_path / "mine")
    train(tiny_config(base, epochs=1), place, template=SHORT_PROMPT + "{{ items[0] is mapping }}")
    assert TransformersLM.from_pretrained(base, adapter=place.out, device="cpu").adapter == "mine"
    assert not (place.out / "decision.json").exists()
    reason = json.loads((place.out / "ranker.json").read_text())["decision_pipeline"]
    assert reason == "a decision pipeline over lively would not read the tokens that its ranker reads."
    assert f"Not for transformers' decision pipeline: {reason}" in (place.out / "README.md").read_text()


def test_what_serving_has_to_know_stands_beside_the_weights(written: RankerPlace) -> None:
    about = json.loads((written.out / "ranker.json").read_text())
    assert about["mode"] == "listwise"
    assert about["base"] == "lively"
    assert about["template_hash"] == planted_data(template=SHORT_PROMPT).prompts["rank"].hash
    assert about["temperature"] > 0
    assert about["fusion"]["without_lm"] == {"retrieval": 1.0}
    assert about["fusion"]["with_lm"]["lm"] >= 0
    assert about["n_users"] == {"stopped_by": 2, "decided_by": 2}


def test_the_command_shows_what_is_written(written: RankerPlace, capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "adapter", "show", written.out).out
    about = json.loads((written.out / "ranker.json").read_text())
    for line in (
        "mine: a LoRA adapter over lively",
        f"mode: listwise; prompt rank, hash {about['template_hash']}",
        "rank 2, alpha 4, down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj of 1 layers",
        "decision pipeline: runs it",
        f"learned from: letters, {about['n_examples']} examples, {about['n_steps']} steps",
        about["verdict"],
        f"  adapter alone: {about['validation']['adapter alone']['mean']:.4f} (",
    ):
        assert line in shown
    assert call(capsys, "adapter", "show", written.out, "--json").json["record"]["base"] == "lively"


def test_the_card_names_data_base_examples_and_numbers(written: RankerPlace) -> None:
    card, about = (written.out / "README.md").read_text(), json.loads((written.out / "ranker.json").read_text())
    for named in (about["examples_sha256"], about["base_sha256"], about["record"]["data"]["sha256"], about["verdict"]):
        assert named in card
    assert "licence of the data: Nobody's." in card
    found = about["validation"]["adapter alone"]
    assert f"| adapter alone | {found['mean']:.4f} ({found['ci95'][0]:.4f} to {found['ci95'][1]:.4f}) |" in card


def test_the_base_of_another_run_is_refused(base: Path, tmp_path: Path) -> None:
    config = tiny_config(base)
    bench, place = tiny_bench(planted_data(), config), RankerPlace(tmp_path / "out")
    place.begin(bench.data, config, bench.base)
    other = tiny_bench(planted_data(), tiny_config(save_lively_model(tmp_path / "other", seed=1)))
    with pytest.raises(ConfigError, match="are of another run: base changed"):
        place.begin(bench.data, config, other.base)


@pytest.fixture
def arguments(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command line over the planted rule as files, without its `--out`."""
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    config = as_toml(tiny_config(base, epochs=3, evaluations=2), tmp_path / "run.toml")
    files = planted_files(tmp_path / "files")
    return ["--dataset", "movielens-latest-small", "--from", str(files), "--config", str(config)]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many as the process beside this one has: sums over more are rounded otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_terminated_command_goes_on_where_it_was(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut = RankerPlace(tmp_path / "whole"), RankerPlace(tmp_path / "cut")
    process = subprocess.Popen(
        [sys.executable, "finetune/train_ranker.py", *arguments, "--out", str(cut.out)],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    _wait_for_steps(cut, 3, process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=400)
    assert main([*arguments, "--out", str(whole.out)]) == 0
    assert process.returncode == 143, said
    assert "go on with --resume" in said
    assert not cut.out.exists()
    assert 3 <= len(losses(cut)) < len(losses(whole))
    assert main([*arguments, "--out", str(cut.out), "--resume"]) == 0
    assert losses(cut) == losses(whole)
    assert set(json.loads(capsys.readouterr().out.split("}\n{")[0] + "}")) >= {"retriever", "adapter alone", "fused"}


def _wait_for_steps(place: RankerPlace, n: int, process: subprocess.Popen[str]) -> None:
    """Until the curve has `n` lines."""
    deadline = time.monotonic() + 400
    curve = place.work / "metrics.jsonl"
    while not curve.is_file() or curve.read_text().count("\n") < n:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_that_was_asked_to_end_writes_a_checkpoint_and_no_adapter(base: Path, tmp_path: Path) -> None:
    config, place, asked = tiny_config(base), RankerPlace(tmp_path / "out"), Termination()
    bench = tiny_bench(planted_data(template=SHORT_PROMPT), config)
    place.begin(bench.data, config, bench.base)
    asked.asked = True
    _, outcome = fine_tune(bench, place, Control(termination=asked))
    assert outcome is None
    assert place.last_checkpoint == place.work / "checkpoint-1"


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    place = RankerPlace(tmp_path / "out")
    place.require_free(resume=False)
    place.work.mkdir()
    place.require_free(resume=True)
    with pytest.raises(ConfigError, match=r"is there from a run before\. Give --resume"):
        place.require_free(resume=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="holds something else"):
        RankerPlace(tmp_path / "mine").require_free(resume=True)


def test_a_profile_is_a_table_and_a_trace(base: Path, tmp_path: Path) -> None:
    config, place = tiny_config(base, epochs=1), RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(template=SHORT_PROMPT), config)
    place.begin(bench.data, config, bench.base)
    fine_tune(bench, place, Control(is_profiled=True))
    assert "aten::" in (place.work / "profile.txt").read_text()
    assert "traceEvents" in json.loads((place.work / "trace.json").read_text())
