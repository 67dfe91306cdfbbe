"""The page's own fixed phrases, one file for each language, and which language a page speaks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages

FOLLOW = "follow"
"""A choice beside the languages: the one the user writes in."""
LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "zh": "中文"})
"""What the page can speak, by code, each in its own name."""


@cache
def words_in(language: str) -> Messages:
    """The page's phrases in `language`, one of LANGUAGES. Raises KeyError for another one."""
    if language not in LANGUAGES:
        raise KeyError(language)
    file = resources.files("llmrec.ui") / "resources" / f"{language}.json"
    return Messages(language, json.loads(file.read_text(encoding="utf-8")))


def preferred_language(accepted: str) -> str:
    """The first language of a browser's `Accept-Language` that the page can speak; English where there is none."""
    codes = (part.split(";")[0].strip().split("-")[0].lower() for part in accepted.split(","))
    return next((code for code in codes if code in LANGUAGES), DEFAULT_LANGUAGE)
