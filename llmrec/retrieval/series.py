"""Which items belong to one series, read from their titles alone; in doubt, they do not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator, Mapping

from llmrec.data.catalogue import Catalogue
from llmrec.retrieval.words import singular
from llmrec.types import ItemId

_NAMED = re.compile(r"\(\s*([^()#]*?)[\s,;:]*#\s*\d[^()]*\)")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\][]*\]")
_SEPARATOR = re.compile(r"\s*[:;]\s+|\s+[-\u2013\u2014]+\s+")
_ROMAN = r"(?=[ivx]{2}|v\b)x{0,2}(?:ix|iv|v?i{0,3})"  # II to XXIX and V; a lone I or X is more often a word
_SPELLED = "one|two|three|four|five|six|seven|eight|nine|ten"
_PART = rf"(?:part|pt|volume|vol|book|chapter|episode|season|no)\b\.?\s*(?:\d{{1,3}}|[ivx]+|{_SPELLED})"
_NUMERAL = re.compile(rf"(?:^|[\s,:;#-]+)(?:{_PART}|#?\d{{1,2}}|{_ROMAN})$")
_GLUED = re.compile(r"(?<=[a-z]{2})\d$")
_LEADING = re.compile(r"^(?:the|a|an)\s+|,\s*(?:the|a|an)$")
_N_READ = 300  # characters of a title; the patterns are not meant for pages of text
_WORD = re.compile(r"[\w']+")


def series_of(catalogue: Catalogue) -> Mapping[ItemId, str]:
    """The series key of every item; items with the same key are of one series. Most keys stand once."""
    titles = {item_id: item.title[:_N_READ] for item_id, item in catalogue.items()}
    wholes = {_key(_plain(title)) for title in titles.values() if not _SEPARATOR.search(_plain(title))}
    return {item_id: series_key(title, wholes=wholes) for item_id, title in titles.items()}


def series_key(title: str, *, wholes: Container[str] = frozenset()) -> str:
    """What the titles of one series have in common: `toy story` of `Toy Story 2 (1999)`; lower case, no article.

    Args:
        title: As displayed. Years and other brackets are ignored, but `(Harry Potter, #1)` names the series.
        wholes: Keys of titles without a subtitle. A single word before a colon counts as the series only when it is
            one of them: `Alien: Resurrection` belongs to `Alien`, and `Mission: Impossible` to nothing.
    """
    title = title[:_N_READ]
    named = _NAMED.search(title)
    if named and _key(named[1].casefold()):
        return _key(named[1].casefold())
    plain = _plain(title)
    for head in _heads(plain):
        key = _key(head)
        if " " in key or key in wholes or (key and _without_numerals(head) != head):
            return key
    return _key(plain)


def names_series(text: str, key: str) -> bool:
    """Whether `text` says the words of a series' key next to each other, in singular or plural."""
    said, wanted = (f" {' '.join(map(singular, _WORD.findall(_plain(part))))} " for part in (text, key))
    return bool(key) and wanted in said


def _plain(title: str) -> str:
    compatible = unicodedata.normalize("NFKC", title).casefold()  # a raised 3 becomes a plain one
    return " ".join(_BRACKETS.sub(" ", compatible).split())


def _heads(plain: str) -> Iterator[str]:
    for separator in _SEPARATOR.finditer(plain):
        yield plain[: separator.start()]


def _without_numerals(text: str) -> str:
    while True:
        shorter = _GLUED.sub("", _NUMERAL.sub("", text)).rstrip(" ,:;-.")
        if shorter == text or not shorter:
            return text
        text = shorter


def _key(text: str) -> str:
    found = _WORD.findall(_LEADING.sub("", _without_numerals(_LEADING.sub("", text))))
    if not found:
        return ""
    # The plural of a name is often its sequel: Alien, Aliens.
    return " ".join([*found[:-1], singular(found[-1])])
