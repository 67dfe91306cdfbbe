"""Titles as people write them: articles put back in front, the year split off, and a key that joins spellings."""

from __future__ import annotations

import re
import unicodedata

_ARTICLE = re.compile(
    r"The|An?|Les?|La|L['\u2019]|Il|Lo|El|Los|Las|Das|Der|Die|Une?|Uma|O|Det|Den|De|Het|Eine?|Una|Uno|Um|Gli"
)
# "Die Hard" and "Las Vegas" begin with a word, not with an article, so a key drops only what is safe to drop.
_KEY_ARTICLES = frozenset(("the", "a", "an", "les", "la", "le", "l", "il", "el", "der", "das", "un", "une"))
_YEAR = re.compile(r"\((\d{4})\)$", re.ASCII)
_AKA = re.compile(r"(?:a\.k\.a\.|aka)\s+", re.IGNORECASE)
_APOSTROPHES = re.compile("['’‘ʼ`´]")  # noqa: RUF001 - all are typed for one another
_GLUED_NUMBERS = re.compile("([¹²³¼½¾⅓⅔])")
_STROKED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})  # noqa: RUF001


def uninvert(title: str) -> str:
    """The title with its articles in front: `Matrix, The (1999)` becomes `The Matrix (1999)`.

    Second titles in closing parentheses are treated alike. A title that needs no change comes back as it was.
    """
    main, groups = _closing_groups(title)
    turned = [_turn(main), *(_turn_group(group) for group in groups)]
    if turned == [main, *groups]:
        return title
    return " ".join([turned[0], *(f"({group})" for group in turned[1:])]).strip()


def split_year(title: str) -> tuple[str, int | None]:
    """Title without its closing `(1995)`, and that year; None unless it lies in 1870 to 2100 and a title is left."""
    text = title.rstrip()
    match = _YEAR.search(text)
    bare = text[: match.start()].rstrip() if match else ""
    if not match or not bare or not 1870 <= int(match[1]) <= 2100:
        return title, None
    return bare, int(match[1])


def title_key(title: str) -> str:
    """One key for all spellings of a title; never empty for a title that shows anything.

    Without year, leading article, case, diacritics and punctuation; `&` reads as `and`.
    """
    bare, _ = split_year(uninvert(title.strip()))
    words = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in _folded(bare)).split()
    if len(words) > 1 and words[0] in _KEY_ARTICLES:
        words = words[1:]
    return " ".join(words) or " ".join(bare.casefold().split())


def title_keys(title: str) -> tuple[str, ...]:
    """`title_key` of the whole title first, then of the title without its second titles and of each of those."""
    bare, _ = split_year(uninvert(title.strip()))
    main, groups = _closing_groups(bare)
    parts = [bare, main, *(_AKA.sub("", group, count=1) for group in groups)] if groups else [bare]
    return tuple(dict.fromkeys(title_key(part) for part in parts if part.strip()))


def _folded(text: str) -> str:
    spaced = _GLUED_NUMBERS.sub(r" \1", text).replace("&", " and ")
    # An elided article is a word of its own; any other apostrophe is inside one.
    spaced = re.sub(r"^([Ll])['’]", r"\1 ", spaced)  # noqa: RUF001
    decomposed = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", spaced).casefold())
    # Only Latin-style accents go; the marks of Indic scripts and kana are part of the letter.
    plain = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", plain).translate(_STROKED)


def _closing_groups(title: str) -> tuple[str, list[str]]:
    groups: list[str] = []
    text = title.rstrip()
    while text.endswith(")"):
        start = text.rfind("(")
        if start < 1 or ")" in text[start + 1 : -1]:
            break
        groups.insert(0, text[start + 1 : -1])
        text = text[:start].rstrip()
    return text, groups


def _turn(title: str) -> str:
    rest, _, article = title.rpartition(", ")
    shape = article.capitalize() if article.isupper() else article
    if not rest or not _ARTICLE.fullmatch(shape):
        return title
    return f"{article}{rest}" if article.endswith(("'", "\u2019")) else f"{article} {rest}"


def _turn_group(group: str) -> str:
    aka = _AKA.match(group)
    return group[: aka.end()] + _turn(group[aka.end() :]) if aka else _turn(group)
