"""Descriptions for the films of a named data set, from whatever source can be had; what cannot is said, not missed."""

from __future__ import annotations

from pathlib import Path

from llmrec.assets import AssetStore
from llmrec.assets.progress import Progress
from llmrec.data.catalogue import Catalogue
from llmrec.data.film_texts import describe_films
from llmrec.data.interactions import Interactions
from llmrec.errors import AssetError

EXTRACTS, SUMMARIES = "wikipedia-films", "movie-summaries"


def described_films(
    catalogue: Catalogue,
    interactions: Interactions,
    store: AssetStore,
    progress: Progress,
    *,
    given: Path | None = None,
) -> tuple[Catalogue, tuple[str, ...]]:
    """The films with descriptions, and sentences about where those came from and whom to credit.

    Encyclopedia extracts come first; where they cannot be had, the shorter collection of summaries; always our own
    mood lines.

    Args:
        catalogue: The films.
        interactions: Of them, to say how many have a description now.
        store: Fetches texts.
        progress: Told of the bytes as they come.
        given: The user's directory of data sets; extracts that lie in its folder `wikipedia-films` are not fetched.

    Raises:
        DataError: Texts that were given are damaged.
    """
    extracts, missed = (_extracts_in(given / EXTRACTS) if given is not None else ()), ""
    if not extracts:
        fetched, missed = _fetched(EXTRACTS, store, progress)
        extracts = _extracts_in(fetched) if fetched else ()
    summaries, missed_too = (None, "") if extracts else _fetched(SUMMARIES, store, progress)
    described, report = describe_films(
        catalogue,
        extracts=extracts,
        summaries=next(summaries.rglob("movie_summaries.json*"), None) if summaries else None,
    )
    counts = ", ".join(f"{name} {count}" for name, count in report.by_source.items())
    met = report.interaction_coverage(interactions)
    shares = f"{report.item_coverage:.1%} of the items, {met:.1%} of the interactions"
    covered = f"{len(report.described)} of {report.n_items} items have a description: {shares} ({counts})."
    return described, tuple(filter(None, (covered, report.attribution, missed, missed_too)))


def _extracts_in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob("movies-*.json*")))


def _fetched(name: str, store: AssetStore, progress: Progress) -> tuple[Path | None, str]:
    try:
        return store.fetch(name, progress=progress), ""
    except AssetError as error:
        return None, f"Without {name}: {error}"
