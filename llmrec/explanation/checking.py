"""Whether a text says no more than its evidence: every name, title, fact, number and claim in it must be covered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmrec.data.catalogue import Catalogue
from llmrec.data.titles import split_year, title_key
from llmrec.explanation.terms import STOP_WORDS, Term, stem, stems, terms, word_set
from llmrec.types import Evidence, Item

_MAX_CHARS = 320
_MAX_WORDS = 45
_MAX_SAME_WORD = 3
_MAX_TITLE_WORDS = 12
_SENTENCE_START = re.compile(r"(?:^|[.!?])[\s\"']*$")
_UNWANTED = (
    ("a web address", re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|org|net|io|info)\b", re.IGNORECASE)),
    ("markup", re.compile(r"[<>{}\[\]|`\\*#_~^=]|\n")),
)
# Words that recommend without claiming anything of the item. No negation is among them, for it turns evidence round,
# and no past of liking: whether the user loved something is a fact.
_NEUTRAL = word_set(
    """
    enjoy like love fan fans perfect great good nice match matches fit fits fitting suit suits choice pick recommend
    recommended recommendation suggestion because since why here's try watch give chance look looking want asked wish
    wishes mood feel feeling might well right worth share shares sharing similar close also along item reason reasons
    evening tonight let let's make makes sense one common among
    """
)


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Outcome of a check.

    Attributes:
        uncovered: What the evidence does not hold, as written, or the name of a fault of form.
    """

    ok: bool
    uncovered: tuple[str, ...] = ()


class CoverageChecker:
    """Checks texts about the items of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Learn the titles, so that a title made of everyday words is noticed too."""
        self._catalogue = catalogue
        self._titles = frozenset(title_key(item.title) for item in catalogue.values())

    def check(self, text: str, evidence: Sequence[Evidence], item: Item) -> CoverageReport:
        """Whether `text` about `item` says nothing beyond `evidence` and the item's title."""
        faults = list(_form_faults(text))
        if faults:
            return CoverageReport(ok=False, uncovered=tuple(faults))
        cited = [self._catalogue[e.item_id].title for e in evidence if e.item_id in self._catalogue and e.item_id]
        # A cited title counts as a whole only: its year must not pass for the year of the item.
        sources = [item.title, *(_without(e.text, cited) for e in evidence), *(e.value for e in evidence)]
        covered = frozenset(s for source in sources for s in stems(source))
        rest = _without(text, cited)
        loose = [term.text for term in terms(rest) if not _is_covered(rest, term, covered)]
        foreign = list(self._foreign_titles(terms(rest), sources))
        uncovered = tuple(dict.fromkeys([*foreign, *loose]))
        return CoverageReport(ok=not uncovered, uncovered=uncovered)

    def _foreign_titles(self, words: Sequence[Term], sources: Sequence[str]) -> Iterator[str]:
        """Titles of several words that stand in the text and, as a whole, in no source."""
        keys = [title_key(term.text) for term in words]
        known = [f" {title_key(source)} " for source in sources]
        for start in range(len(keys)):
            for end in range(start + 2, min(len(keys), start + _MAX_TITLE_WORDS) + 1):
                key = " ".join(keys[start:end])
                capital = words[start].text[:1].isupper() and words[end - 1].text[:1].isupper()
                if capital and key in self._titles and not any(f" {key} " in source for source in known):
                    yield " ".join(term.text for term in words[start:end])


def _without(text: str, titles: Sequence[str]) -> str:
    """`text` without whole titles, with or without their years."""
    for spelling in (*titles, *(split_year(title)[0] for title in titles)):
        text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", " ", text)
    return text


def _is_covered(text: str, term: Term, covered: frozenset[str]) -> bool:
    if stem(term.key) in covered:
        return True
    opens = _SENTENCE_START.search(text, 0, term.start) is not None
    if term.text[:1].isupper() and not opens and not term.key.startswith("i"):
        return False  # a capital inside a sentence is a name, even of an everyday word
    # "You're" and "it's" are two small words; their first part decides.
    return term.key.split("'")[0] in STOP_WORDS or term.key in _NEUTRAL


def _form_faults(text: str) -> Iterator[str]:
    words = terms(text)
    if not words:
        yield "nothing is said"
    if len(text) > _MAX_CHARS or len(words) > _MAX_WORDS:
        yield "too long"
    for name, pattern in _UNWANTED:
        if pattern.search(text.strip()):
            yield name
    content = Counter(term.key for term in words if term.key not in STOP_WORDS)
    triples = Counter(zip(*(tuple(term.key for term in words[shift:]) for shift in range(3)), strict=False))
    if any(n > _MAX_SAME_WORD for n in content.values()) or any(n > 1 for n in triples.values()):
        yield "repetition"
