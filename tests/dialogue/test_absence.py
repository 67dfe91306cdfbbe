import pytest

from llmrec.dialogue.absence import asked_absence, asked_reason, asked_worth


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("why the third one?", " the third one?"),
        ("why Silent Harbour?", " Silent Harbour?"),
        ("and why did you pick that?", " did you pick that?"),
        ("how come the first?", " the first?"),
        ("what makes you think I'd like it?", " think I'd like it?"),
        ("why is the first one on the list?", " is the first one on the list?"),
        ("why?", "?"),
    ],
)
def test_reasons_are_asked_for(text: str, what: str) -> None:
    assert asked_reason(text) == what
    assert asked_absence(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "why is it so long?",
        "why does he kill her?",
        "why not Alien?",
        "why don't you show me something newer?",
        "a why",
    ],
)
def test_what_is_asked_of_an_item_itself_or_of_absence_is_no_question_for_reasons(text: str) -> None:
    assert asked_reason(text) is None


@pytest.mark.parametrize("text", ["should I watch it?", "would I like Alien?", "is the second one worth the money?"])
def test_worth_is_asked_for(text: str) -> None:
    assert asked_worth(text) is not None


@pytest.mark.parametrize("text", ["what should I watch?", "should I watch something newer?", "I would like a comedy"])
def test_a_request_asks_for_no_worth(text: str) -> None:
    assert asked_worth(text) is None
