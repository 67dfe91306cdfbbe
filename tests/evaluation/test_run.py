"""A run measures every stage on every task, averages seeds user by user, and never shows an answer to a stage."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Protocol, Split, Ties, split
from llmrec.errors import ConfigError
from llmrec.evaluation.beyond_accuracy import Popularity, tie_keys
from llmrec.evaluation.fitting import TaskStages, Voice, Workshop
from llmrec.evaluation.measuring import Ground, measure
from llmrec.evaluation.results import Evaluation
from llmrec.evaluation.run import Plan, evaluate
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.item_vectors import embed_resumable
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, Label, Prompt, UserId

CATALOGUE = Catalogue(
    Item(ItemId(str(number)), title, {}, f"about {title}")
    for number, title in enumerate(["ant", "bee", "cow", "dog", "elk"], start=1)
)
ROWS = {"ann": "123", "bob": "132", "cat": "314"}  # the last one is asked for, the one before it on validation


def met(rows: dict[str, str] = ROWS, *, tied: bool = False) -> Interactions:
    return Interactions.from_rows(
        (
            Interaction(UserId(user), ItemId(item), 1.0, 0.0 if tied else float(at))
            for user, items in rows.items()
            for at, item in enumerate(items)
        ),
        CATALOGUE,
    )


def cut(
    protocol: Protocol = "leave-last-out", *, ties: Ties = "file", seed: int = 0, rows: dict[str, str] = ROWS
) -> Split:
    return split(met(rows, tied=ties == "random"), protocol=protocol, ties=ties, seed=seed, n_folds=2)


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> ExactVectorStore:
    found = embed_resumable(CATALOGUE, HashingEmbedder(), tmp_path_factory.mktemp("vectors"))
    return ExactVectorStore(CATALOGUE.ids, found)


@pytest.fixture
def workshop(vectors: ExactVectorStore) -> Workshop:
    return Workshop(StageContext(CATALOGUE, Settings(), vectors=lambda: vectors))


def run(workshop: Workshop, *stages: str, splits: Sequence[Split] | None = None, **plan: object) -> Evaluation:
    return evaluate(splits or [cut()], Plan(stages, **plan), workshop, name="animals", core=0)


class Titles:
    """A model's taste: it likes items by their title, and counts how often it is asked."""

    def __init__(self, favourites: str) -> None:
        self.favourites = favourites.split()
        self.n_asked = 0

    def __call__(self, prompt: Prompt, labels: Sequence[Label]) -> Sequence[float]:
        self.n_asked += 1
        shown = dict(line.split(". ", 1) for line in prompt.messages[-1].content.splitlines() if ". " in line[:4])
        return [self.score(shown.get(label, "")) for label in labels]

    def score(self, text: str) -> float:
        return next((-float(n) for n, title in enumerate(self.favourites) if text.startswith(title)), -9.0)


def with_model(workshop: Workshop, taste: Titles, *, n_orders: int = 1) -> Workshop:
    settings = Settings().changed(["ranking.slate_size=3", "ranking.lm_weight=100"])
    ranker = ListwiseRanker(
        ScriptedModel(score=taste),
        RankPrompt(PromptLibrary.load()["rank"]),
        CATALOGUE,
        limits=ListwiseLimits(max_slate=3, n_orders=n_orders),
    )
    return Workshop(replace(workshop.context, settings=settings), {"lm": Voice(lambda: ranker)})


def test_popularity_is_measured_by_hand(workshop: Workshop) -> None:
    # Learned from: ann 1 2, bob 1 3, cat 3 1; so 1 was met 3 times, 3 twice, 2 once, 4 and 5 never.
    # ann is asked for 3 before 4 and 5: rank 1. bob for 2: rank 1. cat for 4, behind 2 and tied with 5: rank 2.5.
    found = run(workshop, "popularity")
    assert found.users == ("ann", "bob", "cat")
    popularity = found.stages["popularity"]
    assert popularity.per_user["NDCG@10"].tolist() == pytest.approx([1.0, 1.0, 1 / np.log2(3.5)])
    assert popularity.per_user["R@1"].tolist() == [1.0, 1.0, 0.0]
    assert found.popularity.tolist() == [3.0, 1.0, 2.0, 0.0, 0.0]
    # All three unseen items of each user are among the first 10: 3 4 5, 2 4 5, 2 4 5.
    assert popularity.exposure.tolist() == [0.0, 2.0, 1.0, 3.0, 3.0]
    assert popularity.overall["coverage@10"] == pytest.approx(4 / 5)
    assert popularity.seconds.keys() == {"fit", "score", "p50", "p95", "p99"}


def test_validation_asks_for_the_item_before(workshop: Workshop) -> None:
    # Learned from: ann 1, bob 1, cat 3. cat is asked for 1, the most met; ann for 2, behind 3 and tied with 4 and 5.
    found = run(workshop, "popularity", part="validation").stages["popularity"]
    assert found.per_user["NDCG@10"].tolist() == pytest.approx([1 / np.log2(4), 1.0, 1.0])


def test_the_record_says_what_was_measured(workshop: Workshop) -> None:
    record = run(workshop, "popularity", seeds=(0, 1)).protocol
    assert (record.protocol, record.part, record.ties, record.core) == ("leave-last-out", "test", "file", 0)
    assert (record.data.name, record.data.n_users, record.data.n_items, record.seeds) == ("animals", 3, 5, (0, 1))


def test_every_stage_is_compared_with_the_best_or_the_reference(workshop: Workshop) -> None:
    found = run(workshop, "popularity", "ease", "bm25")
    best = max(found.stages.values(), key=lambda stage: stage.estimates["NDCG@10"].mean).name
    assert {one.b for one in found.differences} == {best}
    named = run(workshop, "popularity", "ease", reference="popularity")
    assert [(one.a, one.b, one.metric) for one in named.differences] == [
        ("ease", "popularity", "NDCG@10"),
        ("ease", "popularity", "R@10"),
    ]


def test_random_ties_are_averaged_by_user_over_cuts(workshop: Workshop) -> None:
    splits = [cut(ties="random", seed=seed) for seed in range(4)]
    together = run(workshop, "popularity", splits=splits, seeds=(0, 1, 2, 3)).stages["popularity"]
    alone = [run(workshop, "popularity", splits=[one], seeds=(0,)).stages["popularity"] for one in splits]
    by_user = np.mean([one.per_user["NDCG@10"] for one in alone], axis=0)
    assert together.per_user["NDCG@10"].tolist() == pytest.approx(by_user.tolist())
    assert len({tuple(one.per_user["NDCG@10"].tolist()) for one in alone}) > 1


def test_cold_items_are_ranked_among_themselves_and_among_all(workshop: Workshop) -> None:
    rows = {"ann": "1253", "bob": "1342", "cat": "3154", "dan": "2431", "eve": "4125"}
    found = run(workshop, "popularity", "bm25", splits=[cut("cold-items", rows=rows)])
    assert list(found.stages) == ["popularity@cold", "popularity@all", "bm25@cold", "bm25@all"]
    assert found.users == ("ann", "bob", "cat", "dan", "eve")
    for name in ("popularity", "bm25"):
        alone, all_items = (found.stages[f"{name}@{kind}"].per_user["MRR@10"] for kind in ("cold", "all"))
        assert not np.isnan(alone).any()
        assert (alone >= all_items).all()
    # Whoever counts interactions cannot tell cold items apart: all of them are tied.
    assert found.stages["popularity@cold"].per_user["AUC"][~np.isnan(alone)].tolist() == pytest.approx([0.5] * 5)
    assert {(one.a.partition("@")[2], one.b.partition("@")[2]) for one in found.differences} == {
        ("cold", "cold"),
        ("all", "all"),
    }


def test_some_of_the_users_get_what_they_get_among_all(workshop: Workshop) -> None:
    everybody = run(workshop, "popularity")
    some = run(workshop, "popularity", limit_users=2)
    assert len(some.users) == 2
    of_all = dict(zip(everybody.users, everybody.stages["popularity"].per_user["NDCG@10"], strict=True))
    assert some.stages["popularity"].per_user["NDCG@10"].tolist() == [of_all[user] for user in some.users]
    assert any("Tested: 2 users, drawn with seed 0" in note for note in some.notes)
    assert (everybody.protocol.limit_users, some.protocol.limit_users) == (None, 2)


@pytest.mark.parametrize("limit", [3, 4])
def test_a_limit_that_leaves_nobody_out_is_none(workshop: Workshop, limit: int) -> None:
    everybody, found = run(workshop, "popularity"), run(workshop, "popularity", limit_users=limit)
    assert (found.protocol, found.users, found.notes) == (everybody.protocol, everybody.users, everybody.notes)


def test_batches_of_one_user_give_the_same(workshop: Workshop) -> None:
    [task] = cut().test
    ground = Ground(task, Popularity.of(task.fit_on), tie_keys(CATALOGUE.ids, seed=0), None)
    stage = TaskStages(workshop, task, seed=0).fitted("ease")
    done: list[int] = []
    one_by_one, _ = measure(stage, ground, advance=done.append, batch_bytes=1)
    at_once, _ = measure(stage, ground, advance=lambda _: None)
    assert done == [1, 1, 1]
    for metric, values in at_once[""].per_user.items():
        np.testing.assert_array_equal(one_by_one[""].per_user[metric], values)
    assert one_by_one[""].lists.tolist() == at_once[""].lists.tolist()


def test_the_candidates_of_the_later_stages_are_fused_by_rank(workshop: Workshop) -> None:
    # Popularity alone: ranks 1, 2, ... of what somebody met; what nobody met shares the lowest score.
    alone = ["dense", "bm25", "hybrid"]
    settings = Settings().changed([f"retrieval.{name}=0" for name in alone])
    found = run(Workshop(replace(workshop.context, settings=settings)), "popularity", "fused_without_lm")
    fused, popularity = (found.stages[name].per_user["NDCG@10"] for name in ("fused_without_lm", "popularity"))
    assert fused.tolist() == popularity.tolist()


@pytest.mark.parametrize(
    ("chosen", "heard"),
    [
        ([], {"hybrid"}),
        (["retrieval.hybrid=0", "retrieval.ease=1"], {"dense", "popularity", "ease"}),
    ],
)
def test_the_fused_parts_are_those_a_recommender_asks_for_users_who_say_nothing(
    workshop: Workshop, chosen: list[str], heard: set[str]
) -> None:
    settings = Settings().changed(chosen)
    assert Workshop(replace(workshop.context, settings=settings)).fusion_weights.keys() == heard


def test_words_alone_have_no_candidates_for_users_who_say_nothing(workshop: Workshop) -> None:
    settings = Settings().changed([f"retrieval.{name}=0" for name in ("dense", "hybrid", "popularity")])
    with pytest.raises(ConfigError, match="no retriever with a weight answers users who say nothing"):
        run(Workshop(replace(workshop.context, settings=settings)), "fused_without_lm")


def test_the_model_orders_the_slate_and_nothing_else(workshop: Workshop) -> None:
    taste = Titles("cow bee dog")  # ann's answer, bob's, cat's
    found = run(with_model(workshop, taste), "retrieval", "fused_without_lm", "lm", "fused", seeds=(0,))
    assert found.stages["lm"].per_user["NDCG@10"][:2].tolist() == [1.0, 1.0]
    # Each user has three unseen items, so all of them are on the slate; cat is asked for dog, and bee is liked more.
    assert found.stages["lm"].per_user["MRR@10"][2] == 0.5
    # From three validation users nothing is learned, so nothing but the retriever is used.
    for fused in ("fused", "fused_without_lm"):
        assert (
            found.stages[fused].per_user["NDCG@10"].tolist() == found.stages["retrieval"].per_user["NDCG@10"].tolist()
        )
    # Three tested users, and for the model's temperature the two slates of the validation that hold their answer.
    assert taste.n_asked == 5


def test_the_oracle_has_every_answer_first_that_is_on_a_slate_and_no_other(workshop: Workshop) -> None:
    # Most met: 1, 3, 2. ann is asked for 3 and bob for 2, each the first of the two on the slate; cat, who met 3 and 1,
    # for 5, and her slate is 2 and 4.
    alone = [f"retrieval.{name}=0" for name in ("dense", "bm25", "hybrid")]
    settings = Settings().changed([*alone, "ranking.slate_size=2"])
    popular = Workshop(replace(workshop.context, settings=settings))
    split = cut(rows={**ROWS, "cat": "315"})
    found = run(popular, "retrieval", "oracle", "random_order", splits=[split], seeds=(0,))
    assert found.stages["oracle"].per_user["NDCG@10"].tolist() == [1.0, 1.0, 0.5]
    for stage in found.stages.values():
        assert stage.per_user["R@slate"].tolist() == [1.0, 1.0, 0.0]
        held = stage.per_user["NDCG@10|slate"]
        assert held[:2].tolist() == stage.per_user["NDCG@10"][:2].tolist()
        assert np.isnan(held[2])
    # Nobody is compared with a ceiling.
    assert {difference.b for difference in found.differences} == {"retrieval"}
    assert {difference.metric for difference in found.differences} == {"NDCG@10", "R@10", "NDCG@10|slate"}


def test_any_order_is_drawn_anew_by_each_seed(workshop: Workshop) -> None:
    def ndcg(*seeds: int) -> list[float]:
        return run(workshop, "random_order", seeds=seeds).stages["random_order"].per_user["NDCG@10"].tolist()

    assert ndcg(0) == ndcg(0)
    assert len({tuple(ndcg(seed)) for seed in range(6)}) > 1
    assert ndcg(0, 1) == pytest.approx(np.mean([ndcg(0), ndcg(1)], axis=0).tolist())


def test_the_models_beliefs_are_calibrated_on_the_slate(workshop: Workshop) -> None:
    found = run(with_model(workshop, Titles("cow bee dog")), "lm", "fused")
    assert {"ECE"} <= found.stages["lm"].overall.keys()
    # Logits 0, -2, -9 (cow, dog, elk) for ann, whose answer is cow.
    chances = np.exp([0.0, -2.0, -9.0]) / np.exp([0.0, -2.0, -9.0]).sum()
    brier = (chances[0] - 1) ** 2 + chances[1] ** 2 + chances[2] ** 2
    assert found.stages["lm"].per_user["Brier"][0] == pytest.approx(brier, abs=1e-6)
    assert "Brier" not in found.stages["fused"].per_user


def test_how_often_the_model_flips_pairs_is_told_where_it_is_shown_two_orders(workshop: Workshop) -> None:
    taste = Titles("cow bee dog")
    assert "order_flips" not in run(with_model(workshop, taste), "lm").stages["lm"].per_user
    # It reads titles alone, so no order moves it.
    twice = run(with_model(workshop, taste, n_orders=2), "lm", "fused").stages
    assert twice["lm"].per_user["order_flips"].tolist() == [0.0, 0.0, 0.0]
    assert "order_flips" not in twice["fused"].per_user


def test_what_cannot_be_run_is_said(workshop: Workshop) -> None:
    with pytest.raises(ConfigError, match=r"no stage is called 'popularty'\. Did you mean 'popularity'\?"):
        run(workshop, "popularty")
    with pytest.raises(ConfigError, match="the stage 'fused' needs a language model"):
        run(workshop, "ease", "fused")
    with pytest.raises(ConfigError, match="the reference 'ease' is not among the stages popularity"):
        run(workshop, "popularity", reference="ease")
    with pytest.raises(ConfigError, match="limit_users is 0"):
        run(workshop, "popularity", limit_users=0)
    with pytest.raises(ConfigError, match="at least one stage and one seed"):
        run(workshop)
    with pytest.raises(ConfigError, match="2 cuts do not fit 3 seeds"):
        run(workshop, "popularity", splits=[cut(), cut()])


def test_closed_forms_run_once_a_cut(workshop: Workshop) -> None:
    once, thrice = (run(workshop, "ease", seeds=seeds).stages["ease"] for seeds in ((0,), (0, 1, 2)))
    assert once.per_user["NDCG@10"].tolist() == thrice.per_user["NDCG@10"].tolist()
    assert once.exposure.tolist() == thrice.exposure.tolist()


def test_what_is_trained_runs_once_a_seed(workshop: Workshop) -> None:
    small = ["dim=4", "n_heads=1", "n_blocks=1", "max_epochs=1", "max_length=3"]
    settings = Settings().changed([f"models.sequential_{setting}" for setting in small])
    trained = Workshop(replace(workshop.context, settings=settings))
    for stage in ("sasrec", "text_sequential"):
        together = run(trained, stage, seeds=(0, 1)).stages[stage].per_user["AUC"]
        alone = [run(trained, stage, seeds=(seed,)).stages[stage].per_user["AUC"] for seed in (0, 1)]
        assert together.tolist() == pytest.approx(np.mean(alone, axis=0).tolist())


def test_only_what_is_asked_for_is_computed(workshop: Workshop) -> None:
    def never() -> ExactVectorStore:
        raise AssertionError("nobody asked for texts")

    found = run(Workshop(replace(workshop.context, vectors=never)), "popularity", "ease")
    assert not any(metric.startswith("diversity") for metric in found.stages["ease"].per_user)
    assert "Diversity is left out: no stage needed the items' vectors." in found.notes
