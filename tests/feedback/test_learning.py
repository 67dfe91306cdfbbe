"""What is given out to learn from: true to what users did, with nobody louder than a bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.feedback.learning import Scale, learnable_interactions
from llmrec.feedback.pairs import Lessons
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.types import Feedback, History, Interaction, ItemId, Signal, UserId
from tests.feedback.test_answers import shown

ANN, BOB = UserId("ann"), UserId("bob")
STARS = Scale(low=1.0, met=3.0, liked=4.0, high=5.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteFeedbackStore]:
    with SQLiteFeedbackStore(tmp_path / "feedback.sqlite3", now=lambda: 0.0) as opened:
        yield opened


def say(store: SQLiteFeedbackStore, item: str, signal: Signal, at: float, user: UserId = ANN) -> None:
    store.record(Feedback(user, ItemId(item), signal, at))


def table(store: SQLiteFeedbackStore, max_per_user: int = 500) -> list[tuple[str, str, float, float | None]]:
    rows = learnable_interactions(store, STARS, max_per_user=max_per_user)
    return [(row.user_id, row.item_id, row.value, row.at) for row in rows]


def test_what_was_done_liked_bought_and_seen_is_learned_and_a_click_is_not(store: SQLiteFeedbackStore) -> None:
    store.record_interactions([Interaction(ANN, ItemId("1"), 2.0, 1.0)])
    for item, signal, at in [("2", "like", 2.0), ("3", "purchase", 3.0), ("4", "seen", 4.0), ("5", "click", 5.0)]:
        say(store, item, signal, at)  # type: ignore[arg-type]  # the tuple's str
    assert table(store) == [
        ("ann", "1", 2.0, 1.0),
        ("ann", "2", 4.0, 2.0),
        ("ann", "3", 4.0, 3.0),
        ("ann", "4", 3.0, 4.0),
    ]


def test_what_was_disliked_last_is_not_learned(store: SQLiteFeedbackStore) -> None:
    store.record_interactions([Interaction(ANN, ItemId("1"), 5.0, 1.0)])
    say(store, "1", "dislike", 2.0)
    say(store, "2", "dislike", 2.0)
    say(store, "2", "like", 3.0)
    assert table(store) == [("ann", "2", 4.0, 3.0)]


def test_a_rater_gone_mad_has_one_row_an_item_a_bounded_number_and_bounded_strengths(
    store: SQLiteFeedbackStore,
) -> None:
    store.record_interactions(
        [Interaction(ANN, ItemId(str(n)), 1e9 if n % 2 else -1e9, float(n)) for n in range(50)]
        + [Interaction(ANN, ItemId("49"), 1e9, 100.0 + n) for n in range(50)]
        + [Interaction(BOB, ItemId("1"), 4.0, 1.0)]
    )
    rows = table(store, max_per_user=3)
    assert rows == [
        ("ann", "47", 5.0, 47.0),
        ("ann", "48", 1.0, 48.0),
        ("ann", "49", 5.0, 149.0),
        ("bob", "1", 4.0, 1.0),
    ]


def test_who_opted_out_is_not_learned_from(store: SQLiteFeedbackStore) -> None:
    for user in (ANN, BOB):
        say(store, "1", "like", 1.0, user)
    store.opt_out(ANN)
    assert [row[0] for row in table(store)] == ["bob"]


def test_the_scale_is_that_of_what_was_learned_from(films: Catalogue) -> None:
    rows = [Interaction(ANN, ItemId(str(n)), float(value), 1.0) for n, value in enumerate([1, 3, 3, 4, 5], start=1)]
    assert Scale.of(Interactions.from_rows(rows, films)) == Scale(low=1.0, met=3.0, liked=4.0, high=5.0)
    assert Scale.of(Interactions.from_rows([], films)) == Scale(1.0, 1.0, 1.0, 1.0)


@pytest.fixture
def lessons(store: SQLiteFeedbackStore, films: Catalogue) -> Lessons:
    return lessons_of(store, films)


def lessons_of(store: SQLiteFeedbackStore, films: Catalogue, max_per_user: int = 50) -> Lessons:
    learned = History((Interaction(ANN, ItemId("9"), 5.0, None), Interaction(ANN, ItemId("3"), 5.0, None)))
    return Lessons(
        store,
        RankPrompt(PromptLibrary.load()["rank"]),
        films,
        learned=lambda user_id: learned if user_id == ANN else History(),
        max_prompt_tokens=1000,
        max_per_user=max_per_user,
    )


def test_a_preference_is_asked_in_the_prompt_that_serves_with_what_was_known_then(
    store: SQLiteFeedbackStore, lessons: Lessons
) -> None:
    say(store, "7", "like", 5.0)
    store.record_impressions(shown("q", "2", "3", "6"))
    say(store, "6", "click", 11.0)
    say(store, "8", "like", 12.0)
    first, second = lessons.preferences()
    (_, asked) = first.prompt.messages
    assert "history, oldest first: Heat (1995)\n" in asked.content
    assert "The user likes: Sabrina (1954)\n" in asked.content
    # What came later, and what is asked about, is not given away.
    assert "Sabrina (1995)" not in asked.content
    line_of = {
        line.split(". ", 1)[1].split(" |")[0]: line[0] for line in asked.content.splitlines() if line[1:3] == ". "
    }
    assert set(line_of) == {"Alien (1979)", "Aliens (1986)", "Scream (1996)"}
    assert {first.chosen, second.chosen} == {line_of["Scream (1996)"]}
    assert (first.rejected, second.rejected) == (line_of["Alien (1979)"], line_of["Aliens (1986)"])


def test_the_better_item_does_not_always_have_the_later_label(store: SQLiteFeedbackStore, lessons: Lessons) -> None:
    for number in range(20):
        store.record_impressions(shown(f"q{number}", "2", "3", at=10.0 * number))
        say(store, "3", "click", 10.0 * number + 1)
    chosen = [pair.chosen for pair in lessons.preferences()]
    assert set(chosen) == {"A", "B"}


def test_single_items_are_judged(store: SQLiteFeedbackStore, lessons: Lessons) -> None:
    store.record_impressions(shown("q", "2", "3", "6"))
    say(store, "2", "dislike", 11.0)
    say(store, "6", "purchase", 11.0)
    assert [one.is_wanted for one in lessons.judgements()] == [False, True]


def test_lessons_of_one_user_are_bounded_to_the_newest(store: SQLiteFeedbackStore, films: Catalogue) -> None:
    for number in range(5):
        store.record_impressions(shown(f"q{number}", "2", "3", "6", at=10.0 * number))
        say(store, "6", "click", 10.0 * number + 1)
        store.record_impressions(shown(f"b{number}", "2", "3", at=10.0 * number, user=BOB))
        say(store, "3", "click", 10.0 * number + 1, BOB)
    pairs = list(lessons_of(store, films, max_per_user=3).preferences())
    assert len(pairs) == 6


def test_answers_with_items_that_are_gone_and_of_who_opted_out_teach_nothing(
    store: SQLiteFeedbackStore, lessons: Lessons
) -> None:
    store.record_impressions([*shown("q1", "2", "gone"), *shown("q2", "2", "3", user=BOB)])
    say(store, "gone", "click", 11.0)
    say(store, "3", "click", 11.0, BOB)
    assert len(list(lessons.preferences())) == 1
    store.opt_out(BOB)
    assert list(lessons.preferences()) == []
