"""Answers to a question that stood beside the cards."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import Act, Profile, QuestionEntry, Turn
from tests.dialogue.reading_out import tracker_of

YEAR = QuestionEntry("year", (1990,), 1)
GENRES = QuestionEntry("genres", ("Horror", "Sci-Fi", "Comedy"), 1)


def answered(films: Catalogue, question: QuestionEntry, text: str) -> tuple[str, list[str]]:
    understanding = tracker_of(films).update(Profile(asked=(question,)), Turn("user", text), index=2)
    conditions = [
        f"{e.constraint.field} {e.constraint.op} {e.constraint.value}" for e in understanding.profile.constraints
    ]
    return ", ".join(conditions), [act.kind for act in understanding.acts]


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (YEAR, "older", "year $lte 1990"),
        (YEAR, "up to 1990", "year $lte 1990"),
        (YEAR, "the newer ones please", "year $gt 1990"),
        (YEAR, "either is fine", ""),
        (GENRES, "horror", "genres $eq Horror"),
        (GENRES, "horror or comedy", "genres $in ('Horror', 'Comedy')"),
        (GENRES, "I don't mind", ""),
        (GENRES, "whatever", ""),
    ],
)
def test_an_answer_is_taken(films: Catalogue, question: QuestionEntry, text: str, expected: str) -> None:
    assert answered(films, question, text) == (expected, ["answer"])


@pytest.mark.parametrize("text", ["something with robots", "no horror", "who are you?"])
def test_another_message_is_no_answer(films: Catalogue, text: str) -> None:
    assert "answer" not in answered(films, GENRES, text)[1]


def test_an_older_question_is_no_longer_open(films: Catalogue) -> None:
    understanding = tracker_of(films).update(Profile(asked=(YEAR,)), Turn("user", "older"), index=4)
    assert Act("answer", about="year") not in understanding.acts
