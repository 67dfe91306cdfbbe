"""A model that knows what the retriever does not gains by its learned weight; one that says nothing loses nothing."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Part, Split, split
from llmrec.evaluation.catalogue_views import with_ids_alone, with_shuffled_texts
from llmrec.evaluation.fitting import Voice, Workshop
from llmrec.evaluation.learned_fusion import learned_fusion, require_fusion_file
from llmrec.evaluation.results import Evaluation
from llmrec.evaluation.run import Plan, evaluate
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompting.rank_prompt import IsolatedPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.isolated import IsolatedLimits, IsolatedRanker
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import CandidateScores, Interaction, Item, ItemId, Prompt, UserId

TASTES = ("storm", "harbour", "lantern", "orchard")
CATALOGUE = Catalogue(Item(ItemId(str(n)), f"{TASTES[n % 4]} {n}") for n in range(40))
POPULAR = ["retrieval.dense=0", "retrieval.bm25=0", "retrieval.hybrid=0", "retrieval.popularity=1"]


@cache
def cut() -> Split:
    """Users who like what is popular, and what begins with one word."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(120):
        liking = np.array([8.0 if n % 4 == user % 4 else 1.0 for n in range(40)]) / (1 + np.arange(40) / 10)
        met = rng.choice(40, size=6, replace=False, p=liking / liking.sum())
        rows += [Interaction(UserId(str(user)), ItemId(str(n)), 1.0, float(at)) for at, n in enumerate(met)]
    return split(Interactions.from_rows(rows, CATALOGUE), protocol="leave-last-out")


def reads(prompt: Prompt, text: str) -> float:
    """How often the first word of a candidate stands in the prompt."""
    return float(sum(message.content.count(text.split()[0]) for message in prompt.messages))


def says_nothing(prompt: Prompt, text: str) -> float:
    return float(sum(map(ord, text)) * 7919 % 101)


class Model(ScriptedModel):
    """Counts what it is asked."""

    n_asked = 0

    def score_candidates(self, prompt: Prompt, candidates: Sequence[str], *, timeout_s: float) -> CandidateScores:
        self.n_asked += 1
        return super().score_candidates(prompt, candidates, timeout_s=timeout_s)


def run(
    model: ScriptedModel,
    *stages: str,
    part: Part = "test",
    limit: int | None = None,
    measured: ScriptedModel | None = None,
) -> Evaluation:
    prompt = IsolatedPrompt(PromptLibrary.load()["rank_isolated"])

    def voice(catalogue: Catalogue, model: ScriptedModel = model) -> Voice:
        ranker = IsolatedRanker(model, prompt, catalogue, limits=IsolatedLimits(max_prompt_tokens=4096))
        return Voice(lambda: ranker)

    settings = Settings().changed(POPULAR)
    vectors = HashingEmbedder(8).embed([item.title for item in CATALOGUE.values()], kind="document")
    context = StageContext(CATALOGUE, settings, vectors=lambda: ExactVectorStore(CATALOGUE.ids, vectors))
    voices = {
        "lm": replace(voice(CATALOGUE), measured=voice(CATALOGUE, measured) if measured else None),
        "lm_base": voice(CATALOGUE),
        "lm_shuffled_titles": voice(with_shuffled_texts(CATALOGUE, seed=0)),
        "lm_ids": voice(with_ids_alone(CATALOGUE)),
    }
    plan = Plan(stages, part, (0,), limit)
    return evaluate([cut()], plan, Workshop(context, voices), name="words", core=0)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_model_that_reads_gains_over_the_same_fusion_without_it(part: Part) -> None:
    found = run(ScriptedModel(judge=reads), "retrieval", "fused_without_lm", "fused", "lm", part=part)
    weights = found.stages["fused"].overall
    assert weights["weight:lm"] > 0.5
    assert "weight:lm" not in found.stages["fused_without_lm"].overall
    gain = next(
        one for one in found.differences if (one.a, one.b, one.metric) == ("fused_without_lm", "fused", "NDCG@10")
    )
    assert gain.ci95[1] < 0


def test_a_model_that_says_nothing_is_given_no_weight_and_takes_nothing_away() -> None:
    found = run(ScriptedModel(judge=says_nothing), "retrieval", "fused_without_lm", "fused")
    assert found.stages["fused"].overall.get("weight:lm", 0.0) == 0
    fused, without = (found.stages[name].per_user["NDCG@10"].tolist() for name in ("fused", "fused_without_lm"))
    assert fused == without


def test_other_texts_take_the_models_knowledge_away() -> None:
    stages = run(ScriptedModel(judge=reads), "lm", "lm_base", "lm_shuffled_titles", "lm_ids", "random_order").stages
    held = {name: stage.estimates["NDCG@10|slate"].mean for name, stage in stages.items()}
    assert held["lm"] == held["lm_base"]
    assert held["lm"] > 1.3 * held["random_order"]
    assert held["lm"] > 1.2 * held["lm_shuffled_titles"]
    assert held["lm"] > 1.2 * held["lm_ids"]


def test_only_validation_slates_that_hold_the_answer_are_learned_from_and_nobody_twice() -> None:
    model = Model(judge=reads)
    found = run(model, "lm", "fused", part="validation")
    assert model.n_asked == len(found.users)
    tested = Model(judge=reads)
    n_held = np.nansum(found.stages["lm"].per_user["R@slate"])
    run(tested, "fused")
    assert tested.n_asked == len(found.users) + n_held
    silent = Model(judge=reads)
    run(silent, "retrieval", "fused_without_lm", "random_order", "oracle")
    assert silent.n_asked == 0


def test_a_limit_holds_for_those_learned_from_too() -> None:
    model = Model(judge=reads)
    run(model, "fused", limit=10)
    assert model.n_asked <= 20


def test_probabilities_are_judged_as_they_are_and_at_the_learned_temperature() -> None:
    lm = run(ScriptedModel(judge=lambda prompt, text: 40 * reads(prompt, text)), "lm").stages["lm"]
    assert lm.overall["temperature"] > 5
    assert lm.overall["ECE|T"] < lm.overall["ECE"]
    assert lm.estimates["NLL|T"].mean < lm.estimates["NLL"].mean
    assert lm.per_user["answered"].tolist() == [1.0] * 120


def test_what_was_learned_can_be_served_with(tmp_path: Path) -> None:
    found = run(ScriptedModel(judge=reads), "fused", part="validation")
    learned = learned_fusion(found, source="popularity")
    assert learned.weights["lm"] == found.stages["fused"].overall["weight:lm"]
    assert learned.hears_model
    require_fusion_file(tmp_path / "fusion.json", Plan(("fused",), seeds=(0,)))
    learned.save(tmp_path / "fusion.json")
    require_fusion_file(tmp_path / "fusion.json", Plan(("fused",), seeds=(0,)))  # an earlier one is replaced
    assert not learned_fusion(run(ScriptedModel(judge=says_nothing), "fused"), source="popularity").hears_model


def test_a_model_that_has_learned_the_validation_answers_is_not_asked_about_them() -> None:
    knows_all, before = Model(judge=reads), Model(judge=says_nothing)
    found = run(knows_all, "lm", "fused", measured=before)
    assert found.stages["fused"].overall.get("weight:lm", 0.0) == 0  # the one before it said nothing worth a weight
    assert knows_all.n_asked == len(found.users)
    on_validation = run(knows_all, "lm", part="validation", measured=before)
    assert knows_all.n_asked == len(found.users)
    assert on_validation.stages["lm"].estimates["NDCG@10"].mean < found.stages["lm"].estimates["NDCG@10"].mean
