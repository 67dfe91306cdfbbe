import gzip
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from llmrec.data.sources import DATASETS, Dataset, dataset_info, read_dataset
from llmrec.errors import ConfigError, DataError
from llmrec.types import ItemId, UserId

N_FLAGS = 19


def flags(*numbers: int) -> str:
    return "|".join("1" if n in numbers else "0" for n in range(N_FLAGS))


def grouplens_100k(directory: Path) -> Path:
    items = [
        f"1|Toy Story (1995)|01-Jan-1995||http://x|{flags(3, 4, 5)}",
        f"267|unknown||||{flags(0)}",
        f"1005|Double vie de Véronique, La (Double Life of Veronique, The) (1991)|||http://x|{flags(8)}",
        f"1412|Land Before Time III: The Time of the Great Giving (1995) (V)|||http://x|{flags(3, 4)}",
    ]
    (directory / "u.item").write_bytes("\n".join(items).encode("latin-1"))
    (directory / "u.data").write_text("196\t1\t3\t881250949\n186\t267\t4\t891717742\n196\t1005\t5\t881250940\n")
    return directory


def recbole_100k(directory: Path) -> Path:
    items = [
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
        "1\tToy Story\t1995\tAnimation Children's Comedy",
        "267\tunkonwn\tunkonwn\tunknown",
        "1005\tDouble vie de Véronique, La (Double Life of Veronique, The)\t1991\tDrama",
        "1412\tLand Before Time III: The Time of the Great Giving (1995)\tV\tAnimation Children's",
    ]
    (directory / "ml-100k.item").write_text("\n".join(items), encoding="utf-8")
    (directory / "ml-100k.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "186\t267\t4\t891717742\n196\t1005\t5\t881250940\n196\t1\t3\t881250949\n"
    )
    return directory


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def titles(dataset: Dataset) -> list[str]:
    return [item.title for item in dataset.catalogue.values()]


def test_both_layouts_of_movielens_100k_are_the_same_data(tmp_path: Path) -> None:
    ours = read_dataset("movielens-100k", grouplens_100k(folder(tmp_path, "a")))
    theirs = read_dataset("movielens-100k", recbole_100k(folder(tmp_path, "b")))
    assert ours.interactions.content_hash == theirs.interactions.content_hash
    assert ours.catalogue.content_hash == theirs.catalogue.content_hash
    assert titles(ours) == [
        "Toy Story (1995)",
        "unknown",
        "La Double vie de Véronique (The Double Life of Veronique) (1991)",
        "Land Before Time III: The Time of the Great Giving (1995)",
    ]
    assert ours.catalogue[ItemId("1")].facts == {"year": 1995, "genres": ("Animation", "Children's", "Comedy")}
    assert ours.catalogue[ItemId("267")].facts == {}


def test_lost_accents_come_back_from_the_films_address(tmp_path: Path) -> None:
    grouplens_100k(tmp_path)
    lines = [
        f"1|Mis\ufffdrables, Les (1995)|||http://x/title-exact?Mis%E9rables,%20Les%20(1995)|{flags(8)}",
        f"2|Metisse (Caf\ufffd au Lait) (1993)|||http://x/Title?M%E9tisse+(1993)|{flags(8)}",
    ]
    (tmp_path / "u.item").write_text("\n".join(lines), encoding="utf-8")
    dataset = read_dataset("movielens-100k", tmp_path)
    assert titles(dataset) == ["Les Misérables (1995)", "Metisse (Caf\ufffd au Lait) (1993)"]
    assert dataset.reports[1].rejected == 2


def test_movielens_1m_is_read_with_its_separators(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_bytes("1::Amélie: La vie (2001)::Comedy|Romance\n".encode("latin-1"))
    (tmp_path / "ratings.dat").write_text("7::1::5::978300760\n")
    dataset = read_dataset("movielens-1m", tmp_path)
    assert titles(dataset) == ["Amélie: La vie (2001)"]
    assert dataset.catalogue[ItemId("1")].facts == {"year": 2001, "genres": ("Comedy", "Romance")}
    assert dataset.interactions.history(UserId("7")).interactions[0].at == 978300760


@pytest.mark.parametrize("name", ["movielens-latest-small", "movielens-20m", "movielens-25m"])
def test_releases_in_csv_take_addresses_from_their_links(tmp_path: Path, name: str) -> None:
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\n1,"Matrix, The (1999)",Action|Sci-Fi\n2,Short (2001),(no genres listed)\n'
    )
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0133093,603\n")
    dataset = read_dataset(name, tmp_path)
    matrix, short = dataset.catalogue.values()
    assert (matrix.title, matrix.url) == ("The Matrix (1999)", "https://www.imdb.com/title/tt0133093/")
    assert (short.facts, short.url) == ({"year": 2001}, "")


BOOKS = (
    "book_id,goodreads_book_id,authors,original_publication_year,title,language_code,image_url\n"
    '1,2767052,"Ann One, Bob Two",2008.0,"The Games (Games, #1)",eng,http://x/1.jpg\n'
    "2,3,Cat Three,,Untitled,,http://x/2.jpg\n"
)


@pytest.mark.parametrize(
    "header", ["book_id,user_id,rating\n1,314,5\n2,314,3\n", "user_id,book_id,rating\n314,1,5\n314,2,3\n"]
)
def test_both_releases_of_goodbooks_are_read_and_have_no_time(tmp_path: Path, header: str) -> None:
    (tmp_path / "books.csv.gz").write_bytes(gzip.compress(BOOKS.encode()))
    with zipfile.ZipFile(tmp_path / "ratings.csv.zip", "w") as archive:
        archive.writestr("ratings.csv", header)
    dataset = read_dataset("goodbooks-10k", tmp_path)
    first, second = dataset.catalogue.values()
    assert first.facts == {"authors": ("Ann One", "Bob Two"), "year": 2008, "language": "eng"}
    assert second.facts == {"authors": ("Cat Three",)}
    history = dataset.interactions.history(UserId("314"))
    assert {(i.item_id, i.value, i.at) for i in history.interactions} == {("1", 5.0, None), ("2", 3.0, None)}
    assert not dataset.has_time


def test_ids_of_amazon_games_say_nothing_of_who_came_first(tmp_path: Path) -> None:
    names = [f"Game {n}" for n in range(50)]
    (tmp_path / "Games-6k.item").write_text(
        "item_id:token\ttitle:token_seq\n" + "\n".join(f"{n}\t{name}" for n, name in enumerate(names))
    )
    (tmp_path / "Games-6k.test.inter.gz").write_bytes(
        gzip.compress(b"user_id:token\titem_id_list:token_seq\titem_id:token\n0\t0 1 2\t3\n1\t4\t5\n")
    )
    dataset = read_dataset("amazon-games", tmp_path)
    assert sorted(titles(dataset)) == sorted(names)
    assert titles(dataset) != names
    met = dataset.interactions.history(UserId("0")).item_ids
    assert [dataset.catalogue[item_id].title for item_id in met] == ["Game 0", "Game 1", "Game 2", "Game 3"]
    assert met != ("0", "1", "2", "3")
    assert read_dataset("amazon-games", tmp_path).catalogue.ids == dataset.catalogue.ids
    assert titles(read_dataset("amazon-games", tmp_path)) == titles(dataset)


def dialogue(number: str, answers: object) -> str:
    return json.dumps({"conversationId": number, "initiatorWorkerId": 7, "initiatorQuestions": answers})


def test_redial_takes_what_the_initiator_said_of_known_films(tmp_path: Path) -> None:
    film = {
        "name": "Heat (1995)",
        "genre": ["crime", "sci-fi"],
        "plot": "A thief.",
        "star": ["Al Pacino"],
        "imdb_id": "tt1",
    }
    (tmp_path / "id2info.json").write_text(json.dumps({number: film for number in "12345"}))
    liked, not_liked, seen = {"liked": 1, "seen": 1}, {"liked": 0, "seen": 1}, {"liked": 2, "seen": 1}
    unsaid = {"liked": 2, "seen": 0}
    lines = [dialogue("a", {"1": liked, "2": not_liked, "3": seen, "4": unsaid, "99": liked}), dialogue("b", [])]
    (tmp_path / "valid_data.jsonl").write_text("\n".join([*lines, dialogue("held-out", {"5": liked})]))
    (tmp_path / "valid_data_kgsf.jsonl").write_text(lines[0])
    (tmp_path / "valid_data_processed.jsonl").write_text(json.dumps({"dialog_id": "held-out"}))
    dataset = read_dataset("redial", tmp_path)
    history = dataset.interactions.history(UserId("7"))
    assert [(i.item_id, i.value) for i in history.interactions] == [("1", 2.0), ("2", 0.0), ("3", 1.0)]
    heat = dataset.catalogue[ItemId("1")]
    assert heat.facts == {"year": 1995, "genres": ("Crime", "Sci-Fi"), "cast": ("Al Pacino",)}
    assert (heat.description, heat.url) == ("A thief.", "https://www.imdb.com/title/tt1/")


def test_the_files_may_lie_in_the_folder_their_archive_unpacks_to(tmp_path: Path) -> None:
    grouplens_100k(folder(tmp_path, "ml-100k"))
    assert len(read_dataset("movielens-100k", tmp_path).catalogue) == 4


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(
        ConfigError, match=r"'movielens100k'. Did you mean movielens-100k\? Known: movielens-100k, .*redial"
    ):
        dataset_info("movielens100k")


def test_a_missing_file_is_named_with_the_layouts_known(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("1\t1\t1\t1\n")
    with pytest.raises(DataError, match=r"has no file u\.item.*GroupLens: u\.data, u\.item; RecBole: ml-100k\.inter"):
        read_dataset("movielens-100k", tmp_path)
    with pytest.raises(DataError, match=r"there is no directory .*gone"):
        read_dataset("redial", tmp_path / "gone")


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (grouplens_100k(tmp_path) / "u.data").write_text("1\t1\t1\t1\n2\t1\n")
    with pytest.raises(DataError, match=r"line 2 of .*u\.data has 2 fields; 4 are expected"):
        read_dataset("movielens-100k", tmp_path)


def test_every_data_set_says_whose_it_is() -> None:
    assert all(info.licence and info.citation for info in DATASETS.values())


@pytest.fixture(scope="session")
def data_directory() -> Path:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA names no data directory")
    return Path(directory)


COUNTS = {  # items, users, interactions: as the origins state them
    "movielens-100k": (1682, 943, 100_000),
    "movielens-latest-small": (9742, 610, 100_836),
    "goodbooks-10k": (10_000, 53_424, 981_756),
    "amazon-games": (16_859, 50_546, 440_264),
}


@pytest.mark.data
@pytest.mark.parametrize("name", COUNTS)
def test_the_whole_data_set_is_read(data_directory: Path, name: str) -> None:
    dataset = read_dataset(name, data_directory / DATASETS[name].folder)
    n_met = len(dataset.interactions)
    assert (len(dataset.catalogue), len(dataset.interactions.user_ids), n_met) == COUNTS[name]
    assert all(report.rejected == 0 for report in dataset.reports)
    assert dataset.has_time != (name == "goodbooks-10k")
    assert np.isnan(dataset.interactions.at).all() == (name in {"goodbooks-10k", "amazon-games"})


@pytest.mark.data
def test_the_whole_of_redial_is_read_without_its_held_out_dialogues(data_directory: Path) -> None:
    dataset = read_dataset("redial", data_directory)
    assert len(dataset.catalogue) == 6583
    assert (len(dataset.interactions.user_ids), len(dataset.interactions)) == (300, 5855)
    assert set(dataset.interactions.values.tolist()) == {0.0, 1.0, 2.0}


@pytest.mark.data
def test_the_hash_of_movielens_100k_is_the_one_of_both_origins(data_directory: Path) -> None:
    dataset = read_dataset("movielens-100k", data_directory)
    assert dataset.interactions.content_hash == "cb042a9a639808f37491ec7f2b4357fd4600b49f712b1f80d1c29f2b2acc5401"
    assert dataset.catalogue[ItemId("177")].title == "The Good, The Bad and The Ugly (1966)"
    assert dataset.catalogue[ItemId("267")].title == "unknown"
