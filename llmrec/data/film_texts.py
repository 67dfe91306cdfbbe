"""Descriptions for films: mood lines of our own, then what Wikipedia says; joined by title and year, never by guess."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.table_files import open_bytes
from llmrec.data.titles import split_year, title_keys
from llmrec.errors import DataError
from llmrec.types import Item, ItemId

MAX_EXTRACT_CHARS = 500
_MAX_CAST = 5
_WIKIPEDIA = "Wikipedia contributors, CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/)"
_DISAMBIGUATION = re.compile(r"\s*\(((?:18|19|20)\d{2})?[^()]*\bfilm(?: series)?\)$")
_YEAR_IN_TEXT = re.compile(r"\b(?:is|was) (?:an?|the) (?:[^\s.]+ ){0,3}?((?:18|19|20)\d{2})\b")
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s+[\"'(]?[A-Z0-9]|\s*$)")
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Dr|Mr|Mrs|Ms|St|Jr|Sr|vs|No|Lt|Sgt|Capt)\.$")


@dataclass(frozen=True, slots=True)
class FilmText:
    """What one source says of one film; `year` is None where it does not tell."""

    title: str
    year: int | None
    text: str
    cast: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DescriptionReport:
    """Where the descriptions came from.

    Attributes:
        by_source: How many items got a text of `moods`, of `extracts` and of `summaries`.
        ambiguous: How often a source had several equally good films for an item, so that none was taken.
        described: Items that have a description now.
        n_items: Size of the catalogue.
        attribution: Whom to name where the texts are shown; empty when they are all our own.
    """

    by_source: Mapping[str, int]
    ambiguous: int
    described: frozenset[ItemId]
    n_items: int
    attribution: str

    @property
    def item_coverage(self) -> float:
        """Share of items with a description, in [0, 1]; nan for an empty catalogue."""
        return len(self.described) / self.n_items if self.n_items else float("nan")

    def interaction_coverage(self, interactions: Interactions) -> float:
        """Share of interactions whose item has a description, in [0, 1]; nan when there are none."""
        has_text = [item_id in self.described for item_id in interactions.item_ids]
        n_covered = sum(has_text[position] for position in interactions.items.tolist())
        return n_covered / len(interactions) if len(interactions) else float("nan")


_Joined = Mapping[str, Mapping[ItemId, Sequence[FilmText]]]


class _FilmIndex:
    """Films of one source by the keys of their titles."""

    def __init__(self, films: Iterable[FilmText]) -> None:
        self._by_key: dict[str, list[FilmText]] = {}
        for film in films:
            for key in title_keys(film.title):
                self._by_key.setdefault(key, []).append(film)

    def join(self, items: Iterable[Item]) -> dict[ItemId, list[FilmText]]:
        """Films that may be each item: one is a match, several are a doubt.

        A film of the same year comes first. One of the year before or after will do under the item's first title,
        unless it is another item's film.
        """
        rows = [(item.id, title_keys(item.title), split_year(item.title)[1]) for item in items]
        exact = {item_id: self._at(keys, year, away=0) for item_id, keys, year in rows}
        claimed = frozenset(film for films in exact.values() for film in films)
        near = {item_id: self._at(keys[:2], year, away=1) for item_id, keys, year in rows if not exact[item_id]}
        return exact | {item_id: [f for f in films if f not in claimed] for item_id, films in near.items()}

    def _at(self, keys: Sequence[str], year: int | None, *, away: int) -> list[FilmText]:
        for key in keys:
            films = [
                film
                for film in self._by_key.get(key, ())
                if year is None or (film.year is not None and abs(film.year - year) == away)
            ]
            if films:
                return films
        return []


def describe_films(
    catalogue: Catalogue,
    *,
    moods: Path | None = None,
    extracts: Sequence[Path] = (),
    summaries: Path | None = None,
) -> tuple[Catalogue, DescriptionReport]:
    """The catalogue with descriptions: a mood line, then the beginning of what is written about the film.

    An item's own description takes the place of the encyclopedia's, and a fact it has is never replaced.

    Args:
        catalogue: Films whose titles end in their year.
        moods: Mood lines as `title<TAB>description`; None for those that ship with the package.
        extracts: Wikipedia's lists of films by decade, `movies-1990s.json` and so on; may be `.gz`.
        summaries: A JSON object from article names to texts, asked for films that the extracts do not have.

    Raises:
        DataError: A file is missing or not what it should be.
    """
    sources = {
        "moods": _moods(moods),
        "extracts": (film for path in extracts for film in _extracts(path)),
        "summaries": _summaries(summaries) if summaries else (),
    }
    joined = {name: _FilmIndex(films).join(catalogue.values()) for name, films in sources.items()}
    counts: Counter[str] = Counter({name: 0 for name in sources})
    items = [_described(item, joined, counts) for item in catalogue.values()]
    ambiguous = counts.pop("ambiguous", 0)
    from_wikipedia = counts["extracts"] + counts["summaries"] > 0
    return Catalogue(items), DescriptionReport(
        by_source=dict(counts),
        ambiguous=ambiguous,
        described=frozenset(item.id for item in items if item.description),
        n_items=len(items),
        attribution=f"Texts about films: {_WIKIPEDIA}, shortened." if from_wikipedia else "",
    )


def first_sentences(text: str, *, max_chars: int = MAX_EXTRACT_CHARS) -> str:
    """The beginning of `text` in one line, up to the last sentence that ends within `max_chars`; else cut at a word."""
    line = " ".join(text.split())
    if len(line) <= max_chars:
        return line
    # Looked for in the whole line, so that the cut itself is not taken for an end.
    ends = (match.end() for match in _SENTENCE_END.finditer(line, 0, max_chars + 2) if match.end() <= max_chars)
    ends = (end for end in ends if not _ABBREVIATION.search(line[:end]))
    last = max(ends, default=0)
    return line[:last] if last else line[:max_chars].rpartition(" ")[0].rstrip(",;:") + " …"


def _described(item: Item, joined: _Joined, counts: Counter[str]) -> Item:
    mood = _only(joined, "moods", item, counts)
    article = None
    if not item.description:
        article = _only(joined, "extracts", item, counts) or _only(joined, "summaries", item, counts)
    longer = first_sentences(article.text) if article else item.description
    cast = article.cast if article else ()
    return replace(
        item,
        description=". ".join(text for text in (mood.text if mood else "", longer) if text),
        facts={**item.facts, "cast": cast} if cast and "cast" not in item.facts else item.facts,
    )


def _only(joined: _Joined, name: str, item: Item, counts: Counter[str]) -> FilmText | None:
    films = joined[name].get(item.id, [])
    if len(films) != 1:
        counts["ambiguous"] += bool(films)
        return None
    counts[name] += 1
    return films[0]


def _moods(path: Path | None) -> Iterator[FilmText]:
    shipped = resources.files("llmrec.data") / "resources" / "film_moods.tsv"
    lines = (_read(path) if path else shipped.read_text(encoding="utf-8")).splitlines()
    for number, line in enumerate(lines[1:], start=2):
        title, tab, text = line.partition("\t")
        if not tab:
            raise DataError(f"line {number} of {path or shipped} has no tab between title and description.")
        bare, year = split_year(title)
        yield FilmText(bare, year, text.strip())


def _extracts(path: Path) -> Iterator[FilmText]:
    films = _json(path)
    if not isinstance(films, list) or not all(isinstance(film, dict) and "title" in film for film in films):
        raise DataError(f"{path} is not a list of films.")
    for film in films:
        if film.get("extract"):
            cast = tuple(name for name in film.get("cast", ()) if len(name) > 3)
            yield FilmText(film["title"], film.get("year"), film["extract"], cast[:_MAX_CAST])


def _summaries(path: Path) -> Iterator[FilmText]:
    articles = _json(path)
    if not isinstance(articles, dict):
        raise DataError(f"{path} is not an object from article names to texts.")
    for name, text in articles.items():
        named = _DISAMBIGUATION.search(name)
        told = _YEAR_IN_TEXT.search(text)
        year = (named[1] if named else None) or (told[1] if told else None)
        # Without a year it may be an article on the word, not on the film: "Persona", "Metropolis".
        if year is not None:
            yield FilmText(name[: named.start()] if named else name, int(year), text)


def _json(path: Path) -> object:
    try:
        return json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON: {error}.", hint="Fetch it again.") from error


def _read(path: Path) -> str:
    with open_bytes(path) as stream:
        try:
            return stream.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: byte {error.start:,} cannot be decoded.") from error
