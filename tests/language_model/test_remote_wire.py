"""What is read from answers."""

import math

import pytest

from llmrec.errors import ModelError
from llmrec.language_model.remote_wire import completion_of, delta_of, error_text, first_token_of, label_scores
from llmrec.types import Completion, Label
from tests.language_model.fake_server import answer

A, B, C = Label("A"), Label("B"), Label("C")


def test_a_label_with_and_without_a_space_is_one() -> None:
    listed = {"A": math.log(0.2), " A": math.log(0.1), "▁B": math.log(0.4), "The": math.log(0.1)}
    scores = label_scores(listed, [A, B], n_prompt_tokens=7)
    assert scores.log_probs == pytest.approx([math.log(0.3), math.log(0.4)])
    assert scores.label_mass == pytest.approx(0.7)
    assert scores.n_prompt_tokens == 7


def test_a_label_that_is_not_listed_gets_the_lowest_and_counts_no_mass() -> None:
    scores = label_scores({"A": math.log(0.5), "The": math.log(0.02)}, [A, B, C], n_prompt_tokens=1)
    assert scores.log_probs == pytest.approx([math.log(0.5), math.log(0.02), math.log(0.02)])
    assert scores.label_mass == pytest.approx(0.5)


def test_without_any_label_there_is_no_mass() -> None:
    assert label_scores({"The": -0.1}, [A, B], n_prompt_tokens=1).label_mass == 0


def test_a_probability_of_nothing_is_not_listed() -> None:
    assert first_token_of(answer("A", [("A", -0.5), ("B", -9999.0), ("C", -3.4e38)])) == {"A": -0.5}


def test_an_answer_without_log_probabilities_lists_none() -> None:
    assert first_token_of(answer("A")) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no chat completion"),
        (b"<html>oops", "no chat completion"),
        (b"[" * 100_000, "no chat completion"),
        (b"{}", "at choices: Field required"),
        (b'{"choices": []}', "at choices"),
        (b'{"choices": [{"message": {"content": 7}}]}', r"at choices\.0\.message\.content"),
        (answer("A", [("A", math.nan)]), "no chat completion at"),
        (answer("A", [("A", math.inf)]), "no chat completion at"),
        (answer("A", [("A", 3.0)]), "no chat completion at"),
        (answer("A", [("A", -0.1), ("B", -0.1)]), "sum to more than 1"),
    ],
)
def test_what_is_no_answer_is_said(content: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        first_token_of(content)


def test_an_empty_message_is_an_empty_text() -> None:
    assert completion_of(b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}') == Completion(
        "", "stop"
    )


@pytest.mark.parametrize("line", [b"", b": keep-alive", b"event: ping", b"data: [DONE]", b'data: {"choices": []}'])
def test_a_line_without_text_gives_none(line: bytes) -> None:
    assert delta_of(line) == ""


def test_a_line_with_text_gives_it() -> None:
    assert delta_of(b'data: {"choices": [{"delta": {"content": " warm"}}]}\r') == " warm"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"error": {"message": "no such model."}}', "no such model"),
        (b'{"detail": "bad\\u0000\\nrequest"}', "bad request"),
        (b'{"error": 7}', ""),
        (b"oops", ""),
        (b'{"message": "key sk-1 is bad"}', "key *** is bad"),
        (b'{"message": "' + b"x" * 500 + b'"}', "x" * 160),
    ],
)
def test_an_error_is_one_short_line_without_the_key(content: bytes, said: str) -> None:
    assert error_text(content, secret="sk-1") == said
