"""The page says everything in each of its languages, with the same slots."""

from string import Formatter

import pytest

from llmrec.ui.words import LANGUAGES, words_in

# Words of the conversation that are said otherwise in another language; English says them as they are.
_WORDS = "word_"


def slots(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_phrase_is_there_and_needs_nothing_its_english_twin_is_not_given(language: str) -> None:
    english, other = words_in("en"), words_in(language)
    assert {key for key in other.keys if not key.startswith(_WORDS)} == english.keys
    # They name what is critised by its opposite.
    told = {key: slots(other.template(key)) - slots(english.template(key)) for key in english.keys}
    assert {key: names for key, names in told.items() if names} == {"say_too": {"word"}}


def test_no_file_is_read_for_a_language_that_the_page_does_not_speak() -> None:
    with pytest.raises(KeyError, match="xx"):
        words_in("../xx")
