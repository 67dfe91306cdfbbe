"""Vague words by what is said word for word, in languages that no sentence encoder here reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from llmrec.dialogue.concepts import Concept, concepts_in
from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning, Vocabulary

LANGUAGES = ("zh",)
"""Languages with a file of vague words that are looked for wherever they stand."""

_PARTS = re.compile(r"[.,;!?\n]|但是|不过|但|\bbut\b", re.IGNORECASE)
# Little may stand between a "not" and what it denies: "不要太吓人"; "特别" is "very", "不错" is "not bad".
_DENIED = re.compile(r"(?:不(?!错|同|仅)|(?<!特)别|没有?)\S{0,5}$")
_UNDENIED = {LOW, HIGH, YES}


class WordReader:
    """Reads the phrases of concepts wherever they stand in words, the longest first; implements VagueReader."""

    name: Literal["words"] = "words"

    def __init__(self, vocabulary: Vocabulary, concepts: Sequence[Concept]) -> None:
        """Read over `vocabulary`; phrases of what it does not have are passed over, and hide no shorter ones."""
        self._meant = {phrase: vocabulary.meant_by(concept) for concept in concepts for phrase in concept.phrases}
        phrases = sorted((phrase for phrase, meant in self._meant.items() if meant), key=len, reverse=True)
        self._phrases = re.compile("|".join(map(re.escape, phrases)) or r"(?!)")

    def read(self, words: str) -> tuple[Meaning, ...]:
        """What `words` mean, each once, in their order; of a number one end at most."""
        read = dict.fromkeys(meaning for part in _PARTS.split(words) for meaning in self._read_part(part))
        ends: dict[str, Meaning] = {}
        for meaning in read:
            if meaning.value in {LOW, HIGH}:
                ends.setdefault(meaning.field, meaning)
        return tuple(meaning for meaning in read if ends.get(meaning.field, meaning) == meaning)

    def _read_part(self, part: str) -> Iterator[Meaning]:
        for match in self._phrases.finditer(part):
            denied = _DENIED.search(part[: match.start()]) is not None
            for meaning in self._meant[match.group()]:
                if not denied:
                    yield meaning
                elif meaning.value not in _UNDENIED:  # "not too long" is said as a whole
                    yield meaning.turned()


def word_readers(vocabulary: Vocabulary) -> Mapping[str, Sequence[WordReader]]:
    """A reader for each language that has such words, by its name."""
    return {language: (WordReader(vocabulary, concepts_in(language)),) for language in LANGUAGES}


def vocabulary_concepts() -> tuple[Concept, ...]:
    """What can be meant in any language, for a vocabulary of catalogues that are written in any of them."""
    return (*concepts_in(DEFAULT_LANGUAGE), *(concept for language in LANGUAGES for concept in concepts_in(language)))
