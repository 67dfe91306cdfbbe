"""Which column of a table holds what: the owner's names for ours, and a good guess when one is missing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from llmrec.errors import ConfigError, DataError

# What shops and data sets call these columns; only used to suggest, never to choose.
_ALSO_KNOWN: Mapping[str, tuple[str, ...]] = {
    "item_id": (
        *("id", "itemid", "item", "sku", "asin", "isbn", "product_id", "productid", "article_id", "book_id", "bookid"),
        *("movie_id", "movieid", "track_id", "video_id", "parent_asin"),
    ),
    "title": ("name", "item_title", "product_name", "product_title", "movie_title", "book_title", "headline", "label"),
    "user_id": (
        "userid",
        "user",
        "uid",
        "customer_id",
        "customerid",
        "customer",
        "account_id",
        "member_id",
        "visitor_id",
    ),
}
_INTERACTIONS_ONLY = frozenset({"user_id", "rating", "weight", "value", "timestamp", "at"})


def resolve_columns(
    found: Sequence[str], *, required: Sequence[str], columns: Mapping[str, str] | None, source: str
) -> dict[str, str]:
    """Our name of each column by the table's own name, which it keeps unless renamed; empty for one to leave out.

    Args:
        found: The table's columns.
        required: Our names that must be there.
        columns: The owner's name by ours, as in `{"item_id": "sku"}`.
        source: The table, for messages.

    Raises:
        DataError: A required or renamed column is missing; it names the nearest one found.
        ConfigError: One column was given two names.
    """
    asked = dict(columns or {})
    for ours, theirs in asked.items():
        if theirs not in found:
            raise DataError(
                f"{source} has no column {theirs!r} for {ours}; it has {_listed(found)}.",
                hint=_nearest(ours, theirs, found),
            )
    if len(set(asked.values())) < len(asked):
        raise ConfigError(f"columns gives one column of {source} two names ({asked}).", hint="Name each column once.")
    for ours in required:
        if ours not in asked and ours not in found:
            raise DataError(
                f"{source} has no column {ours!r}; it has {_listed(found)}.", hint=_nearest(ours, ours, found)
            )
    renamed = {theirs: ours for ours, theirs in asked.items()}
    # A column whose name was given to another one would say the same word twice, so it is left out.
    return {name: renamed.get(name, "" if name in asked else name) for name in found}


def columns_by_table(columns: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """One mapping that was given for two tables, parted: what concerns items, and what concerns interactions."""
    given = dict(columns or {})
    items = {ours: theirs for ours, theirs in given.items() if ours not in _INTERACTIONS_ONLY}
    interactions = {ours: theirs for ours, theirs in given.items() if ours == "item_id" or ours in _INTERACTIONS_ONLY}
    return items, interactions


def first_of(names: Sequence[str], found: Sequence[str]) -> str | None:
    """The first of `names` that is among `found`."""
    return next((name for name in names if name in found), None)


def _listed(found: Sequence[str]) -> str:
    shown = ", ".join(found[:20])
    return f"{shown} and {len(found) - 20} more" if len(found) > 20 else shown or "no columns"


def _nearest(ours: str, wanted: str, found: Sequence[str]) -> str:
    by_key = {name.casefold().strip().replace(" ", "_").replace("-", "_"): name for name in found}
    known = (wanted.casefold(), *_ALSO_KNOWN.get(ours, ()))
    near = difflib.get_close_matches(wanted.casefold(), by_key, n=1, cutoff=0.6)
    key = next((key for key in known if key in by_key), near[0] if near else None)
    return f"Say which column it is: --columns {ours}={by_key[key] if key else 'NAME'}."
