"""What cannot go well ends in one clear sentence, and the last good checkpoint stays."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from finetune.ranker_config import RankerTraining
from finetune.ranker_examples import RankExample
from finetune.ranker_objectives import Batch, Objective
from finetune.ranker_output import RankerPlace
from finetune.ranker_setup import Bench
from finetune.train_ranker import Control, fine_tune, main
from llmrec.errors import ArtifactError, ConfigError, LLMRecError, ModelError
from tests.finetune.tiny_ranker import (
    SHORT_PROMPT,
    as_toml,
    planted_data,
    planted_files,
    save_lively_model,
    tiny_bench,
    tiny_config,
)
from tests.language_model.tiny import save_tiny_model

CONFIGS = Path(__file__).parents[2] / "finetune" / "configs"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lively_model(tmp_path_factory.mktemp("base") / "lively")


@dataclass
class Breaking:
    """An objective that goes wrong at its `n`-th loss."""

    inner: Objective
    n: int
    wrong: Callable[[], Tensor]

    def batch(self, examples: Sequence[RankExample]) -> Batch:
        return self.inner.batch(examples)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        self.n -= 1
        loss = self.inner.loss(model, batch)
        return loss if self.n else loss * self.wrong()


@dataclass(frozen=True)
class BreakingBench(Bench):
    """A run whose 13th loss goes wrong, after the checkpoint of its tenth step."""

    wrong: Callable[[], Tensor]

    def objective(self) -> Objective:
        return Breaking(super().objective(), 13, self.wrong)


def no_number() -> Tensor:
    return torch.tensor(math.nan)


def no_memory() -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory.")


def break_off(base: Path, place: RankerPlace, wrong: Callable[[], Tensor]) -> str:
    """What is said when a run goes wrong after its first checkpoint."""
    config = tiny_config(base)
    plain = tiny_bench(planted_data(template=SHORT_PROMPT), config)
    place.begin(plain.data, config, plain.base)
    with pytest.raises(LLMRecError) as caught:
        fine_tune(BreakingBench(plain.data, config, plain.base, wrong), place, Control())
    return str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (no_number, "the loss is nan in step 13; training has stopped and nothing of that step was kept. Lower learn"),
        (no_memory, "the device has no memory left for a batch of 4 prompts of up to "),
    ],
)
def test_a_step_that_goes_wrong_is_named_and_the_last_checkpoint_goes_on(
    base: Path, tmp_path: Path, wrong: Callable[[], Tensor], said: str
) -> None:
    place = RankerPlace(tmp_path / "out")
    message = break_off(base, place, wrong)
    assert message.startswith(said)
    assert "step 13" in message
    assert place.last_checkpoint == place.work / "checkpoint-10"
    _, outcome = fine_tune(tiny_bench(planted_data(template=SHORT_PROMPT), tiny_config(base)), place, Control())
    assert outcome is not None
    assert outcome.n_steps == 30


def test_a_disk_that_is_full_leaves_the_checkpoint_before(base: Path, tmp_path: Path) -> None:
    config, place = tiny_config(base), RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(template=SHORT_PROMPT), config)
    place.begin(bench.data, config, bench.base)
    (place.work / "checkpoint-20").mkdir()
    (place.work / "checkpoint-20" / "trainer_state.json").symlink_to("/dev/full")
    with pytest.raises(ArtifactError, match=r"checkpoint-20 cannot be written: the disk is full; what was there befor"):
        fine_tune(bench, place, Control())
    assert place.last_checkpoint == place.work / "checkpoint-10"
    assert not (place.work / "checkpoint-20").exists()


def test_a_checkpoint_that_was_cut_is_not_gone_on_from(tmp_path: Path) -> None:
    place = RankerPlace(tmp_path / "out")
    for step, is_whole in ((5, True), (10, True), (15, False)):
        (place.work / f"checkpoint-{step}").mkdir(parents=True)
        if is_whole:
            (place.work / f"checkpoint-{step}" / "complete").touch()
    assert place.last_checkpoint == place.work / "checkpoint-10"


def test_a_slate_that_fits_no_prompt_is_said_before_anything_is_learned(tmp_path: Path) -> None:
    tiny = save_tiny_model(tmp_path / "tiny", context=100)
    config, place = tiny_config(tiny), RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(), config)
    place.begin(bench.data, config, bench.base)
    with pytest.raises(ConfigError, match=r"tiny cannot read a slate: a slate of 4 items does not fit into 100 prompt"):
        fine_tune(bench, place, Control())


def test_more_layers_than_there_are_are_refused(base: Path, tmp_path: Path) -> None:
    config, place = tiny_config(base, top_layers=3), RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(template=SHORT_PROMPT), config)
    place.begin(bench.data, config, bench.base)
    with pytest.raises(ConfigError, match="top_layers is 3; lively has 2"):
        fine_tune(bench, place, Control())


def test_a_model_without_weights_is_refused(base: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"the language model .*empty' cannot be loaded"):
        tiny_bench(planted_data(), tiny_config(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nosuch", "no model is called 'nosuch'"),
        ("nobody/nosuch", "the language model 'nobody/nosuch' cannot be loaded"),
    ],
)
def test_an_unknown_base_is_an_error_of_the_command(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    said: str,
) -> None:
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    options = [
        "--dataset", "movielens-latest-small", "--from", str(planted_files(tmp_path / "files")),
        "--config", str(as_toml(tiny_config(base), tmp_path / "run.toml")), "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main([*options, "--base", given]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f"error: {said}")
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_an_unknown_retriever_is_named(base: Path, tmp_path: Path) -> None:
    config, place = tiny_config(base, retriever="populaxity"), RankerPlace(tmp_path / "out")
    bench = tiny_bench(planted_data(), config)
    place.begin(bench.data, config, bench.base)
    with pytest.raises(ConfigError, match=r"no stage is called 'populaxity'\. Did you mean 'popularity'"):
        fine_tune(bench, place, Control())


def test_the_shipped_configurations_are_valid() -> None:
    read = {path.stem: RankerTraining.from_file(path) for path in CONFIGS.glob("ranker-*.toml")}
    assert set(read) >= {"ranker-smoke", "ranker-cpu", "ranker-gpu-1", "ranker-gpu-n"}
    # What is sharded together must be of one kind, and a repeated pass draws its dropout again.
    assert read["ranker-gpu-n"].adapter_dtype == read["ranker-gpu-n"].dtype == "bfloat16"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", r"epoch in .*run.toml: .* Known keys: .*epochs"),
        ('mode = "isolated"', r"run.toml: mode is 'isolated', which is not among the objectives \(listwise\)"),
        ("slate_size = 20\npool = 5", r"run.toml: pool is 5; it must be at least slate_size - 1 \(19\)"),
        ('device = "tpu"', r"device in .*run.toml: Input should be 'auto', 'cpu', 'cuda' or 'mps'"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        RankerTraining.from_file(tmp_path / "run.toml")
