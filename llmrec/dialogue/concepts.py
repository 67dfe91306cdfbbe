"""What people say when they name no value of any fact: "edge of my seat", "on a budget"; one file for each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal

from llmrec.dialogue.messages import DEFAULT_LANGUAGE

Direction = Literal["", "less", "more"]
_ENDS: Mapping[str, Direction] = {"less": "less", "more": "more"}
_COMMENT = "#"
_NOTHING = "-"
_INSTEAD = " > "


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that can be meant, and how it is said.

    Attributes:
        names: What catalogues may call it, folded; words of a number field's name where there is a direction. Empty
            for what means nothing that is recorded.
        phrases: How it is said, as people write.
        direction: The end of a number that is meant; empty for a value.
        instead: Names of what comes nearest to it, for catalogues that have none of `names`.
    """

    names: tuple[str, ...]
    phrases: tuple[str, ...]
    direction: Direction = ""
    instead: tuple[str, ...] = ()


@cache
def concepts_in(language: str) -> tuple[Concept, ...]:
    """The concepts of that language, in the order of their file; none where there is no file.

    What other languages name first is a name of the default language; whatever a catalogue may call it there
    counts here too.
    """
    own = _read(language)
    if language == DEFAULT_LANGUAGE:
        return own
    known = {(concept.direction, concept.names[0]): concept for concept in _read(DEFAULT_LANGUAGE) if concept.names}
    return tuple(
        _joined(concept, known.get((concept.direction, concept.names[0]))) if concept.names else concept
        for concept in own
    )


def _joined(own: Concept, known: Concept | None) -> Concept:
    if known is None:
        return own
    return replace(own, names=tuple(dict.fromkeys((*known.names, *own.names))), instead=(*known.instead, *own.instead))


def _read(language: str) -> tuple[Concept, ...]:
    file = resources.files("llmrec.dialogue") / "resources" / f"vague_{language}.tsv"
    if not file.is_file():
        return ()
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(_concept(line) for line in lines if line and not line.startswith(_COMMENT))


def _concept(line: str) -> Concept:
    names, _, phrases = line.partition("\t")
    said = tuple(phrase.strip() for phrase in phrases.split(";"))
    if names == _NOTHING:
        return Concept((), said)
    first, _, rest = names.partition(" ")
    if first in _ENDS:
        return Concept(tuple(rest.split("|")), said, _ENDS[first])
    own, _, instead = names.partition(_INSTEAD)
    return Concept(tuple(own.split("|")), said, instead=tuple(instead.split("|")) if instead else ())
