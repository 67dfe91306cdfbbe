"""The table of what the language model adds: made on a planted rule that only the model can read, and had again."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lm_gain.adapters import adapter_of, train
from benchmarks.lm_gain.benches import GAIN_BENCHES, retriever_settings, with_fewer_users
from benchmarks.lm_gain.cold_items import ColdItems, keep
from benchmarks.lm_gain.gains import Gain
from benchmarks.lm_gain.measuring import WITHOUT_MODEL
from benchmarks.lm_gain.recipe import STAGES, Recipe
from benchmarks.lm_gain.running import Plan, compare, estimated
from benchmarks.lm_gain.table import CLAIM, Table, keep_pooled
from benchmarks.lm_gain.verifying import verify, verify_claims
from benchmarks.ranker import main
from benchmarks.side_by_side.bench import Bench, Cut
from finetune.ranker_config import RankerTraining
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.settings import Settings
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.finetune.tiny_ranker import save_lively_model, tiny_config

N_CIRCLE = 24
BENCH = Bench("movielens-100k", "leave-last-out", core=0)
POPULAR = [
    "retrieval.dense=0", "retrieval.bm25=0", "retrieval.hybrid=0", "retrieval.popularity=1", "encoder.model=hashing",
    "language_model.device=cpu",
]  # fmt: skip


def circle_walkers(n_users: int = 90) -> Cut:
    """Users walk along a circle of items from where chance puts them; popularity has nothing to say."""
    names = np.random.default_rng(3).permutation([f"{a}{b}" for a in "klmnop" for b in "wxyz"]).tolist()
    catalogue = Catalogue(Item(ItemId(str(place)), name) for place, name in enumerate(names))
    starts = np.random.default_rng(0).integers(N_CIRCLE, size=n_users).tolist()
    rows = [
        Interaction(UserId(str(user)), ItemId(str((start + step) % N_CIRCLE)), 1.0, float(step))
        for user, start in enumerate(starts)
        for step in range(4 + user % 6)
    ]
    data = prepared(catalogue, Interactions.from_rows(rows, catalogue), core=0)
    return Cut(BENCH, data, (split(data.interactions, protocol="leave-last-out"),), has_order=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lively_model(tmp_path_factory.mktemp("base") / "lively")


def training(base: Path) -> RankerTraining:
    values = {
        "mode": "item_tokens", "objectives": {"item_tokens": 1.0}, "slate_size": 12, "pool": 12, "rank": 8,
        "alpha": 16, "batch_size": 16, "epochs": 6, "evaluations": 2, "validation_users": 45, "decision_users": 45,
        "item_tokens": {
            "n_layers": 1, "own_dim": 16, "max_length": 4, "input_dropout": 0.1, "output_dropout": 0.1,
            "own_learning_rate": 0.03,
        },
    }  # fmt: skip
    return tiny_config(base, **values)


def recipe_of(base: Path) -> Recipe:
    return Recipe.of(training(base), Settings().changed(POPULAR), slate_size=20)


@dataclass(frozen=True)
class Made:
    """A table of two seeds, and where it lies."""

    cut: Cut
    recipe: Recipe
    plan: Plan
    table: Table
    said: list[str]

    @property
    def record(self) -> dict:
        return json.loads((self.plan.results / f"ranker-{BENCH.name}.json").read_text())

    @property
    def looks(self) -> list[dict]:
        return [json.loads(line) for line in (self.plan.results / "test_looks.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def made(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = tmp_path_factory.mktemp("made")
    plan = Plan((0, 1), "test", place / "runs", place / "results")
    said: list[str] = []
    cut, recipe = circle_walkers(), recipe_of(base)
    assert estimated(cut, recipe, plan).startswith("2 of 2 adapters to train")
    return Made(cut, recipe, plan, compare(cut, recipe, plan, say=said.append), said)


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Made:
    """The same table where a test may change it; what was trained stays where it is."""
    shutil.copytree(made.plan.results, tmp_path / "results")
    return replace(made, plan=replace(made.plan, results=tmp_path / "results"))


def test_a_model_that_reads_what_its_retriever_cannot_gains(made: Made) -> None:
    record = made.record
    claim = record["gain"]["NDCG@10"][CLAIM]
    assert claim["n_users"] == 90
    assert claim["absolute"]["ci95"][0] > 0.1
    assert claim["relative"]["ci95"][0] > 0.2
    assert record["gain"]["NDCG@10|slate"]["lm over random_order"]["relative"]["mean"] > 0.5
    assert tuple(record["stages"]) == STAGES


def test_a_table_says_how_it_was_made(made: Made) -> None:
    record = made.record
    assert record["seeds"] == [0, 1]
    assert record["data"]["sha256"] == made.cut.splits[0].interactions.content_hash
    assert [adapter["seed"] for adapter in record["adapters"]] == [0, 1]
    assert set(record["gain_by_seed"]) == {"0", "1"}
    assert record["how"]["slate_size"] == 20
    assert {"commit", "machine", "users_per_s", "fusion_weights"} <= set(record)
    assert any(line.startswith(f"{CLAIM}: +") for line in made.said)


def test_values_are_means_over_seeds_by_user(made: Made) -> None:
    one, other = (made.table.found[seed].stages["lm"].per_user["NDCG@10"] for seed in (0, 1))
    assert made.table.whole.stages["lm"].per_user["NDCG@10"] == pytest.approx((one + other) / 2)


def test_all_adapters_order_for_one_retriever(made: Made) -> None:
    first, second = (run.stages["retrieval"] for run in made.table.found.values())
    assert first.seconds["fit"] == second.seconds["fit"]
    np.testing.assert_array_equal(first.per_user["NDCG@10"], second.per_user["NDCG@10"])


def test_every_look_at_test_rows_is_noted(made: Made) -> None:
    assert [look["who"] for look in made.looks[:2]] == ["benchmarks.ranker run"] * 2
    assert made.looks[0]["systems"] == list(STAGES)


def test_what_is_there_is_neither_trained_nor_measured_again(copied: Made) -> None:
    n_looks = len(copied.looks)
    again = compare(copied.cut, copied.recipe, copied.plan, say=lambda _: None)
    assert len(copied.looks) == n_looks
    assert again.claim == copied.table.claim
    assert "0 of 2 adapters" in estimated(copied.cut, copied.recipe, copied.plan)


def test_validation_keeps_no_table_and_looks_at_no_test_row(made: Made, tmp_path: Path) -> None:
    plan = Plan((0,), "validation", made.plan.runs, tmp_path / "results")
    found = compare(made.cut, made.recipe, plan, say=lambda _: None)
    assert found.claim.absolute.mean > 0
    assert not plan.results.exists()


def test_an_adapter_has_another_place_for_another_seed_or_limit(made: Made, tmp_path: Path) -> None:
    limited = replace(made.recipe, max_minutes=1.0)
    places = {
        adapter_of(made.cut, recipe, seed=seed, runs=tmp_path).directory
        for recipe in (made.recipe, limited)
        for seed in (0, 1)
    }
    assert len(places) == 4


def test_a_training_that_was_cut_goes_on_from_its_checkpoint(made: Made, tmp_path: Path) -> None:
    whole = adapter_of(made.cut, made.recipe, seed=0, runs=made.plan.runs)
    shutil.copytree(made.plan.runs / "ranker", tmp_path / "ranker")
    again = adapter_of(made.cut, made.recipe, seed=0, runs=tmp_path)
    shutil.rmtree(again.directory)
    train(made.cut, made.recipe, seed=0, runs=tmp_path)
    assert again.about["n_steps"] == whole.about["n_steps"]
    assert again.about["seconds"] < whole.about["seconds"]


def verified(made: Made, plan: Plan, *, minutes: float = 5.0) -> tuple[list[str], list[str]]:
    said: list[str] = []
    return verify(made.cut, plan, deadline=time.monotonic() + 60 * minutes, say=said.append), said


def test_a_kept_table_is_had_again_and_a_changed_number_is_told(copied: Made) -> None:
    wrong, said = verified(copied, copied.plan)
    assert wrong == []
    assert said[-1].endswith("6 stages recomputed on 90 users, 0 numbers are off")
    assert copied.looks[-1]["who"] == "benchmarks.ranker verify"
    record = copied.record
    record["sample"]["stages"]["fused"]["NDCG@10"] += 0.1
    (copied.plan.results / f"ranker-{BENCH.name}.json").write_text(json.dumps(record))
    wrong, _ = verified(copied, copied.plan)
    assert len(wrong) == 1
    assert "fused: NDCG@10 on the sample" in wrong[0]


def test_without_an_adapter_or_the_time_for_one_only_the_controls_are_verified(copied: Made, tmp_path: Path) -> None:
    record = copied.record
    record["adapters"][0]["seconds"] = 1e6
    (copied.plan.results / f"ranker-{BENCH.name}.json").write_text(json.dumps(record))
    wrong, said = verified(copied, replace(copied.plan, runs=tmp_path / "empty"))
    assert wrong == []
    assert f"{len(WITHOUT_MODEL)} stages recomputed" in said[-1]
    assert "no time to train" in said[0]


def test_what_cannot_be_measured_in_time_is_said(copied: Made) -> None:
    wrong, said = verified(copied, copied.plan, minutes=0)
    assert wrong == []
    assert "not recomputed" in said[0]
    assert len(copied.looks) == len(copied.record["seeds"])


def test_kept_gains_follow_from_the_values_by_user(copied: Made) -> None:
    names, said = second_table(copied, lambda _: None), []
    keep_pooled(names, copied.plan.results)
    assert verify_claims(names, copied.plan.results, say=said.append) == []
    assert "ranker-pooled" in said[0]
    record = copied.record
    record["gain"]["NDCG@10"][CLAIM]["relative"]["ci95"][0] += 0.01
    (copied.plan.results / f"ranker-{BENCH.name}.json").write_text(json.dumps(record))
    [wrong] = verify_claims(names, copied.plan.results, say=said.append)
    assert wrong.startswith(f"{BENCH.name}: NDCG@10 {CLAIM} relative ci95[0] is")


def test_another_data_set_than_the_tables_is_told(copied: Made) -> None:
    wrong, _ = verified(replace(copied, cut=circle_walkers(80)), copied.plan)
    assert wrong == [f"{BENCH.name}: the data or its split is not what the table was made on"]


def second_table(made: Made, change: Callable[[dict], None]) -> list[str]:
    """A copy of the table under another name, changed; both names."""
    for ending in ("json", "npz"):
        shutil.copyfile(made.plan.results / f"ranker-{BENCH.name}.{ending}", made.plan.results / f"ranker-b.{ending}")
    record = made.record
    change(record)
    (made.plan.results / "ranker-b.json").write_text(json.dumps(record))
    return [BENCH.name, "b"]


def test_all_users_of_all_benchmarks_are_pooled_in_one_bootstrap(copied: Made) -> None:
    path, sentence = keep_pooled(second_table(copied, lambda _: None), copied.plan.results)
    assert path is not None
    pooled = json.loads(path.read_text())
    one, both = (record["gain"]["NDCG@10"][CLAIM] for record in (copied.record, pooled))
    assert both["n_users"] == 180
    assert both["absolute"]["mean"] == pytest.approx(one["absolute"]["mean"], abs=2e-5)
    # Twice the users: the interval is narrower.
    widths = [np.diff(gain["absolute"]["ci95"])[0] for gain in (both, one)]
    assert widths[0] < 0.8 * widths[1]
    assert pooled["claim"] == {"pooled interval above 0": True, "no benchmark's interval below 0": True}
    assert sentence.startswith(f"pooled, {CLAIM}: +")


def test_a_benchmark_that_loses_is_not_hidden_by_the_pool(copied: Made) -> None:
    def losing(record: dict) -> None:
        record["gain"]["NDCG@10"][CLAIM]["absolute"]["ci95"] = [-0.2, -0.1]

    path, _ = keep_pooled(second_table(copied, losing), copied.plan.results)
    assert path is not None
    assert not json.loads(path.read_text())["claim"]["no benchmark's interval below 0"]


def test_tables_that_are_missing_or_of_another_kind_are_not_pooled(copied: Made) -> None:
    assert keep_pooled([BENCH.name, "c"], copied.plan.results) == (None, "not pooled: no table of c is kept")
    names = second_table(copied, lambda record: record["how"].update(slate_size=30))
    path, why = keep_pooled(names, copied.plan.results)
    assert path is None
    assert "different seeds, bases or slates" in why


def test_a_gain_is_a_mean_difference_and_a_quotient_of_means() -> None:
    nan = float("nan")
    gain = Gain.of(np.array([0.6, 0.2, nan, 0.4]), np.array([0.5, 0.0, 0.3, 0.3]))
    assert gain.n_users == 3
    assert gain.absolute.mean == pytest.approx(0.4 / 3)
    assert gain.relative.mean == pytest.approx(1.2 / 0.8 - 1)
    assert gain.absolute.ci95 == pytest.approx((0.1, 0.2), abs=1e-6)


def test_a_gain_of_the_same_share_for_everybody_has_no_spread() -> None:
    control = np.array([0.1, 0.4, 0.5])
    assert Gain.of(1.1 * control, control).relative.ci95 == pytest.approx((0.1, 0.1))


def test_fewer_users_are_tested_and_all_are_learned_from() -> None:
    cut = circle_walkers()
    fewer = with_fewer_users(cut, 10)
    [validation], [test] = fewer.splits[0].validation, fewer.splits[0].test
    assert np.array_equal(validation.users, test.users)
    assert len(test.users) == len(np.unique(test.users)) == 10
    assert len(test.fit_on) == len(cut.splits[0].test[0].fit_on)
    assert with_fewer_users(cut, 90) is cut


def test_the_retriever_is_what_a_fresh_install_serves_unless_a_file_says_otherwise(tmp_path: Path) -> None:
    cut = circle_walkers()
    assert retriever_settings(cut, None).models.hybrid_parts == Settings().models.hybrid_parts
    games = replace(cut, bench=GAIN_BENCHES["amazon-games-leave-last-out"].bench)
    assert retriever_settings(games, None).models.itemknn_neighbours == 1000
    own = tmp_path / "own.toml"
    own.write_text('[models]\nhybrid_parts = ["ease"]\n')
    assert retriever_settings(cut, own).models.hybrid_parts == ("ease",)


def test_unknown_benchmarks_and_presets_of_other_modes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no benchmark is called 'films'"):
        main(["verify", "--data", str(tmp_path), "--bench", "films"])
    other = tmp_path / "other.toml"
    other.write_text('mode = "isolated"\n[objectives]\nisolated = 1.0\n')
    with pytest.raises(SystemExit, match="trains isolated adapters"):
        main(["run", "--data", str(tmp_path), "--config", str(other)])


def test_errors_end_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="error: "):
        main(["run", "--data", str(tmp_path), "--config", str(tmp_path / "none.toml")])


def tasters(n_users: int = 80) -> Cut:
    """Each user stays with the items that begin with one word, new ones too; a tenth of the items is new at a time."""
    words = ("storm", "harbour", "lantern", "orchard")
    catalogue = Catalogue(Item(ItemId(str(n)), f"{words[n % 4]} {n}") for n in range(60))
    rng = np.random.default_rng(0)
    rows = [
        Interaction(UserId(str(user)), ItemId(str(4 * place + user % 4)), 1.0, float(at))
        for user in range(n_users)
        for at, place in enumerate(rng.permutation(15)[:8].tolist())
    ]
    data = prepared(catalogue, Interactions.from_rows(rows, catalogue), core=0)
    cut = (split(data.interactions, protocol="cold-items"),)
    return Cut(replace(BENCH, protocol="cold-items"), data, cut, has_order=True)


def test_new_items_are_ordered_by_their_texts_and_no_network_is_trained_twice(base: Path, tmp_path: Path) -> None:
    cold = ColdItems(tasters(), Settings().changed(POPULAR), training(base), 6.0, tmp_path)
    found = cold.measured(2)
    assert found["n_users"] == sum(len(task.users) for task in cold.cut.splits[0].test[:2])
    assert found["NDCG@10"]["lm"]["mean"] > 1.2 * found["NDCG@10"]["random_order"]["mean"]
    assert found["NDCG@10"]["fused"]["mean"] >= found["NDCG@10"]["fused_without_lm"]["mean"]
    assert keep(found, tmp_path).name == "ranker-cold-items.json"
    kept = sorted(tmp_path.glob("cold-items/*.npz"))
    assert len(kept) == 2
    before = [path.stat().st_mtime_ns for path in kept]
    assert cold.measured(2)["NDCG@10"] == found["NDCG@10"]
    assert [path.stat().st_mtime_ns for path in kept] == before
