import gzip
import json
import os
from pathlib import Path

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.film_texts import describe_films, first_sentences
from llmrec.data.interactions import Interactions
from llmrec.data.sources import read_dataset
from llmrec.errors import DataError
from llmrec.types import Item, ItemId


def films(*titles: str) -> Catalogue:
    return Catalogue(Item(ItemId(str(n)), title, {"year": 1999}) for n, title in enumerate(titles, start=1))


def moods(directory: Path, *lines: tuple[str, str]) -> Path:
    path = directory / "moods.tsv"
    path.write_text("\n".join("\t".join(line) for line in [("title", "description"), *lines]), encoding="utf-8")
    return path


def extracts(directory: Path, *rows: dict[str, object]) -> Path:
    path = directory / "movies-1990s.json.gz"
    path.write_bytes(gzip.compress(json.dumps(rows).encode()))
    return path


def extract(title: str, year: int, text: str, *cast: str) -> dict[str, object]:
    return {"title": title, "year": year, "extract": text, "cast": list(cast)}


def test_a_description_is_the_mood_line_and_the_beginning_of_the_article(tmp_path: Path) -> None:
    catalogue, report = describe_films(
        films("The Matrix (1999)", "Heat (1995)", "Nothing Known (1990)"),
        moods=moods(tmp_path, ("The Matrix (1999)", "hidden reality, stylish")),
        extracts=[
            extracts(
                tmp_path,
                extract(
                    "The Matrix",
                    1999,
                    "The Matrix is a film.",
                    "A One",
                    "B Two",
                    "C Three",
                    "D Four",
                    "E Five",
                    "F Six",
                ),
                extract("Heat", 1995, "Heat is a film."),
            )
        ],
    )
    matrix, heat, unknown = catalogue.values()
    assert matrix.description == "hidden reality, stylish. The Matrix is a film."
    assert matrix.facts["cast"] == ("A One", "B Two", "C Three", "D Four", "E Five")
    assert (heat.description, heat.facts) == ("Heat is a film.", {"year": 1999})
    assert unknown.description == ""
    assert report.by_source == {"moods": 1, "extracts": 2, "summaries": 0}
    assert (report.described, report.item_coverage) == ({"1", "2"}, 2 / 3)
    assert "CC BY-SA" in report.attribution


def test_our_own_lines_need_no_attribution(tmp_path: Path) -> None:
    _, report = describe_films(films("Heat (1995)"), moods=moods(tmp_path, ("Heat (1995)", "tense")))
    assert report.attribution == ""


def test_the_year_may_be_one_off_but_the_exact_year_comes_first(tmp_path: Path) -> None:
    catalogue, _ = describe_films(
        films("Fear (1996)", "The Fear (1995)", "Alone (1990)", "Far (1980)"),
        moods=moods(tmp_path, ("Fear (1996)", "obsession"), ("Alone (1991)", "quiet"), ("Far (1982)", "distant")),
    )
    assert [item.description for item in catalogue.values()] == ["obsession", "", "quiet", ""]


def test_second_titles_join_in_their_own_year_only(tmp_path: Path) -> None:
    catalogue, _ = describe_films(
        films("Seven (a.k.a. Se7en) (1995)", "Die xue shuang xiong (The Killer) (1989)"),
        moods=moods(tmp_path, ("Se7en (1995)", "rain"), ("Killer! (1990)", "wrong")),
    )
    assert [item.description for item in catalogue.values()] == ["rain", ""]


def test_a_doubtful_join_is_skipped_and_counted(tmp_path: Path) -> None:
    file = extracts(
        tmp_path, extract("Solo", 1999, "One."), extract("Solo", 1999, "Two."), extract("Duo", 1998, "Three.")
    )
    empty = moods(tmp_path)
    catalogue, report = describe_films(films("Solo (1999)", "Duo"), moods=empty, extracts=[file])
    assert [item.description for item in catalogue.values()] == ["", "Three."]
    assert report.ambiguous == 1


def test_summaries_are_asked_last_and_only_when_they_tell_a_year(tmp_path: Path) -> None:
    texts = {
        "Vertigo (film)": "Vertigo is a 1958 American film. It is blue.",
        "Crash (1996 film)": "Crash is a Canadian film.",
        "Persona": "A persona is a role.",
        "Heat": "Heat is a 1995 summary.",
        "Odyssey": "Odyssey is the first 1968 film.",
    }
    path = tmp_path / "summaries.json"
    path.write_text(json.dumps(texts))
    catalogue, report = describe_films(
        films("Vertigo (1958)", "Crash (1996)", "Persona (1966)", "Heat (1995)", "Odyssey (1968)"),
        moods=moods(tmp_path),
        extracts=[extracts(tmp_path, extract("Heat", 1995, "Heat is an extract."))],
        summaries=path,
    )
    assert [item.description for item in catalogue.values()] == [
        "Vertigo is a 1958 American film. It is blue.",
        "Crash is a Canadian film.",
        "",
        "Heat is an extract.",
        "Odyssey is the first 1968 film.",
    ]
    assert report.by_source == {"moods": 0, "extracts": 1, "summaries": 3}


def test_an_items_own_words_and_facts_stay(tmp_path: Path) -> None:
    own = Item(ItemId("1"), "Heat (1995)", {"cast": ("Al Pacino",)}, "A thief.")
    file = extracts(tmp_path, extract("Heat", 1995, "An extract.", "Robert De Niro"))
    catalogue, _ = describe_films(Catalogue([own]), moods=moods(tmp_path, ("Heat (1995)", "tense")), extracts=[file])
    assert catalogue[ItemId("1")] == Item(ItemId("1"), "Heat (1995)", {"cast": ("Al Pacino",)}, "tense. A thief.")


def test_the_lines_of_the_package_describe_well_known_films() -> None:
    catalogue, report = describe_films(films("Star Wars (1977)", "Alien (1979)"))
    assert report.by_source["moods"] == 2
    assert all(item.description for item in catalogue.values())


def test_coverage_of_interactions_counts_rows(films: Catalogue, interactions: Interactions, tmp_path: Path) -> None:
    bare = Catalogue(Item(item.id, item.title) for item in films.values())
    _, report = describe_films(bare, moods=moods(tmp_path, ("Alien (1979)", "dread"), ("Scream (1996)", "scary")))
    # Of 13 interactions two are of Alien and one is of Scream.
    assert report.interaction_coverage(interactions) == pytest.approx(3 / 13)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One. Two.", "One. Two."),
        ("First one. Second is longer than that.", "First one."),
        ("By Mr. Ed Wood. And then some more of it.", "By Mr. Ed Wood."),
        ("words without any end at all here", "words without any …"),
        ("line\nbreak", "line break"),
    ],
)
def test_a_text_is_cut_at_the_end_of_a_sentence(text: str, cut: str) -> None:
    assert first_sentences(text, max_chars=20) == cut


@pytest.mark.parametrize(
    ("content", "message"), [("{", "is not JSON"), ("{}", "is not a list of films"), ("[1]", "is not a list")]
)
def test_broken_extracts_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "movies.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        describe_films(films("Heat (1995)"), extracts=[path])


def test_a_mood_line_without_a_tab_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.tsv").write_text("title\tdescription\nHeat (1995) tense\n")
    with pytest.raises(DataError, match="line 2 of"):
        describe_films(films("Heat (1995)"), moods=tmp_path / "m.tsv")


@pytest.mark.data
def test_nearly_every_rating_of_movielens_100k_is_of_a_described_film() -> None:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA names no data directory")
    dataset = read_dataset("movielens-100k", Path(directory))
    lists = sorted((Path(directory) / "wikipedia-films").glob("movies-*.json.gz"))
    _, ours = describe_films(dataset.catalogue)
    assert ours.by_source["moods"] >= 720
    assert ours.interaction_coverage(dataset.interactions) >= 0.89
    _, all_sources = describe_films(dataset.catalogue, extracts=lists)
    assert all_sources.by_source["extracts"] >= 1209
    assert all_sources.interaction_coverage(dataset.interactions) >= 0.97


@pytest.mark.data
def test_wikipedia_alone_covers_most_ratings_of_latest_small(tmp_path: Path) -> None:
    directory = os.environ.get("LLMREC_TEST_DATA")
    if not directory:
        pytest.skip("LLMREC_TEST_DATA names no data directory")
    dataset = read_dataset("movielens-latest-small", Path(directory))
    lists = sorted((Path(directory) / "wikipedia-films").glob("movies-*.json.gz"))
    (tmp_path / "none.tsv").write_text("title\tdescription\n")
    _, joined = describe_films(dataset.catalogue, moods=tmp_path / "none.tsv", extracts=lists)
    covers = f"{joined.item_coverage:.1%} of items, {joined.interaction_coverage(dataset.interactions):.1%} of ratings"
    assert covers == "65.1% of items, 87.3% of ratings"
