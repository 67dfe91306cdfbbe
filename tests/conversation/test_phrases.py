from llmrec.conversation.phrases import Phrases


def found(phrases: list[str], text: str) -> list[str]:
    return [phrase for phrase, _, _ in Phrases(phrases).found_in(text)]


def test_the_longest_phrase_at_a_place_counts() -> None:
    assert found(["Heat", "Heat Wave (1990)"], "Heat Wave (1990) or Heat?") == ["Heat Wave (1990)", "Heat"]


def test_a_phrase_is_no_part_of_a_longer_word() -> None:
    assert found(["Alien"], "Aliens and Alien.") == ["Alien"]


def test_the_spelling_is_exact() -> None:
    assert found(["Up"], "what's up") == []


def test_nothing_is_found_where_nothing_is_sought() -> None:
    assert found([], "anything") == []
