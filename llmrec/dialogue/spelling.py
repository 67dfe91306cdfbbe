"""What spelling says: whether words in a message are meant as a title, and where the title begins and ends."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmrec.dialogue.lexicon import FILLERS
from llmrec.dialogue.reading import Mention
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.words import Span, Word, fold
from llmrec.types import ItemId

_SENTENCE_END = re.compile(r"[.;!?\n]\s*$")
_YEAR_AFTER = re.compile(r"\s*,?\s*(?:from\s+)?\(?\b((?:18|19|20)\d\d)\b\)?", re.ASCII)
_YEAR_BEFORE = re.compile(r"\b((?:18|19|20)\d\d)\s+$", re.ASCII)
_ARTICLE_BEFORE = re.compile(r"\b(the|an?|la|le|les|il|el|das|der|une?)\s+$", re.IGNORECASE)
_MOSTLY = 0.75
_MIN_WORDS = 4


def case_speaks(words: Sequence[Word]) -> bool:
    """Whether capitals carry meaning: not in a message that writes nearly every word with one."""
    letters = [word for word in words if word.text[:1].isalpha()]
    capital = sum(_is_capital(word) for word in letters)
    return len(letters) < _MIN_WORDS or capital <= _MOSTLY * len(letters)


def capitals_go_on(text: str, words: Sequence[Word]) -> bool:
    """Whether capitals or numbers go on beyond the words: "Alien Autopsy" is not Alien, nor is "Alien 2049".

    The item's own year belongs to its title and is asked for before this.
    """
    after = re.match(r" ([^\W_][\w']*)", text[words[-1].end : words[-1].end + 40])
    if after is None or not _is_capital(words[0]):
        return False
    following = after[1]
    is_subject = following == "I" or following.startswith("I'")
    return (following[:1].isupper() or following[:1].isdigit()) and not is_subject


def is_clear(text: str, words: Sequence[Word], span: Span, *, case_speaks: bool) -> bool:
    """Whether the spelling alone shows that `words`, the title part of `span`, are meant as a title."""
    content = [word for word in words if word.key not in FILLERS]
    capital = bool(content) and all(_is_capital(word) or word.text[:1].isdigit() for word in content)
    if len(words) > 1:
        many = len(content) > 1
        return (many and len(words) > 2) or (capital and (many or case_speaks))
    opens = span.start == 0 or _SENTENCE_END.search(text, max(0, span.start - 5), span.start) is not None
    return _is_capital(words[0]) and case_speaks and (not opens or text[span.start].islower())


def starts_with_year(text: str) -> bool:
    """Whether a mention opens with the year of its item: "1954 Sabrina"."""
    return re.match(r"(?:18|19|20)\d\d\s", text) is not None


def widen(text: str, words: Sequence[Word], item_ids: tuple[ItemId, ...], titles: TitleIndex) -> Mention:
    """The mention with its article and the year that tells it from its namesakes."""
    start, end = words[0].start, words[-1].end
    if words[-1].text.casefold().endswith("'s") and not _own_possessive(words[-1], titles.catalogue[item_ids[0]].title):
        end -= 2
    article = _ARTICLE_BEFORE.search(text, max(0, start - 5), start)
    if article and titles.catalogue[item_ids[0]].title.casefold().startswith(f"{article[1].casefold()} "):
        start = article.start()
    after = _YEAR_AFTER.match(text, end)
    same_year = titles.of_year(item_ids, int(after[1])) if after else ()
    if after and same_year:
        return Mention(Span(start, after.end()), same_year, text[start : after.end()])
    before = _YEAR_BEFORE.search(text, max(0, start - 8), start)
    same_year = titles.of_year(item_ids, int(before[1])) if before else ()
    if before and same_year:
        return Mention(Span(before.start(), end), same_year, text[before.start() : end])
    return Mention(Span(start, end), item_ids, text[start:end])


def _own_possessive(word: Word, title: str) -> bool:
    return word.key in {fold(part) for part in re.findall(r"[\w']+", title)}


def _is_capital(word: Word) -> bool:
    return word.text[:1].isupper()
