"""Fine-tuning a tiny encoder: what it reads, what it writes, and that a cut run ends like an uncut one."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from finetune.retriever_config import RetrieverTraining
from finetune.retriever_data import TrainingData
from finetune.retriever_evaluation import Validation
from finetune.retriever_examples import Example, example_texts
from finetune.retriever_output import RunPlace
from finetune.train_retriever import TimeLimit, fine_tune, main, make_trainer, training_texts
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.errors import ConfigError
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.models import load_encoder
from llmrec.retrieval.embedders import SentenceEncoder
from llmrec.retrieval.history_text import HistoryTextScorer
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.settings import EncoderSettings
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.finetune.tiny import QUERY_PROMPT, save_tiny_encoder
from tests.retrieval.test_history_text import NotingEmbedder

N_ITEMS, N_USERS, N_MET = 12, 16, 8


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture
def config(base: Path) -> RetrieverTraining:
    """Four steps, with an evaluation and a checkpoint after each second one."""
    return RetrieverTraining(
        base=str(base), device="cpu", max_history=3, per_user=2, hard_negatives=1, negatives_skip=0, max_length=32,
        batch_size=4, mini_batch_size=4, learning_rate=1e-2, matryoshka_sizes=(16, 8), evaluations=2, seed=1, epochs=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Users who walk through the alphabet, each from another letter."""
    catalogue = Catalogue(Item(ItemId(str(n)), chr(97 + n) * 3, {"year": 1980 + n}) for n in range(N_ITEMS))
    rows = [
        Interaction(UserId(str(user)), ItemId(str((user + step) % N_ITEMS)), 1.0, float(step))
        for user in range(N_USERS)
        for step in range(N_MET)
    ]
    core = prepared(catalogue, Interactions.from_rows(rows, catalogue), core=5)
    cut = split(core.interactions, protocol="leave-last-out")
    record = ProtocolRecord.of([cut], name="letters", part="validation", core=5, seeds=[1])
    return TrainingData(core.catalogue, cut.validation[0], cut.test[0].fit_on, record, "Nobody's.", ("Made by hand.",))


def encoder_of(place: Path | str) -> SentenceEncoder:
    return SentenceEncoder(place, device="cpu")


def weights(encoder: SentenceEncoder) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in encoder.model.state_dict().items()}


@dataclass
class Strokes:
    """A clock that moves on by one each time it is looked at."""

    n: int = 0

    def __call__(self) -> float:
        self.n += 1
        return float(self.n)


def train(
    data: TrainingData, config: RetrieverTraining, out: Path, *, stop_after: float = float("inf")
) -> SentenceEncoder:
    """One run into `out`, cut after `stop_after` steps (the clock is looked at once before the first one)."""
    encoder, place = encoder_of(config.base), RunPlace(out)
    place.begin(data, config)
    outcome = fine_tune(data, encoder, config, place, limit=TimeLimit(stop_after, Strokes()))
    place.publish(encoder.model, data, config, outcome)
    return encoder


def test_a_training_text_is_what_serving_encodes(data: TrainingData, tmp_path: Path) -> None:
    histories = data.validation.histories
    served = NotingEmbedder()
    vectors = embed_resumable(data.catalogue, served, tmp_path)
    HistoryTextScorer(data.catalogue, vectors, served, max_history=3).score_histories(histories)
    known = [histories.items[histories.starts[user] : histories.starts[user + 1]] for user in range(len(histories))]
    examples = [Example(user, tuple(items.tolist()), 0) for user, items in enumerate(known)]
    trained = example_texts(examples, data.catalogue, max_history=3)
    assert trained["history"] == [text for kind, text in served.read if kind == "query"]
    assert trained["item"][0] == next(text for kind, text in served.read if kind == "document")


def test_a_training_text_gets_the_prompt_and_the_cut_of_serving(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    encoder = encoder_of(config.base)
    texts = {"history": ["abc; abc"], "item": ["def"], "negative_1": ["ghi"]}
    trainer = make_trainer(
        encoder, config, RunPlace(tmp_path / "out"), Dataset.from_dict(texts),
        Validation(data.catalogue, data.validation, 3, 20.0), TimeLimit(),
    )  # fmt: skip
    batch = trainer.data_collator([{name: column[0] for name, column in texts.items()}])
    read = encoder.model.tokenizer([QUERY_PROMPT + "abc; abc", "def", "ghi"])["input_ids"]
    assert [batch[f"{column}_input_ids"][0].tolist() for column in texts] == read


def test_answers_change_nothing_that_is_learned_from(data: TrainingData, config: RetrieverTraining) -> None:
    task, vectors = data.validation, np.eye(N_ITEMS, dtype=np.float32)
    other = replace(task, answers=replace(task.answers, items=np.roll(task.answers.items, 1)))
    texts = training_texts(data, config, vectors)
    assert texts == training_texts(replace(data, validation=other), config, vectors)
    first_user = [text for text in texts["history"] + texts["item"] if text.startswith(("ggg", "hhh"))]
    assert len(task.fit_on) == N_USERS * (N_MET - 2)
    assert len(first_user) < len(texts["history"])


def test_training_moves_histories_towards_what_came_next(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    encoder, place = encoder_of(config.base), RunPlace(tmp_path / "out")
    longer = config.model_copy(update={"epochs": 6, "patience": 9})
    place.begin(data, longer)
    rows = fine_tune(data, encoder, longer, place, limit=TimeLimit()).per_user
    base, tuned = (rows[f"{name}, history text"]["NDCG@10"].mean() for name in ("base", "fine-tuned"))
    assert tuned > base + 0.1


def test_a_run_that_was_cut_and_resumed_ends_like_one_that_was_not(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(data, config, whole)
    train(data, config, cut, stop_after=3.5)
    assert _n_steps(cut) == 3
    train(data, config, cut)
    assert _n_steps(cut) == _n_steps(whole) == 8
    # The last weights, not the best: the cut run was asked once more, so it may have found better ones on its way.
    uncut, resumed = (
        load_file(RunPlace(out).checkpoints / "checkpoint-8" / "model.safetensors") for out in (whole, cut)
    )
    for name, tensor in uncut.items():
        torch.testing.assert_close(resumed[name], tensor, atol=1e-5, rtol=1e-4)


def _n_steps(out: Path) -> int:
    n_steps: int = json.loads((out / "training.json").read_text())["n_steps"]
    return n_steps


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    first, again = (weights(train(data, config, tmp_path / name)) for name in ("first", "again"))
    other = weights(train(data, config.model_copy(update={"seed": 2}), tmp_path / "other"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_is_written_is_loaded_by_its_path_and_holds_no_pickle(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    trained = train(data, config, tmp_path / "out")
    settings = EncoderSettings(model=str(tmp_path / "out"), device="cpu")
    loaded = load_encoder(settings, AssetStore(tmp_path / "cache", offline=True))
    np.testing.assert_allclose(loaded.embed(["abc"], kind="query"), trained.embed(["abc"], kind="query"), atol=1e-6)
    suffixes = {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert ".safetensors" in suffixes
    assert suffixes <= {".safetensors", ".json", ".md", ".txt"}
    assert isinstance(loaded, SentenceEncoder)
    assert loaded.model.max_seq_length == 32


def test_the_card_names_data_base_numbers_and_limits(
    data: TrainingData, config: RetrieverTraining, tmp_path: Path
) -> None:
    train(data, config, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    about = json.loads((tmp_path / "out" / "training.json").read_text())
    assert data.record.data.sha256 in card
    assert about["base_sha256"] in card
    assert about["weights_sha256"] != about["base_sha256"]
    assert "licence of the data: Nobody's." in card
    assert "## Limits" in card
    found = about["validation"]["fine-tuned, history text"]["NDCG@10"]
    assert found["ci95"][0] <= found["mean"] <= found["ci95"][1]
    assert f"{found['mean']:.4f} ({found['ci95'][0]:.4f} to {found['ci95'][1]:.4f})" in card
    assert "fine-tuned, history text, first 8 numbers" in card


def test_checkpoints_of_another_run_are_refused(data: TrainingData, config: RetrieverTraining, tmp_path: Path) -> None:
    place = RunPlace(tmp_path / "out")
    place.begin(data, config)
    with pytest.raises(ConfigError, match=r"are of another run: config changed"):
        place.begin(data, config.model_copy(update={"seed": 2}))


def test_a_place_that_is_taken_is_refused(data: TrainingData, config: RetrieverTraining, tmp_path: Path) -> None:
    place = RunPlace(tmp_path / "out")
    place.require_free(resume=False)
    place.begin(data, config)
    place.require_free(resume=True)
    with pytest.raises(ConfigError, match=r"is there from a run before\. Give --resume"):
        place.require_free(resume=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="holds something else"):
        RunPlace(tmp_path / "mine").require_free(resume=True)


def test_the_shipped_configurations_are_valid() -> None:
    found = sorted((Path(__file__).parents[2] / "finetune" / "configs").glob("retriever-*.toml"))
    read = {path.stem: RetrieverTraining.from_file(path) for path in found}
    assert read["retriever-cpu"].precision == "fp32"
    assert read["retriever-gpu"].precision == "bf16"


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("epoch = 3")
    with pytest.raises(ConfigError, match=r"epoch in .*run.toml: .* Known keys: .*epochs"):
        RetrieverTraining.from_file(tmp_path / "run.toml")


def test_the_command_trains_on_the_files_of_a_data_set(
    config: RetrieverTraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    arguments = [
        "--dataset", "movielens-latest-small", "--from", str(_letters_as_files(tmp_path / "files")),
        "--config", str(_as_toml(config, tmp_path / "run.toml")), "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["fine-tuned, history text"]) == {"NDCG@10", "R@10", "R@50"}
    assert main(arguments) == 1
    assert "Give --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0


def _letters_as_files(directory: Path) -> Path:
    directory.mkdir()
    films = [f"{n},{chr(97 + n) * 3} ({1980 + n}),Drama" for n in range(N_ITEMS)]
    (directory / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n")
    ratings = [
        f"{user},{(user + step) % N_ITEMS},4.0,{1000 + step}" for user in range(N_USERS) for step in range(N_MET)
    ]
    (directory / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]) + "\n")
    return directory


def _as_toml(config: RetrieverTraining, path: Path) -> Path:
    path.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in config.model_dump(mode="json").items()))
    return path
