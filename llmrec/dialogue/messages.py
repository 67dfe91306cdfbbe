"""The fixed phrases of the conversation, one file for each language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

DEFAULT_LANGUAGE = "en"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_SCRIPTS = {
    "han": _CHINESE, "kana": _KANA, "hangul": re.compile(r"[\uac00-\ud7af]"),
    "cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "greek": re.compile(r"[\u0370-\u03ff]"), "arabic": re.compile(r"[\u0600-\u06ff]"),
    "hebrew": re.compile(r"[\u0590-\u05ff]"), "devanagari": re.compile(r"[\u0900-\u097f]"),
    "thai": re.compile(r"[\u0e00-\u0e7f]"), "latin": re.compile(r"[A-Za-z]"),
}  # fmt: skip


class Messages:
    """Says things in one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """Speak `language` with the templates `texts`."""
        self.language = language
        self._texts = texts

    @property
    def keys(self) -> frozenset[str]:
        """What can be said."""
        return frozenset(self._texts)

    def template(self, key: str) -> str:
        """The message of that key with its slots open. Raises KeyError for an unknown key."""
        return self._texts[key]

    def say(self, key: str, **slots: object) -> str:
        """The message of that key with its slots filled. Raises KeyError for an unknown key or a missing slot."""
        return self.template(key).format(**slots)

    def either(self, parts: Sequence[str]) -> str:
        """The parts as a choice: `a, b or c`."""
        return self._joined(parts, "or")

    def both(self, parts: Sequence[str]) -> str:
        """The parts together: `a, b and c`."""
        return self._joined(parts, "and")

    def _joined(self, parts: Sequence[str], joint: str) -> str:
        if len(parts) < 2:
            return "".join(parts)
        return f"{self._texts['comma'].join(parts[:-1])}{self._texts[joint]}{parts[-1]}"


@cache
def messages_in(language: str) -> Messages:
    """The messages in `language`; English where there is no file of that language."""
    directory = resources.files("llmrec.dialogue") / "resources"
    file = directory / f"{language}.json"
    if not file.is_file():
        return messages_in(DEFAULT_LANGUAGE)
    return Messages(language, json.loads(file.read_text(encoding="utf-8")))


def language_of(text: str) -> str:
    """The language to answer `text` in: Chinese where it has Chinese characters and no kana, else English."""
    return "zh" if _CHINESE.search(text) and not _KANA.search(text) else DEFAULT_LANGUAGE


def scripts_of(text: str) -> frozenset[str]:
    """The writing systems that `text` has letters of."""
    return frozenset(name for name, letters in _SCRIPTS.items() if letters.search(text))
