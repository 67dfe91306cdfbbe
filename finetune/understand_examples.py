"""Utterances with what they mean, made from the ways in which things are said and from any vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from finetune.understand_language import written
from llmrec.dialogue.concepts import Concept
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning, Vocabulary

# Concepts of one kind of catalogue stand together in their file; each kind is named by its first concept.
_FIRST = ("comedy", "puzzle", "jazz", "headphones", "red", "wireless", "french", "price", "-")
_STORIES, _GAMES, _MUSIC, _SHOP, _COLOURS, _FLAGS, _LANGUAGES, _NUMBERS, _NOTHING = _FIRST
_DOMAINS = (_STORIES, _GAMES, _MUSIC, _SHOP)
_DOMAIN_SHARES = (0.6, 0.1, 0.08, 0.22)
_FIELD_NAMES = {
    _STORIES: ("genres", "genre", "kind", "tags", "categories", "mood"),
    _GAMES: ("genres", "type", "mechanics", "category"),
    _MUSIC: ("genres", "style", "genre"),
    _SHOP: ("category", "department", "type", "section"),
}
_NUMBER_NAMES = {
    "price": ("price", "cost"), "runtime": ("runtime", "length", "pages", "duration"), "weight": ("weight",),
    "rating": ("rating",), "year": ("year",),
}  # fmt: skip
_PLAIN = (
    "{}", "{}", "{}", "{}", "{} please", "hi, {}", "something like this: {}", "maybe {}", "{} tonight", "ideally {}",
    "I'd like {}", "I am looking for {}", "hmm, {}", "give me {}", "today {}", "{} if you have that",
    "{} would be nice",
    "can you find {}", "I feel like {}", "in the mood for {}", "{} kind of thing", "{}, you know", "really {}",
)  # fmt: skip
_NEGATED = (
    "no {}", "nothing with {}", "not {}", "without {}", "I don't want {}", "please no {}", "I can't stand {}",
    "I hate {}", "tired of {}", "anything but {}", "spare me {}", "I'm not into {}", "never again {}",
    "nothing like {}",
    "I don't like {}", "can't handle {}", "it shouldn't be {}", "avoid {}", "no more {}",
)  # fmt: skip
_JOINTS = (" and ", ", ", " but ", " and also ", ", ideally ", "; ", " with ")
_NOT_NEGATED = re.compile(
    r"(?:i|it|my|we|to|so|for|in|no|not|nothing|a lot|must|does|makes|keeps|after|as|when)\b", re.I
)
Choice = TypeVar("Choice")
_TYPO_SHARE = 0.12
_MIN_TYPO_CHARS = 5
_N_COMMON = 18
_COMMON_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class Example:
    """Words of a user over a vocabulary, and what they mean as the model is to write it."""

    words: str
    answer: str


def parted(concepts: Sequence[Concept], *, share: float, seed: int) -> tuple[list[Concept], list[Concept]]:
    """The concepts with most of their phrases, and with the `share` of them that is kept for validation."""
    rng = np.random.default_rng(seed)
    learned, kept = [], []
    for concept in concepts:
        order = rng.permutation(len(concept.phrases))
        n_kept = max(1, round(share * len(order)))
        phrases = [concept.phrases[place] for place in order]
        kept.append(Concept(concept.names, tuple(phrases[:n_kept]), concept.direction))
        learned.append(Concept(concept.names, tuple(phrases[n_kept:]), concept.direction))
    return learned, kept


class Generator:
    """Makes vocabularies as catalogues have them, and utterances over any vocabulary."""

    def __init__(self, concepts: Sequence[Concept], rng: np.random.Generator) -> None:
        """Say the phrases of `concepts`; all chance comes from `rng`."""
        self._rng = rng
        self._groups = _groups(concepts)
        self._nothing = [phrase for concept in self._groups[_NOTHING] for phrase in concept.phrases]

    def vocabulary(self) -> Vocabulary:
        """One as a catalogue of some domain might have it, spelled in some of the ways there are."""
        domain = _DOMAINS[int(self._rng.choice(len(_DOMAINS), p=_DOMAIN_SHARES))]
        fields = {self._one(_FIELD_NAMES[domain]): self._values(domain, 5, 18)}
        if domain == _SHOP and self._chance(0.6):
            fields[self._one(("colour", "color"))] = self._values(_COLOURS, 4, 9)
        if domain == _STORIES and self._chance(0.4):
            fields["language"] = self._values(_LANGUAGES, 2, 6)
        if domain == _SHOP and self._chance(0.6):
            fields[self._spelled(self._one(self._groups[_FLAGS])).lower()] = (YES,)
        numbers = [self._one(names) for names in _NUMBER_NAMES.values() if self._chance(0.5)]
        return Vocabulary(fields | dict.fromkeys(numbers, (LOW, HIGH)), dict.fromkeys(numbers, (0.0, 0.0)))

    def examples(self, vocabulary: Vocabulary, n: int) -> Iterator[Example]:
        """`n` utterances over `vocabulary`."""
        known = [(c, meant) for group in self._groups.values() for c in group if (meant := vocabulary.meant_by(c))]
        for _ in range(n):
            words, meanings = self._said(vocabulary, known)
            yield Example(self._mistyped(words), written(meanings))

    def _said(
        self, vocabulary: Vocabulary, known: Sequence[tuple[Concept, tuple[Meaning, ...]]]
    ) -> tuple[str, tuple[Meaning, ...]]:
        draw = self._rng.random()
        if draw < 0.14 or not known:
            return self._in_words(_PLAIN, self._one(self._nothing)), ()
        if draw < 0.22:
            foreign = self._foreign(vocabulary)
            return self._in_words(_PLAIN, self._one(foreign.phrases)), ()
        first = self._stated(known)
        if draw < 0.80:
            return first
        if draw < 0.88:
            return f"{self._one(self._nothing)}, {first[0]}" if self._chance(0.5) else (
                f"{first[0]}, {self._one(self._nothing)}"
            ), first[1]
        second = self._stated(known)
        meanings = tuple(dict.fromkeys((*first[1], *second[1])))
        # Contradictions teach nothing.
        if any(meaning.turned() in meanings for meaning in meanings) or len(meanings) > 2:
            return first
        return f"{first[0]}{self._one(_JOINTS)}{second[0]}", meanings

    def _stated(self, known: Sequence[tuple[Concept, tuple[Meaning, ...]]]) -> tuple[str, tuple[Meaning, ...]]:
        concept, meant = self._one(known)
        phrase = self._one((*concept.phrases, *(() if concept.direction else concept.names)))
        if not concept.direction and self._chance(0.25) and not _NOT_NEGATED.match(phrase):
            return self._in_words(_NEGATED, phrase), tuple(meaning.turned() for meaning in meant)
        return self._in_words(_PLAIN, phrase), meant

    def _foreign(self, vocabulary: Vocabulary) -> Concept:
        """A concept of a domain that the vocabulary does not speak of."""
        others = [
            concept
            for domain in _DOMAINS
            if not any(vocabulary.meant_by(concept) for concept in self._groups[domain])
            for concept in self._groups[domain]
        ]
        return self._one(others or self._groups[_NOTHING])

    def _values(self, group: str, least: int, most: int) -> tuple[str, ...]:
        concepts = self._groups[group]
        n = min(len(concepts), int(self._rng.integers(least, most + 1)))
        # What most catalogues have stands first, and is drawn more often.
        weights = np.where(np.arange(len(concepts)) < _N_COMMON, _COMMON_WEIGHT, 1.0)
        places = self._rng.choice(len(concepts), size=n, replace=False, p=weights / weights.sum())
        return tuple(dict.fromkeys(self._spelled(concepts[place]) for place in places))

    def _spelled(self, concept: Concept) -> str:
        name = self._one(concept.names)
        return name.title() if self._chance(0.8) else name

    def _in_words(self, templates: Sequence[str], phrase: str) -> str:
        return self._one(templates).format(phrase)

    def _mistyped(self, words: str) -> str:
        """A letter left out, doubled or swapped with its neighbour in one of the longer words, now and then."""
        long = [match for match in re.finditer(r"[^\W\d_]+", words) if len(match.group()) >= _MIN_TYPO_CHARS]
        if not long or not self._chance(_TYPO_SHARE):
            return words
        match = self._one(long)
        at = int(self._rng.integers(match.start() + 1, match.end() - 1))
        slips = (words[at + 1 :], words[at] * 2 + words[at + 1 :], words[at + 1] + words[at] + words[at + 2 :])
        return words[:at] + self._one(slips)

    def _one(self, choices: Sequence[Choice]) -> Choice:
        return choices[int(self._rng.integers(len(choices)))]

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)


def _groups(concepts: Sequence[Concept]) -> dict[str, list[Concept]]:
    groups: dict[str, list[Concept]] = {}
    current = _FIRST[0]
    for concept in concepts:
        first = concept.names[0] if concept.names else _NOTHING
        current = first if first in _FIRST else current
        groups.setdefault(current, []).append(concept)
    return groups
