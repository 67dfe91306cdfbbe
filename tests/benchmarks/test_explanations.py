"""The benchmark of explanations: what it counts, and the lies that its checker finds."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.explanation_bench import ALIKE, CITED, LOWER, MORE, SHARED, Bench, K, cited, without
from benchmarks.explanation_check import Sources, faults
from benchmarks.explanations import Coin
from llmrec.build import Overrides, assemble, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.explanation.evidence import sentence
from llmrec.explanation.phrasing import LMPhraser
from llmrec.language_model.scripted import ScriptedChooser
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Evidence,
    History,
    Interaction,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Recommendation,
    UserId,
    WishEntry,
)

LOVED_ALIEN = Evidence(
    "shared_fact", "it shares Horror with Alien (1979), which you loved", "genres", "Horror", ItemId("2")
)
FITS = Evidence("wish", '"scary" fits its description', "description", "scary")
FROM_1996 = Evidence("constraint", "it is from 1996, within 1990 to 1999", "year", "1996")
LIFTED = Evidence(
    "contribution", "it scores higher thanks to Heat (1995), which is in your history", item_id=ItemId("9")
)
QUERY = Query(
    profile=Profile(
        liked=(ItemEntry(ItemId("2"), 0),),
        wishes=(WishEntry("a scary film", 0),),
        constraints=tuple(
            ConstraintEntry(Constraint("year", op, year), 0) for op, year in (("$gte", 1990), ("$lte", 1999))
        ),
    ),
    history=History((Interaction(UserId("ann"), ItemId("9")),)),
)


@pytest.fixture
def sources(films: Catalogue) -> Sources:
    return Sources(films, {ItemId("6"): 3}, lambda one, other: 0.9, lambda query, item_id, source: True)


def card(*evidence: Evidence, text: str = "") -> Recommendation:
    return Recommendation(ItemId("6"), "Scream (1996)", 1.0, 1, "retrieval", text or sentence(evidence), evidence)


@pytest.mark.parametrize(
    "evidence", [(LOVED_ALIEN,), (FITS,), (FROM_1996,), (LIFTED,), (FROM_1996, FITS, LOVED_ALIEN), (FITS, LIFTED), ()]
)
def test_the_truth_has_no_fault(sources: Sources, evidence: tuple[Evidence, ...]) -> None:
    assert faults(card(*evidence), QUERY, sources) == []


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (replace(LOVED_ALIEN, value="Romance"), "untrue"),
        (replace(LOVED_ALIEN, item_id=ItemId("9")), "untrue"),
        (
            replace(LOVED_ALIEN, text="it shares Horror with Heat (1995), which you loved", item_id=ItemId("9")),
            "untrue",
        ),
        (replace(FITS, value="bleak"), "untrue"),
        (replace(FROM_1996, value="1995"), "untrue"),
        (Evidence("popularity", "9 people here have chosen it", value="9"), "untrue"),
        (Evidence("wish", 'it scores higher thanks to your words "sad"', value="sad"), "untrue"),
    ],
)
def test_evidence_that_is_not_so_is_a_fault(sources: Sources, evidence: Evidence, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(card(evidence), QUERY, sources))


def test_a_lift_that_the_pipeline_does_not_show_is_a_fault(sources: Sources) -> None:
    unlifted = replace(sources, lifts=lambda query, item_id, source: False)
    assert faults(card(LIFTED), QUERY, unlifted) == [f"untrue: {LIFTED.text}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Shares Horror with Alien (1979), which you loved, directed by Wes Craven.", "directed by wes craven"),
        ("Shares Horror with Alien (1979) and Heat (1995), which you loved.", "heat 1995"),
        ("Shares Horror and Comedy with Alien (1979), which you loved.", "comedy"),
        ("Shares Horror with Alien (1979), which you loved, from 1996.", "from 1996"),
        ("Shares Horror with Alien (1979), which you loved, and wins awards.", "wins awards"),
        ("Scores higher thanks to Alien (1979), which you loved.", "scores higher thanks to"),
    ],
)
def test_words_without_evidence_are_faults(sources: Sources, text: str, words: str) -> None:
    found = faults(card(LOVED_ALIEN, text=text), QUERY, sources)
    assert found == [f"uncovered: {word}" for word in words.split()]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("It shares Horror with Heat and scores higher thanks to Alien.", ["Horror"]),
        ("It shares Horror with Alien, which is in your history.", ["Alien (1979)"]),
        ("It shares Horror with Alien, one you loved, and scores higher because of Heat from your history.", []),
        (
            "You loved Alien, and this one has Horror too; it scores higher thanks to Heat, which you loved.",
            ["Heat (1995)"],
        ),
    ],
)
def test_what_is_said_of_another_title_is_a_fault(sources: Sources, text: str, what: list[str]) -> None:
    assert faults(card(LOVED_ALIEN, LIFTED, text=text), QUERY, sources) == [f"misplaced: {one}" for one in what]


def test_a_user_is_counted_once_for_each_way_of_citing(films: Catalogue, interactions: Interactions) -> None:
    overrides = Overrides(encoder=HashingEmbedder())
    settings = Settings().changed(["language_model.model=none"])
    fitted = fit_tables(films, interactions, settings=settings, name="films", overrides=overrides)
    bench = Bench(fitted, assemble(fitted, overrides), seed=0)
    bench.counterfactual(UserId("ann"))
    bench.conversation(UserId("bob"), "horror from the 90s")
    assert {key: len(values) for key, values in bench.tally.cases.items()} == {
        (way, what): 1 for way in (CITED, SHARED, ALIKE) for what in (LOWER, MORE)
    }
    assert bench.tally.n["shown"] == K
    assert bench.tally.faults == []
    assert bench.tally.n["checked"] == bench.tally.n["true and covered"] > K


def test_what_a_model_phrases_is_counted_with_its_shapes(films: Catalogue, interactions: Interactions) -> None:
    overrides = Overrides(encoder=HashingEmbedder(), language_model=ScriptedChooser(["Worth"]))
    settings = Settings().changed(["ranking.lm_weight=0"])
    fitted = fit_tables(films, interactions, settings=settings, name="films", overrides=overrides)
    bench = Bench(fitted, assemble(fitted, overrides), seed=0)
    coin = LMPhraser(Coin(np.random.default_rng(0)), fitted.prompts["explain"], films, timeout_s=1.0)
    bench.phrasing(UserId("bob"), "horror from the 90s", coin)
    assert bench.tally.n["phrasing: shown"] > 0
    assert bench.tally.n["phrasing: written by the model"] == 0
    assert bench.tally.n["phrasing: chosen by the model"] == len(bench.tally.shapes) > 0
    assert not any("Scream" in shape or "199" in shape for shape in bench.tally.shapes)
    assert bench.tally.faults == []


def test_what_is_taken_out_is_neither_known_nor_shown() -> None:
    less = without(QUERY, ItemId("9"))
    assert less.positive_item_ids == ("2",)
    assert [entry.item_id for entry in less.profile.seen] == ["9"]
    assert without(QUERY, ItemId("2")).positive_item_ids == ("9",)


def test_each_cited_item_counts_once() -> None:
    assert cited(card(LOVED_ALIEN, FITS, LOVED_ALIEN, LIFTED)) == ["2", "9"]


def test_a_coin_takes_any_of_its_texts() -> None:
    coin = Coin(np.random.default_rng(0))
    thrown = {coin.choose([], [["a", "b"]], timeout_s=1.0)[0].text for _ in range(20)}
    assert thrown == {"a", "b"}
    assert coin.choose([], [[]], timeout_s=1.0)[0].text == ""
