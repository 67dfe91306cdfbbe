from pathlib import Path

from llmrec.conversation.files import Row
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.situations import Mention, lessons, situation_of
from tests.conversation.small import catalogue, row, training


def test_roles_alternate_and_end_with_the_user(tmp_path: Path) -> None:
    situation = situation_of(row("1", "", "hi", "I liked Alien (1979)"), ItemNames(catalogue(tmp_path)))
    assert [turn.role for turn in situation.turns] == ["user", "assistant", "user"]


def test_names_in_the_text_are_mentions_and_no_wish(tmp_path: Path) -> None:
    situation = situation_of(row("1", "like Alien (1979), not Heat"), ItemNames(catalogue(tmp_path)))
    assert situation.mentions == (Mention(0, 0), Mention(2, 0))
    assert situation.wishes == ("like , not",)


def test_a_short_name_is_a_word_where_the_row_says_what_was_spoken_of(tmp_path: Path) -> None:
    told = Row("1", ("The Heat of Alien (1979)",), ("Aliens (1986)",), mentioned=("Alien (1979)", "Clue (1985)"))
    situation = situation_of(told, ItemNames(catalogue(tmp_path)))
    assert situation.items == (0, 4)


def test_only_the_last_turns_are_said(tmp_path: Path) -> None:
    situation = situation_of(row("1", "one", " two ", "", "three"), ItemNames(catalogue(tmp_path)))
    assert situation.said(3) == "two three"


def test_a_lesson_is_what_was_named_for_the_first_time_after_the_first_turn(tmp_path: Path) -> None:
    found = [lesson for lesson in lessons(training(tmp_path, n_each=1).dialogues) if lesson.dialogue == "scary0"]
    # The user's first turn is empty, so Alien is named in turn 2, Aliens in turn 3, Clue in turn 4.
    assert [(lesson.new_items, lesson.by_assistant) for lesson in found] == [((0,), False), ((1,), True), ((4,), False)]
    assert found[1].situation.items == (0,)
    assert found[1].situation.turns[-1].text == "something scary like Alien (1979)"
