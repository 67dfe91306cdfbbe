import pytest

from llmrec.dialogue.question_topics import is_open_question


@pytest.mark.parametrize(
    "text",
    [
        "how does it end?", "is there a sequel?", "where was it filmed?", "who is the main character?",
        "can my kid read it?", "what do people say about it?", "do you have it in paperback?", "spoil it for me",
        "the second one, is there a sequel?", "why is it so long?", "did you like it?",
    ],
)  # fmt: skip
def test_what_is_asked_of_an_item_in_view_is_a_question(text: str) -> None:
    assert is_open_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "what films have robots in it?", "do you have anything cheaper?", "is there one in blue?",
        "can you show me something like it?", "what else is like that?", "a film about it", "how about it?",
        "which one has Tom Hanks in it?", "what should I watch?", "is there anything newer than this?", "horror",
    ],
)  # fmt: skip
def test_a_wish_in_the_form_of_a_question_stays_a_wish(text: str) -> None:
    assert not is_open_question(text)
