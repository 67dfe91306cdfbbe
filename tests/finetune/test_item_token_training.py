"""Training item tokens: what they learn, that a cut run ends like an uncut one, and that what is left is served."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import PeftModel
from pydantic import ValidationError
from safetensors.torch import load_file

from finetune.item_token_examples import PIECES, NextItem, PieceSet, first_met, pieces
from finetune.item_token_model import ItemTokens
from finetune.item_token_training import ItemTokenTrainer, ItemTokenUsers
from finetune.ranker_candidates import validation_cases
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_examples import Draw, write_examples
from finetune.ranker_output import Outcome, RankerPlace
from finetune.retriever_data import TrainingData
from finetune.time_limit import TimeLimit
from finetune.train_ranker import Control, fine_tune, main
from llmrec import Recommender
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.errors import DataError
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import model_ranker
from llmrec.ranking.item_tokens import ItemTokenRanker
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.evaluation.leaks import Case, assert_blind_to_answers, assert_id_permutation_invariant
from tests.finetune.tiny_ranker import (
    ISOLATED_PROMPT,
    as_toml,
    planted_recommender,
    save_lively_model,
    tiny_bench,
    tiny_config,
)

N_CIRCLE = 24
NEVER_MET = ItemId("new")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lively_model(tmp_path_factory.mktemp("base") / "lively")


def circle() -> Catalogue:
    """Items that stand in a circle, called so that no name says where, and one that nobody meets."""
    names = np.random.default_rng(3).permutation([f"{a}{b}" for a in "klmnop" for b in "wxyz"]).tolist()
    return Catalogue([*(Item(ItemId(str(place)), name) for place, name in enumerate(names)), Item(NEVER_MET, "new")])


def walks(n_users: int) -> list[Interaction]:
    """Each user walks along the circle from where chance puts him, for 4 to 9 steps."""
    rng = np.random.default_rng(0)
    return [
        Interaction(UserId(str(user)), ItemId(str((start + step) % N_CIRCLE)), 1.0, float(step))
        for user, start in enumerate(rng.integers(N_CIRCLE, size=n_users).tolist())
        for step in range(4 + user % 6)
    ]


def walked(n_users: int = 120) -> RankerData:
    catalogue = circle()
    core = prepared(catalogue, Interactions.from_rows(walks(n_users), catalogue), core=0)
    cut = split(core.interactions, protocol="leave-last-out")
    record = ProtocolRecord.of([cut], name="circle", part="validation", core=0, seeds=[0])
    training = TrainingData(
        core.catalogue, cut.validation[0], cut.test[0].fit_on, record, "Nobody's.", ("Made by hand.",)
    )
    return RankerData(training, StageContext(core.catalogue, Settings(), vectors=_no_vectors), PromptLibrary.load())


def _no_vectors() -> ExactVectorStore:
    raise AssertionError("nothing here reads vectors")


def config_of(base: Path, **changes: object) -> RankerTraining:
    values = {
        "mode": "item_tokens", "objectives": {"item_tokens": 1.0}, "slate_size": 12, "pool": 12, "rank": 8,
        "alpha": 16, "batch_size": 16, "epochs": 6, "evaluations": 3, "validation_users": 60, "decision_users": 60,
        "item_tokens": {
            "n_layers": 1, "own_dim": 16, "max_length": 4, "input_dropout": 0.1, "output_dropout": 0.1,
            "own_learning_rate": 0.03,
        },
    }  # fmt: skip
    return tiny_config(base, **{**values, **changes})


@dataclass
class Strokes:
    """A clock that moves on by one each time it is looked at."""

    n: int = 0

    def __call__(self) -> float:
        self.n += 1
        return float(self.n)


def train(config: RankerTraining, place: RankerPlace, *, stop_after: float = float("inf")) -> Outcome:
    """One run into `place`, cut after `stop_after` steps, and its adapter written."""
    bench = tiny_bench(walked(), config)
    place.begin(bench.data, config, bench.base)
    model, outcome = fine_tune(bench, place, Control(TimeLimit(stop_after, Strokes())))
    assert outcome is not None
    place.publish(model, bench.data, config, bench.base, outcome)
    return outcome


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RankerPlace, Outcome]:
    place = RankerPlace(tmp_path_factory.mktemp("trained") / "steps")
    return place, train(config_of(base), place)


def test_a_planted_transition_is_learned(trained: tuple[RankerPlace, Outcome]) -> None:
    _, outcome = trained
    over_all = outcome.over_catalogue["adapter alone"]
    # Of some 20 items that a user has not met, chance puts the next one on average where NDCG@10 is 0.22.
    assert float(outcome.base_on.lm.mean()) < 0.7
    assert float(over_all.mean()) > 0.9
    assert outcome.verdict.lm_weight > 0
    assert outcome.verdict.decision.gains


def test_what_is_written_is_served_as_it_was_measured(base: Path, trained: tuple[RankerPlace, Outcome]) -> None:
    place, outcome = trained
    data = walked()
    model = TransformersLM.from_pretrained(base, adapter=place.out, device="cpu")
    settings = Settings().changed(["ranking.mode=item_tokens", "ranking.slate_size=12"]).ranking
    ranker = model_ranker(data.training.catalogue, settings, model, data.prompts)
    assert isinstance(ranker, ItemTokenRanker)
    for case, before in zip(outcome.decided_on.cases, outcome.decided_on.rankings, strict=True):
        after = ranker.rank(case.query, case.candidates)
        assert after.report.adapter == "steps"
        assert dict(after.report.lm_scores) == pytest.approx(dict(before.report.lm_scores), abs=1e-4)


def test_the_directory_holds_all_that_serving_and_reading_need(trained: tuple[RankerPlace, Outcome]) -> None:
    place, outcome = trained
    assert {path.name for path in place.out.iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "curves.png", "fusion.json",
        "item_tokens.json", "item_tokens.safetensors", "metrics.jsonl", "ranker.json",
    }  # fmt: skip
    about = json.loads((place.out / "ranker.json").read_text())
    assert (about["mode"], about["template"], about["template_hash"]) == ("item_tokens", "", "")
    assert about["validation"] == outcome.numbers()
    assert about["validation"]["adapter alone, whole catalogue"]["mean"] > 0.9
    card = (place.out / "README.md").read_text()
    assert "ranking.mode=item_tokens" in card
    assert "jinja" not in card
    assert about["examples_sha256"] in card


def test_stock_peft_loads_what_was_trained(base: Path, trained: tuple[RankerPlace, Outcome]) -> None:
    place, _ = trained
    bench = tiny_bench(walked(), config_of(base))
    ids = torch.arange(5, 20).reshape(1, -1)
    with torch.inference_mode():
        before = bench.base.model(input_ids=ids).logits
        with pytest.warns(FutureWarning, match="is_gradient_checkpointing"):
            loaded = PeftModel.from_pretrained(bench.base.model, str(place.out))
        assert not torch.equal(loaded(input_ids=ids).logits, before)
    assert loaded.peft_config["default"].layers_to_transform == [0]


def test_of_users_with_one_history_each_part_has_its_own(base: Path) -> None:
    bench = tiny_bench(walked(), config_of(base))
    users = ItemTokenUsers.drawn(bench)
    n_histories = len(users.stopping.histories) + len(users.deciding.histories)
    found = validation_cases(bench.data, bench.plan, slate_size=bench.config.slate_size)
    assert n_histories == 120
    assert len({case.query.positive_item_ids for case in found}) < len(found)
    assert len(users.cases.stopping) + len(users.cases.deciding) == len(found)


def losses(place: RankerPlace) -> list[tuple[int, float]]:
    entries = [json.loads(line) for line in (place.work / "metrics.jsonl").read_text().splitlines()]
    return [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]


def test_a_run_that_was_cut_and_resumed_learns_what_an_uncut_one_does(base: Path, tmp_path: Path) -> None:
    config = config_of(base, epochs=1, batch_size=32, evaluations=2, validation_users=8, decision_users=8)
    tokens = config.item_tokens.model_copy(update={"negatives": 3, "averaging": 0.5})
    config = config.model_copy(update={"item_tokens": tokens})
    whole, cut = RankerPlace(tmp_path / "whole"), RankerPlace(tmp_path / "cut")
    n_steps = train(config, whole).n_steps
    assert train(config, cut, stop_after=2.5).n_steps == 3
    assert train(config, cut).n_steps == n_steps
    assert losses(cut) == losses(whole)
    last, resumed = (load_file(place.work / f"checkpoint-{n_steps}" / "model.safetensors") for place in (whole, cut))
    assert set(last) >= {"own", "shared", "bias", "scale", "mean.own"}
    assert not torch.equal(last["own"], last["mean.own"])
    assert all(torch.equal(resumed[name], weights) for name, weights in last.items())


def with_refit(config: RankerTraining) -> RankerTraining:
    return config.model_copy(update={"item_tokens": config.item_tokens.model_copy(update={"refit": True})})


def n_items_in(file: Path) -> int:
    return sum(Dataset.from_file(str(file))["length"])


def test_what_serves_is_trained_anew_on_all_but_the_last_interaction(
    base: Path, tmp_path: Path, trained: tuple[RankerPlace, Outcome]
) -> None:
    place, (measured, _) = RankerPlace(tmp_path / "refit"), trained
    found = train(with_refit(config_of(base)), place)
    assert found.refit_passes in {2.0, 4.0, 6.0}  # validation users were asked after each second pass
    assert n_items_in(place.refit.examples) > n_items_in(place.examples)
    for name in ("adapter_model.safetensors", "item_tokens.safetensors"):
        alone, before, anew = (load_file(at / name) for at in (measured.out, place.out / "measured", place.out))
        # What was measured is what a training without a second one leaves.
        assert all(torch.equal(before[key], value) for key, value in alone.items())
        assert any(not torch.equal(anew[key], value) for key, value in alone.items())
    assert "trained anew" in (place.out / "README.md").read_text(encoding="utf-8")


def test_a_refit_that_was_cut_goes_on(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, whole, cut = with_refit(config_of(base)), RankerPlace(tmp_path / "whole"), RankerPlace(tmp_path / "cut")
    train(config, whole)
    bench, control = tiny_bench(walked(), config), Control()
    cut.begin(bench.data, config, bench.base)
    # SIGTERM arrives in the fifth step of the second training.
    monkeypatch.setattr(ItemTokenTrainer, "average", asks_to_end(ItemTokenTrainer.average, control))
    assert fine_tune(bench, cut, control)[1] is None
    monkeypatch.undo()
    assert cut.refit.last_checkpoint is not None
    before = losses(cut)
    train(config, cut)
    assert losses(cut) == before == losses(whole)  # what had come to its end is not trained on
    assert losses(cut.refit) == losses(whole.refit)
    for name in ("item_tokens.safetensors", "measured/item_tokens.safetensors"):
        weights = load_file(whole.out / name)
        assert all(torch.equal(weights[key], value) for key, value in load_file(cut.out / name).items())


def asks_to_end(
    average: Callable[[ItemTokenTrainer, int], None], control: Control
) -> Callable[[ItemTokenTrainer, int], None]:
    def asking(trainer: ItemTokenTrainer, step: int) -> None:
        average(trainer, step)
        control.termination.asked = str(trainer.args.output_dir).endswith(".refit-training") and step == 5

    return asking


def scorer_of(base: Path, case: Case) -> ItemTokenScorer:
    """What a few steps on `case` make."""
    task = case.task
    record = ProtocolRecord.of([case.split], name="circle", part="validation", core=0, seeds=[0])
    training = TrainingData(case.catalogue, task, task.fit_on, record, "Nobody's.", ())
    data = RankerData(training, StageContext(case.catalogue, Settings(), vectors=_no_vectors), PromptLibrary.load())
    bench = tiny_bench(data, config_of(base))
    tokens = ItemTokens.begun(data, bench.config, bench.base)
    examples = [tokens.words.numbers[row["items"]].tolist() for row in pieces(task.fit_on, 4)][:32]
    optimizer = torch.optim.AdamW(tokens.network.trained().values(), lr=1e-2)
    batch = NextItem().batch(examples)
    for _ in range(5):
        optimizer.zero_grad()
        NextItem().loss(tokens.network.eval(), batch).backward()
        optimizer.step()
    return tokens.scorer


def test_other_ids_and_places_change_no_score(base: Path) -> None:
    data = circle()
    rows = Interactions.from_rows(walks(40), data)
    assert_id_permutation_invariant(lambda case: scorer_of(base, case), data, rows)


def test_no_answer_is_seen(base: Path) -> None:
    data = circle()
    assert_blind_to_answers(lambda case: scorer_of(base, case), data, Interactions.from_rows(walks(40), data))


def test_a_command_teaches_a_recommender_its_items_and_switches_them_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    directory = planted_recommender(tmp_path / "mine", ISOLATED_PROMPT, n_users=120)
    config = config_of(base, slate_size=20, pool=20, epochs=3, evaluations=1, validation_users=30, decision_users=30)
    options = ["--recommender", str(directory), "--config", str(as_toml(config, tmp_path / "run.toml"))]
    assert main([*options, "--name", "items"]) == 0
    assert "switched on" in capsys.readouterr().err
    recommender = Recommender.from_pretrained(directory)
    assert recommender.settings.ranking.mode == "item_tokens"
    found = recommender.rank(["a0", "a1", "a2"], ["b3", "c5", "a5", "d3", "e6"])
    assert found[0].item_id == "a5"
    assert found.trace.adapter == "items"
    stranger = recommender.recommend("anything", k=3)
    assert len(stranger) == 3
    assert any("there is no history to read" in note for note in stranger.trace.notes)


def test_pieces_have_each_item_come_next_once(base: Path) -> None:
    fit_on = walked(20).training.validation.fit_on
    found = list(pieces(fit_on, 3))
    assert all(2 <= row["length"] == len(row["items"]) <= 4 for row in found)
    starts = fit_on.histories().starts
    for user in range(len(starts) - 1):
        targets = [item for row in reversed(found) if row["user"] == user for item in row["items"][1:]]
        assert targets == fit_on.items[starts[user] : starts[user + 1]][1:].tolist()


def test_a_batch_stands_at_the_left_in_the_networks_numbers(tmp_path: Path) -> None:
    catalogue = circle()
    rows = [("a", "5", 1.0), ("a", "3", 2.0), ("a", "5", 3.0), ("b", "9", 1.0), ("b", "3", 2.0)]
    met = Interactions.from_rows((Interaction(UserId(u), ItemId(i), 1.0, at) for u, i, at in rows), catalogue)
    assert first_met(met).tolist() == [5, 3, 9]
    numbers = np.full(len(catalogue), -1)
    numbers[first_met(met)] = [0, 1, 2]
    write_examples(pieces(met, 10), tmp_path / "examples.arrow", schema=PIECES)
    examples = PieceSet(tmp_path / "examples.arrow", numbers)
    assert examples.lengths == [3, 2]
    batch = NextItem().batch([examples[Draw(0, 0)], examples[Draw(1, 0)]])
    assert batch["items"].tolist() == [[0, 1], [2, 0]]
    assert batch["targets"].tolist() == [[1, 0], [1, -100]]
    assert int(batch["n_tokens"]) == 3


def test_what_is_kept_is_the_mean_of_the_steps(base: Path, tmp_path: Path) -> None:
    tokens = config_of(base).item_tokens.model_copy(update={"averaging": 2.0})
    config = config_of(base, epochs=1, evaluations=1).model_copy(update={"item_tokens": tokens})
    place = RankerPlace(tmp_path / "steps")
    n_steps = train(config, place).n_steps
    kept = load_file(place.out / "item_tokens.safetensors")
    last = load_file(place.work / f"checkpoint-{n_steps}" / "model.safetensors")
    torch.testing.assert_close(kept["bias"], last["mean.bias"].to(kept["bias"].dtype))


def test_nobody_to_decide_by_is_said(base: Path, tmp_path: Path) -> None:
    config = config_of(base, slate_size=2, validation_users=1, decision_users=1)
    bench, place = tiny_bench(walked(), config), RankerPlace(tmp_path / "out")
    place.begin(bench.data, config, bench.base)
    with pytest.raises(DataError, match="among its best 2; each part needs one"):
        fine_tune(bench, place, Control())


def test_it_cannot_be_mixed_with_prompts(base: Path) -> None:
    with pytest.raises(ValidationError, match="item_tokens has examples of its own"):
        config_of(base, objectives={"item_tokens": 1.0, "listwise": 1.0})


@pytest.mark.parametrize("name", ["ranker-item-tokens", "ranker-item-tokens-short"])
def test_the_shipped_configurations_are_complete(name: str) -> None:
    config = RankerTraining.from_file(Path(__file__).parents[2] / "finetune" / "configs" / f"{name}.toml")
    assert config.mode == "item_tokens"
    assert config.item_tokens.n_layers == 2
