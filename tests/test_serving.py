"""Users get their arm of a running experiment, and what they are shown says which."""

import logging
import time
from pathlib import Path

import pytest

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.experiments.definition import EXPERIMENTS_FILE, new_experiment, start, stop
from llmrec.experiments.learned import write_tallies
from llmrec.experiments.thompson import Tally
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings
from llmrec.types import UserId
from tests.test_recommender import events, table

USERS = [f"visitor {number}" for number in range(20)]
POPULAR = {"name": "popular", "settings": ("retrieval.popularity=100", "retrieval.dense=0", "retrieval.bm25=0")}


@pytest.fixture(scope="module")
def learned(films: Catalogue, interactions: Interactions) -> Recommender:
    settings = Settings().changed(["language_model.model=none", "retrieval.hybrid=0", "retrieval.ease=1"])
    recommender = Recommender(settings, overrides=Overrides(encoder=HashingEmbedder()))
    return recommender.fit(table(films), events(interactions))


@pytest.fixture
def directory(learned: Recommender, tmp_path: Path) -> Path:
    learned.save_pretrained(tmp_path / "films")
    return tmp_path / "films"


def opened(directory: Path, *settings: str) -> Recommender:
    overrides = Overrides(encoder=HashingEmbedder(), settings=settings)
    return Recommender.from_pretrained(directory, overrides=overrides)


def begin(directory: Path, *, design: str = "split", settings: tuple[str, ...] = POPULAR["settings"]) -> None:
    arms = [{"name": "now"}, {"name": "popular", "settings": settings}]
    start(directory, new_experiment(name="crowd", arms=arms, design=design, started_at=time.time()))


def tags(recommender: Recommender, user: str) -> set[str]:
    return {card.placement.arm for card in recommender.for_user(user).recommend(k=3)}


def test_each_user_has_one_arm_and_all_arms_have_users(directory: Path) -> None:
    begin(directory)
    recommender = opened(directory)
    found = {user: tags(recommender, user) for user in USERS}
    assert all(len(each) == 1 for each in found.values())
    assert set.union(*found.values()) == {"crowd/now", "crowd/popular"}
    assert tags(opened(directory), USERS[0]) == found[USERS[0]]


def test_arms_are_served_by_their_own_settings(directory: Path) -> None:
    begin(directory, settings=("dialogue.question_cost_bits=100", "retrieval.ease=0"))
    recommender = opened(directory)
    arms = {next(iter(tags(recommender, user))): user for user in USERS}
    stages = {tag: recommender.for_user(user).recommend(k=3).trace.stages for tag, user in arms.items()}
    assert "ease" in [stage.name for stage in stages["crowd/now"]]
    assert "ease" not in [stage.name for stage in stages["crowd/popular"]]


def test_an_experiment_counts_from_the_next_request_on_until_it_is_stopped(directory: Path) -> None:
    recommender = opened(directory)
    assert tags(recommender, "ann") == {""}
    begin(directory)
    assert tags(recommender, "ann") != {""}
    stop(directory, at=time.time())
    assert tags(recommender, "ann") == {""}


def test_who_is_nobody_takes_no_part(directory: Path) -> None:
    begin(directory)
    assert {card.placement.arm for card in opened(directory).recommend(k=3)} == {""}


def test_a_user_of_the_interactions_is_assigned_by_their_id(directory: Path, interactions: Interactions) -> None:
    begin(directory)
    recommender, user = opened(directory), interactions.user_ids[0]
    shown = recommender.recommend(user_id=user, k=3)
    assert {card.placement.arm for card in shown} == tags(recommender, user)


def test_arms_that_cannot_be_served_leave_everybody_as_they_were(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin(directory, settings=("retrieval.n_candidates=5",))
    with caplog.at_level(logging.WARNING):
        assert tags(opened(directory), "ann") == {""}
    assert "the experiment is not served" in caplog.text


def test_a_damaged_file_of_experiments_leaves_everybody_as_they_were(directory: Path) -> None:
    (directory / EXPERIMENTS_FILE).write_text("{")
    assert tags(opened(directory), "ann") == {""}


def test_two_arms_take_turns_in_a_list(directory: Path) -> None:
    begin(directory, design="interleave")
    shown = opened(directory).for_user("ann").recommend(k=4)
    assert sorted(card.placement.arm for card in shown) == ["crowd/now"] * 2 + ["crowd/popular"] * 2
    assert [card.rank for card in shown] == [1, 2, 3, 4]
    assert len({card.item_id for card in shown}) == 4


def test_an_explored_place_says_what_was_drawn_and_how_probably(directory: Path) -> None:
    recommender = opened(directory, "exploration.place=3")
    shown = [recommender.recommend(k=3) for _ in range(60)]
    assert len({tuple(card.item_id for card in list(each)[:2]) for each in shown}) == 1
    drawn = [each[2] for each in shown]
    assert {card.placement.stage for card in drawn} == {"ranking", "rare", "different"}
    assert len({card.item_id for card in drawn}) == 3
    for card in drawn:
        assert card.placement.propensity == pytest.approx(1 / 3, abs=0.01)
    assert all(card.placement.propensity == 1 for each in shown for card in list(each)[:2])


def test_what_was_learned_decides_what_is_drawn(directory: Path) -> None:
    write_tallies(directory, {"rare": Tally(1000, 500), "ranking": Tally(1000, 10), "different": Tally(1000, 10)})
    recommender = opened(directory, "exploration.place=2")
    drawn = [recommender.recommend(k=2)[1].placement for _ in range(30)]
    assert [placement.stage for placement in drawn].count("rare") >= 27
    assert max(placement.propensity for placement in drawn) == pytest.approx(0.98, abs=1e-3)


def test_a_list_without_the_explored_place_is_the_ranking(directory: Path) -> None:
    shown = opened(directory, "exploration.place=5").recommend(k=2)
    assert {card.placement.propensity for card in shown} == {1.0}


def test_an_id_of_any_kind_has_an_arm(directory: Path) -> None:
    begin(directory)
    recommender = opened(directory)
    assert tags(recommender, UserId("\ud800 é")) <= {"crowd/now", "crowd/popular"}


def test_more_of_the_catalogue_is_shown_where_that_is_wanted(directory: Path, interactions: Interactions) -> None:
    def shown(*settings: str) -> set[str]:
        recommender = opened(directory, *settings)
        return {card.item_id for user in interactions.user_ids for card in recommender.recommend(user_id=user, k=2)}

    exposed = shown("ranking.exposure=1", "ranking.exposure_places=2")
    assert len(exposed) > len(shown())


def test_why_an_item_gave_its_place_away_is_answered_by_the_order_that_is_shown(
    directory: Path, interactions: Interactions
) -> None:
    recommender = opened(directory, "ranking.exposure=1", "ranking.exposure_places=2")
    for user in interactions.user_ids:
        shown = [card.item_id for card in recommender.recommend(user_id=user, k=2)]
        for item_id in recommender.catalogue:
            told = recommender.why_not([], item_id, user_id=user, k=2)
            assert (told.reason == "shown") == (item_id in shown)


def test_the_moment_of_a_request_moves_the_order_where_that_is_wanted() -> None:
    day, saturday, monday = 86_400.0, 2, 4
    rows = [("x", saturday)] * 30 + [("y", monday)] * 31
    met = [
        {"user_id": f"u{number}", "item_id": item, "timestamp": on * day + number}
        for number, (item, on) in enumerate(rows)
    ]
    only_popular = ("retrieval.popularity=1", "retrieval.hybrid=0", "retrieval.dense=0", "retrieval.bm25=0")

    def first(weekday: str, *settings: str) -> str:
        chosen = Settings().changed(["language_model.model=none", *only_popular, *settings])
        recommender = Recommender(chosen, overrides=Overrides(encoder=HashingEmbedder()))
        recommender.fit([{"item_id": item, "title": f"Thing {item}"} for item in "xy"], met)
        return recommender.in_context({"weekday": weekday}).for_user("ann").recommend(k=2)[0].item_id

    assert (first("saturday"), first("monday")) == ("y", "y")
    assert (first("saturday", "ranking.context=1"), first("monday", "ranking.context=1")) == ("x", "y")
