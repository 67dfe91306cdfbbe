"""The words around the pictures and in them, one file for each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages

_DRAWN = "drawn:"


@cache
def words_in(language: str) -> Messages:
    """The words in `language`; English where there is no file of that language."""
    file = resources.files("llmrec.insights") / "resources" / f"{language}.json"
    if not file.is_file():
        return words_in(DEFAULT_LANGUAGE)
    return Messages(language, json.loads(file.read_text(encoding="utf-8")))


def drawn(key: str) -> str:
    """A fixed word of a figure, as it is drawn. Raises KeyError for an unknown key."""
    return words_in(DEFAULT_LANGUAGE).template(f"{_DRAWN}{key}")


def labels(words: Messages) -> Mapping[str, str]:
    """What `words` says for the fixed words that figures are drawn with, by those; empty for their own language.

    Figures are always drawn in English: few servers have a font with other scripts, and without one each letter would
    be a box. A page sets the words in the reader's own fonts instead.
    """
    if words.language == DEFAULT_LANGUAGE:
        return {}
    drawn = words_in(DEFAULT_LANGUAGE)
    return {drawn.template(key): words.template(key) for key in drawn.keys if key.startswith(_DRAWN)}
