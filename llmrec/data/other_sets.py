"""The layouts in which goodbooks-10k and Amazon Games are found, as rows of items and interactions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from llmrec.data.set_files import RawRows, find, first_layout, read_text_file, records
from llmrec.data.tables import Row, read_rows
from llmrec.errors import DataError

_SEED = 20_000_101


def read_goodbooks(directory: Path) -> RawRows:
    """goodbooks-10k, first release (`book_id` of a rating is that of books.csv, 1 to 10,000) or second."""
    first_layout(directory, {"goodbooks": ("books.csv", "ratings.csv")})
    return RawRows(_books(find(directory, "books.csv")), _book_ratings(find(directory, "ratings.csv")))


def read_amazon_games(directory: Path) -> RawRows:
    """Amazon Video Games as LLMRank ships it: one line a user, the whole history and the item after it.

    Its items are numbered in order of first appearance, so that neighbours belong to one user. Ids and order of items
    are shuffled, the same way each time, for no tie may be broken by what came next.
    """
    first_layout(directory, {"LLMRank": ("Games-6k.item", "Games-6k.test.inter")})
    titles = list(records(find(directory, "Games-6k.item"), "\t", 2, skip=1))
    order = np.random.default_rng(_SEED).permutation(len(titles))
    new_id = {titles[old][0]: str(new) for new, old in enumerate(order)}
    items: Iterator[Row] = ({"item_id": str(new), "title": titles[old][1]} for new, old in enumerate(order))
    return RawRows(items, _games_played(find(directory, "Games-6k.test.inter"), new_id))


def _books(path: Path) -> Iterator[Row]:
    for _, book in read_rows(path):
        language = str(book["language_code"])
        yield {
            "item_id": book["book_id"],
            "title": book["title"],
            "authors": str(book["authors"]).split(", "),
            "year": book["original_publication_year"],
            "language": language,
            "url": f"https://www.goodreads.com/book/show/{book['goodreads_book_id']}",
            "image_url": book["image_url"],
        }


def _book_ratings(path: Path) -> Iterator[Row]:
    lines = read_text_file(path).splitlines()
    columns = lines[0].split(",") if lines else []
    if sorted(columns) != ["book_id", "rating", "user_id"]:
        raise DataError(f"{path} has the columns {columns}; book_id, user_id and rating are expected.")
    user, item, rating = (columns.index(name) for name in ("user_id", "book_id", "rating"))
    # The file is sorted by book, and books by popularity; read as time, everyone would end with an unpopular one.
    for n in np.random.default_rng(_SEED).permutation(len(lines) - 1) + 1:
        fields = lines[n].split(",")
        yield {"user_id": fields[user], "item_id": fields[item], "rating": fields[rating]}


def _games_played(path: Path, new_id: dict[str, str]) -> Iterator[Row]:
    for user_id, history, target in records(path, "\t", 3, skip=1):
        for item_id in (*history.split(" "), target):
            yield {"user_id": user_id, "item_id": new_id.get(item_id, item_id)}
