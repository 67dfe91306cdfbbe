"""The pictures of a small catalogue, as a page and as files."""

import json
from collections.abc import Sequence
from pathlib import Path
from string import Formatter
from xml.etree import ElementTree

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ArtifactError
from llmrec.evaluation.charts import Chart
from llmrec.insights import Person, Subject, about_person, about_recommender
from llmrec.insights.report import chart_svg, write_insights
from llmrec.insights.sections import plane_for
from llmrec.insights.words import words_in
from llmrec.types import Contributions, Item, ItemEntry, ItemId, Profile, Query, Ranking, SignalCount

LIKED = Profile(liked=(ItemEntry(ItemId("2"), 0), ItemEntry(ItemId("6"), 0)), disliked=(ItemEntry(ItemId("7"), 1),))
PERSON = Person(
    LIKED, shown=(ItemId("3"), ItemId("4")), voices={ItemId("3"): {"dense": 1.0, "language model": -0.5}},
    candidates=(ItemId("3"), ItemId("4"), ItemId("9")),
)  # fmt: skip


class HandMeter:
    """Says that Alien speaks for Aliens, and that nothing else can be measured."""

    def __init__(self) -> None:
        self.asked: list[Query] = []

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        self.asked.append(query)
        return [Contributions({ItemId("2"): 1.5}) if item_id == "3" else None for item_id in ranking.item_ids]


@pytest.fixture
def subject(films: Catalogue) -> Subject:
    vectors = np.eye(len(films), 4, dtype=np.float32)
    counts = np.arange(len(films), dtype=np.int64)
    weights = {"ease": 0.8, "cold": -0.1}
    reactions = [SignalCount("2026-11-01", "like", 8), SignalCount("2026-11-01", "dislike", 2)]
    return Subject("Films", films, vectors, counts, weights, HandMeter(), reactions)


def test_a_user_of_whom_nothing_is_known_gets_a_sentence(subject: Subject) -> None:
    section = about_person(subject, Person(), plane_for(subject))
    assert section.charts == ()
    assert section.lead.startswith("Nothing is known of you yet")


def test_a_user_is_drawn_from_their_items_and_the_last_answer(subject: Subject) -> None:
    section = about_person(subject, PERSON, plane_for(subject))
    charts = {chart.name: chart for chart in section.charts}
    assert list(charts) == ["kinds_0", "split", "numbers_0", "map", "heat", "voices"]
    assert charts["kinds_0"].alt == (
        "Bars of genres among the items you like: Horror 2 (100%), Sci-Fi 1 (50%), Comedy 1 (50%)."
    )
    assert charts["split"].alt == "Pie of genres: Horror 50%, Sci-Fi 25%, Comedy 25%."
    assert "1 found today, 2 shown, 1 not for you, 2 you like" in charts["map"].alt
    assert charts["voices"].alt.endswith("likeness in content 1, the language model 0.5.")


def test_the_heat_map_is_measured_where_it_can_be_and_says_so(subject: Subject, films: Catalogue) -> None:
    person = Person(Profile(LIKED.liked, shown=(ItemEntry(ItemId("3"), 1),)), shown=PERSON.shown)
    heat = next(chart for chart in about_person(subject, person, None).charts if chart.name == "heat")
    assert heat.alt.endswith("the largest number, 1.50, is of Alien (1979) and Aliens (1986).")
    assert heat.reading.startswith("Measured:")
    assert isinstance(subject.meter, HandMeter)
    # What was shown must be able to come up again, or nothing could be measured of it.
    assert subject.meter.asked[0].profile.shown == ()
    alike = Subject("Films", films, np.ones((len(films), 2), dtype=np.float32))
    heat = next(chart for chart in about_person(alike, person, None).charts if chart.name == "heat")
    assert heat.title.startswith("How alike your items are")
    assert heat.reading == "Cosine of the two items' texts; likeness, not cause."


def test_what_is_not_known_is_not_drawn(films: Catalogue) -> None:
    bare = list(about_recommender(Subject("Films", films)))
    assert [(section.title, [chart.name for chart in section.charts]) for section in bare] == [
        ("The catalogue", ["filled"]),
        ("Quality", []),
    ]
    assert "llmrec evaluate" in bare[1].lead


def test_the_recommender_is_drawn_from_weights_counts_and_reactions(subject: Subject) -> None:
    sections = {section.title: [chart.name for chart in section.charts] for section in about_recommender(subject)}
    assert sections == {
        "What decides": ["weights"],
        "The catalogue": ["filled", "known", "popularity"],
        "Reactions": ["reactions"],
        "Quality": [],
    }


def test_every_picture_is_a_file_for_light_and_dark_with_its_words(subject: Subject, tmp_path: Path) -> None:
    sections = [about_person(subject, PERSON, plane_for(subject)), *about_recommender(subject)]
    page = write_insights("Films", sections, tmp_path / "out")
    words = json.loads((page.parent / "insights.json").read_text())
    assert len(words) == 11
    for word in words.values():
        assert word["alt"]
        files = {name: (page.parent / name).read_bytes() for name in word["files"]}
        pictures = [data for name, data in files.items() if name.endswith(".png")]
        drawings = [data.decode() for name, data in files.items() if name.endswith(".svg")]
        assert (len(pictures), len(drawings)) == (2, 2)
        assert {data[:4] for data in pictures} == {b"\x89PNG"}
        for drawing in drawings:
            assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
            assert (drawing.count("http"), drawing.count("var(")) == (1, 0)
    text = page.read_text()
    assert text.count("<svg") == 11
    assert text.count("http:") + text.count("https:") == 0


def test_the_pictures_words_are_chinese_text_and_what_comes_from_data_is_drawn(subject: Subject) -> None:
    sections = [
        about_person(subject, PERSON, plane_for(subject), language="zh"),
        *about_recommender(subject, language="zh"),
    ]
    assert [section.title for section in sections] == ["您", "由什么决定", "目录", "评价", "质量"]
    texts = {chart.name: texts_of(chart) for section in sections for chart in section.charts}
    assert texts == {
        "kinds_0": ["在您喜欢的条目中的份额", "在整个目录中"],
        "split": [],
        "numbers_0": ["在您喜欢的条目中的份额", "在整个目录中"],
        "map": ["第一轴", "第二轴", "今天找到的", "列出的", "您不喜欢的", "您喜欢的"],
        "heat": [],
        "voices": ["在得分中的平均大小", "内容相近", "语言模型"],
        "weights": ["权重"],
        "filled": ["在条目中的份额", "简介"],
        "known": ["条目", "无人", "1 到 4", "5 到 19", "20 到 99", "100 以上"],
        "popularity": ["条目，接触最多的在前", "接触次数"],
        "reactions": ["喜欢的份额"],
    }


def test_many_kinds_end_in_a_slice_that_is_named_in_the_pages_language() -> None:
    rows = [Item(ItemId(str(n)), f"T{n}", {"kind": f"k{n // 2}"}) for n in range(16)]
    liked = Profile(liked=tuple(ItemEntry(item.id, 0) for item in rows))
    subject, person = Subject("Things", Catalogue(rows)), Person(liked)
    (chinese,) = [c for c in about_person(subject, person, None, language="zh").charts if c.name == "split"]
    (english,) = [c for c in about_person(subject, person, None).charts if c.name == "split"]
    assert texts_of(chinese) == ["其他 3 种 38%"]
    assert texts_of(english) == []


def test_every_language_has_the_words_that_english_has_with_the_same_slots() -> None:
    english, chinese = words_in("en"), words_in("zh")
    assert {key: slots_of(chinese.template(key)) for key in chinese.keys} == {
        key: slots_of(english.template(key)) for key in english.keys
    }
    assert words_in("xx") is english


def slots_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def texts_of(chart: Chart) -> list[str]:
    """What is text in the drawing, in the order of drawing."""
    return [element.text or "" for element in ElementTree.fromstring(str(chart_svg(chart))).iter("text")]


def test_hostile_names_are_drawn_and_never_markup(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script> $\\frac{x"
    catalogue = Catalogue(
        [Item(ItemId(str(number)), f"{bad} {number}", {"kind": (bad, "b")[number % 2]}) for number in range(4)]
    )
    liked = Profile(liked=(ItemEntry(ItemId("0"), 0), ItemEntry(ItemId("1"), 0)))
    subject = Subject(bad, catalogue, np.eye(4, dtype=np.float32))
    section = about_person(subject, Person(liked, shown=(ItemId("2"),)), plane_for(subject))
    for chart in section.charts:
        root = ElementTree.fromstring(str(chart_svg(chart)))
        assert not [element.tag for element in root.iter() if "script" in element.tag]
    page = write_insights(bad, [section], tmp_path)
    assert "<script>" not in page.read_text()


def test_a_directory_that_cannot_be_written_is_one_sentence(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="the pictures cannot be written to"):
        write_insights("Films", [], tmp_path / "file")
