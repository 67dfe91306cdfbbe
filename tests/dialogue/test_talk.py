"""What is small talk, and how it is answered."""

import pytest

from llmrec.dialogue.talk import answer_to_talk, is_farewell


@pytest.mark.parametrize(
    "text",
    ["quit", "Exit.", "bye", "bye bye", "good-bye!", "that's all, thanks", "ok I'm done, thank you!",
     "nothing else, thanks",
     "no thanks, that's all", "I have to go, good night", "thanks for all the help, goodbye", "stop", "see you later",
     "That's all for now", "thank you so much, you've been very helpful, bye"],
)  # fmt: skip
def test_a_farewell_is_heard(text: str) -> None:
    assert is_farewell(text)
    assert answer_to_talk(text) == "bye"


@pytest.mark.parametrize(
    "text",
    ["", "good", "thanks", "Stop Making Sense", "a story that's all about the sea", "I'm done with horror",
     "no more horror",
     "that's it, the second one", "good night stories for children", "nothing else like Alien", "quit " * 50],
)  # fmt: skip
def test_what_goes_on_is_no_farewell(text: str) -> None:
    assert not is_farewell(text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("hi", "help"),
        ("who are you?", "about_me"),
        ("hahaha", "help"),
        ("cheers mate", "welcome"),
        ("thanks a lot", "welcome"),
        ("a comedy", ""),
        ("perfect, thanks", ""),
        ("no thanks", ""),
        ("that was great", ""),
    ],
)
def test_small_talk_is_answered_by_its_kind(text: str, answer: str) -> None:
    assert answer_to_talk(text) == answer
