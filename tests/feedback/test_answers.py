"""Which items of an answer are better than which, by what a user did with it."""

from llmrec.feedback.answers import Answer, answers
from llmrec.types import Feedback, Impression, ItemId, Signal, UserId

ANN = UserId("ann")


def shown(query_id: str, *item_ids: str, at: float = 10.0, user: UserId = ANN) -> list[Impression]:
    return [
        Impression(f"{query_id}:{n}", user, query_id, ItemId(item), n, 1.0, "fused", "", "", "", at)
        for n, item in enumerate(item_ids, start=1)
    ]


def said(item: str, signal: Signal, at: float = 11.0, query_id: str = "") -> Feedback:
    return Feedback(ANN, ItemId(item), signal, at, "x" if signal == "text" else "", query_id)


def only(impressions: list[Impression], *reactions: Feedback) -> Answer:
    (found,) = answers(impressions, reactions)
    return found


def test_what_was_passed_over_above_a_click_is_worse_and_what_stands_below_is_not() -> None:
    answer = only(shown("q", "a", "b", "c", "d"), said("c", "click"))
    assert answer.preferences == [("c", "a"), ("c", "b")]


def test_what_was_disliked_is_worse_wherever_it_stands_and_what_was_seen_is_neither() -> None:
    answer = only(shown("q", "a", "b", "c", "d"), said("a", "seen"), said("c", "like"), said("d", "dislike"))
    assert answer.preferences == [("c", "b"), ("c", "d")]
    assert answer.judgements == {"c": True, "d": False}


def test_the_last_word_on_an_item_counts() -> None:
    answer = only(shown("q", "a", "b"), said("b", "click"), said("b", "dislike"), said("b", "text"))
    assert answer.judgements == {"b": False}
    assert answer.preferences == []


def test_a_reaction_belongs_to_the_answer_it_names_else_to_the_latest_before_it() -> None:
    impressions = [*shown("q1", "a", at=1.0), *shown("q2", "a", at=5.0), *shown("q3", "a", at=9.0)]
    found = {answer.query_id: answer.said for answer in answers(impressions, [said("a", "click", at=6.0)])}
    assert found == {"q2": {"a": ("click",)}}
    found = {a.query_id: a.said for a in answers(impressions, [said("a", "like", at=6.0, query_id="q1")])}
    assert found == {"q1": {"a": ("like",)}}


def test_reactions_to_what_was_never_shown_or_only_later_and_to_nobody_say_nothing() -> None:
    impressions = [*shown("q1", "a", at=20.0), *shown("q2", "b", user=UserId(""))]
    reactions = [said("a", "click"), said("z", "click"), Feedback(UserId(""), ItemId("b"), "click", 30.0)]
    assert list(answers(impressions, reactions)) == []


def test_places_come_in_their_order_whatever_order_they_were_logged_in() -> None:
    answer = only(list(reversed(shown("q", "a", "b", "c"))), said("c", "click"))
    assert answer.item_ids == ("a", "b", "c")
