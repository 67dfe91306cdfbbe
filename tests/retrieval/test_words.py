"""Words as indexes read them."""

import pytest

from llmrec.retrieval.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I want something like The Comedies", ["comedy"]),
        ("Sci-Fi, Amélie & GLASSES", ["sci", "fi", "amely", "glass"]),
        ("bus class gas Paris", ["bus", "class", "gas", "paris"]),
        ("movies movie comedies comedy pies pie", ["movy", "movy", "comedy", "comedy", "pie", "pie"]),
        ("", []),
        ("夜 2001", ["夜", "2001"]),
    ],
)
def test_words_lose_case_accents_fillers_and_plurals(text: str, expected: list[str]) -> None:
    assert words(text) == expected
