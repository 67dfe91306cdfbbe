"""The fixed words in which it is said why an item is shown or not, one file for each language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

DEFAULT_LANGUAGE = "en"
_HAN = "[\u4e00-\u9fff]"


class Telling:
    """Says things in one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """Speak `language` with the templates `texts`."""
        self.language = language
        self._texts = texts

    @property
    def keys(self) -> frozenset[str]:
        """What can be said."""
        return frozenset(self._texts)

    def say(self, key: str, **slots: object) -> str:
        """The text of that key with its slots filled. Raises KeyError for an unknown key or a missing slot."""
        return _set_close(self._texts[key], slots).format(**slots)

    def joined(self, parts: Sequence[str], joint: str) -> str:
        """The parts with the text of the key `joint` between them."""
        return self._texts[joint].join(parts)

    def template(self, key: str) -> str:
        """The text of that key with its slots open. Raises KeyError for an unknown key."""
        return self._texts[key]

    def voice(self, name: str) -> str:
        """What a voice of the ranking stands for; its name where nothing is known of it."""
        return self._texts.get(f"voice:{name}", name)


def _set_close(template: str, slots: Mapping[str, object]) -> str:
    """`template` without the spaces that part Han from another script, where what a slot says is Han at that end."""
    for name, text in ((name, str(value)) for name, value in slots.items()):
        if re.match(_HAN, text):
            template = re.sub(rf"(?<={_HAN}) (?=\{{{name}\}})", "", template)
        if re.search(f"{_HAN}$", text):
            template = re.sub(rf"(?<=\{{{name}\}}) (?={_HAN})", "", template)
    return template


@cache
def telling_in(language: str) -> Telling:
    """The words of `language`; English where there is no file of that language."""
    file = resources.files("llmrec.explanation") / "resources" / f"{language}.json"
    if not file.is_file():
        return telling_in(DEFAULT_LANGUAGE)
    return Telling(language, json.loads(file.read_text(encoding="utf-8")))
