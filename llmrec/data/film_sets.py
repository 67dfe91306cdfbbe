"""The layouts in which the MovieLens data sets and ReDial are found, as rows of items and interactions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from llmrec.data.set_files import RawRows, find, find_optional, first_layout, read_text_file, records
from llmrec.data.tables import Row
from llmrec.errors import DataError

# The order of the flags at the end of a line of u.item, as u.genre names them.
_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_NO_GENRE = frozenset({"unknown", "(no genres listed)"})
_MEDIUM = re.compile(r"\s*\((?:T?V)\)$")
_GAP = "\N{REPLACEMENT CHARACTER}"
_LIKED, _SEEN, _NOT_LIKED = 2.0, 1.0, 0.0


def read_100k(directory: Path) -> RawRows:
    """MovieLens-100K as GroupLens or as RecBole ships it; both give the same rows."""
    layouts = {"GroupLens": ("u.data", "u.item"), "RecBole": ("ml-100k.inter", "ml-100k.item")}
    layout = first_layout(directory, layouts)
    interactions, items = (find(directory, file) for file in layouts[layout])
    if layout == "GroupLens":
        return RawRows(_items_u(items), _ratings(interactions, "\t"))
    return RawRows(_items_atomic(items), _ratings(interactions, "\t", skip=1))


def read_1m(directory: Path) -> RawRows:
    """MovieLens-1M: `::` between fields, Latin-1."""
    first_layout(directory, {"GroupLens": ("ratings.dat", "movies.dat")})
    items: Iterator[Row] = (
        {"item_id": item_id, "title": title, "genres": _genres(genres.split("|"))}
        for item_id, title, genres in records(find(directory, "movies.dat"), "::", 3)
    )
    return RawRows(items, _ratings(find(directory, "ratings.dat"), "::"))


def read_csv_release(directory: Path) -> RawRows:
    """MovieLens latest-small, 20M and 25M: movies.csv and ratings.csv; links.csv gives addresses where it is there."""
    first_layout(directory, {"GroupLens": ("ratings.csv", "movies.csv")})
    return RawRows(_items_latest(directory), _ratings(find(directory, "ratings.csv"), ",", skip=1))


def read_redial(directory: Path) -> RawRows:
    """ReDial: films of id2info.json; what each dialogue's initiator liked or has seen.

    Dialogues of `valid_data_processed`, which measure conversations, are left out where that file names them.
    """
    first_layout(directory, {"UniCRS": ("id2info.json", "valid_data.jsonl")})
    films: dict[str, Mapping[str, object]] = json.loads(read_text_file(find(directory, "id2info.json")))
    return RawRows((_redial_item(*film) for film in films.items()), _redial_likes(directory, frozenset(films)))


def _ratings(path: Path, delimiter: str, *, skip: int = 0) -> Iterator[Row]:
    for user_id, item_id, rating, timestamp in records(path, delimiter, 4, skip=skip):
        yield {"user_id": user_id, "item_id": item_id, "rating": rating, "timestamp": timestamp}


def _items_u(path: Path) -> Iterator[Row]:
    n_flags = len(_GENRES_100K)
    for fields in records(path, "|", None):
        if len(fields) < 5 + n_flags:
            raise DataError(f"{path} has a line of {len(fields)} fields; at least {5 + n_flags} are expected.")
        # One copy has a field too many in the line of the film without a name, so the flags are counted from the end.
        genres = [genre for genre, flag in zip(_GENRES_100K, fields[-n_flags:], strict=True) if flag == "1"]
        title = _MEDIUM.sub("", _restored(fields[1].strip(), fields[4]))
        yield _item_100k(fields[0], title, genres)


def _items_atomic(path: Path) -> Iterator[Row]:
    for item_id, title, year, genres in records(path, "\t", 4, skip=1):
        # This copy misspells the one film without a name, and takes the (V) of a video for a year.
        full = f"{title} ({year})" if year.isdigit() else title
        yield _item_100k(item_id, full.replace("unkonwn", "unknown"), genres.split(" "))


def _item_100k(item_id: str, title: str, genres: Sequence[str]) -> Row:
    # The one film without a name is in histories and must never be recommended.
    return {"item_id": item_id, "title": title, "genres": _genres(genres), "available": title != "unknown"}


def _genres(names: Sequence[str]) -> list[str]:
    return sorted(name for name in names if name not in _NO_GENRE)


def _restored(title: str, address: str) -> str:
    """The title with its accents back, where a copy has lost them and the film's address in the same line has not."""
    if _GAP not in title:
        return title
    spelled = unquote(address.partition("?")[2].replace("+", " "), encoding="latin-1")
    return " ".join(_restored_word(word, spelled) for word in title.split(" "))


def _restored_word(word: str, spelled: str) -> str:
    bare = word.strip("(),")
    match = re.search(rf"(?<!\w){re.escape(bare).replace(_GAP, '[^ -~]')}(?!\w)", spelled) if _GAP in word else None
    return word.replace(bare, match[0]) if match else word


def _items_latest(directory: Path) -> Iterator[Row]:
    imdb = dict(_imdb_numbers(directory))
    for item_id, title, genres in records(find(directory, "movies.csv"), ",", 3, skip=1):
        address = f"https://www.imdb.com/title/tt{imdb[item_id]}/" if item_id in imdb else ""
        yield {"item_id": item_id, "title": title, "genres": _genres(genres.split("|")), "url": address}


def _imdb_numbers(directory: Path) -> Iterator[tuple[str, str]]:
    path = find_optional(directory, "links.csv")
    if path is not None:
        yield from ((fields[0], fields[1]) for fields in records(path, ",", 3, skip=1))


def _redial_item(item_id: str, film: Mapping[str, object]) -> Row:
    number = film.get("imdb_id")
    return {
        "item_id": item_id,
        "title": film["name"],
        "description": film.get("plot"),
        "url": f"https://www.imdb.com/title/{number}/" if number else "",
        "genres": [str(genre).title() for genre in _listed(film, "genre")],
        "directors": _listed(film, "director"),
        "writers": _listed(film, "writer"),
        "cast": _listed(film, "star"),
    }


def _listed(film: Mapping[str, object], name: str) -> list[object]:
    value = film.get(name)
    return list(value) if isinstance(value, list) else []


def _redial_likes(directory: Path, known: frozenset[str]) -> Iterator[Row]:
    done = {dialogue["dialog_id"] for dialogue in _dialogues(directory, "valid_data_processed.jsonl")}
    for name in ("valid_data.jsonl", "valid_data_kgsf.jsonl", "train_subset_499_kepler.jsonl"):
        for dialogue in _dialogues(directory, name):
            number = str(dialogue["conversationId"])
            if number in done:
                continue
            done.add(number)
            # A dialogue in which nothing was answered has a list where the others have a mapping.
            answers = dialogue.get("initiatorQuestions") or {}
            for item_id, answer in answers.items():
                value = _strength(answer)
                if value is not None and item_id in known:
                    yield {"user_id": dialogue["initiatorWorkerId"], "item_id": item_id, "rating": value}


def _strength(answer: Mapping[str, int]) -> float | None:
    """2 liked, 0 not liked, 1 seen without a word on it; None when nothing was said."""
    liked = {1: _LIKED, 0: _NOT_LIKED}.get(answer.get("liked", 2))
    return _SEEN if liked is None and answer.get("seen") == 1 else liked


def _dialogues(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    # Any: JSON of a known shape, taken apart by the one caller.
    path = find_optional(directory, name)
    if path is not None:
        yield from (json.loads(line) for line in read_text_file(path).split("\n") if line)
