"""The language in which a model says what words mean: `genres=Comedy;not price=high`, or `none`."""

from __future__ import annotations

from collections.abc import Iterable

from llmrec.dialogue.vocabulary import Meaning, Vocabulary

_NOTHING = "none"
_JOINT = ";"
_NOT = "not "


def written(meanings: Iterable[Meaning]) -> str:
    """`meanings` as the language model writes them."""
    return _JOINT.join(map(str, meanings)) or _NOTHING


def read(text: str, vocabulary: Vocabulary) -> tuple[Meaning, ...]:
    """The meanings written in `text`, each once; what is no entry of `vocabulary` is passed over."""
    found = (_entry(part.strip(), vocabulary) for part in text.split(_JOINT))
    return tuple(dict.fromkeys(meaning for meaning in found if meaning is not None))


def grammar(vocabulary: Vocabulary, *, most: int) -> str:
    """All texts over `vocabulary` with at most `most` entries, in Lark's notation; a value with a joint is left out."""
    entries = " | ".join(
        f"{_quoted(f'{field}=')} ({' | '.join(_quoted(value) for value in listed if _JOINT not in value)})"
        for field, listed in vocabulary.values.items()
    )
    more = f' ("{_JOINT}" entry)~0..{most - 1}' if most > 1 else ""
    return f'start: "{_NOTHING}" | entry{more}\nentry: "{_NOT}"? value\nvalue: {entries}\n'


def _entry(text: str, vocabulary: Vocabulary) -> Meaning | None:
    field, _, value = text.removeprefix(_NOT).partition("=")
    return Meaning(field, value, not text.startswith(_NOT)) if value in vocabulary.values.get(field, ()) else None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
