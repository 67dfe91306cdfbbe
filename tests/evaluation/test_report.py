"""The report is one page with nothing outside it, says in words and numbers what it draws, and trusts no name."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from llmrec.data.splits import Part, Protocol, Ties
from llmrec.errors import ArtifactError
from llmrec.evaluation.estimates import Estimate
from llmrec.evaluation.protocol import DataRecord, ProtocolRecord
from llmrec.evaluation.report import write_report
from llmrec.evaluation.report_words import how_measured
from llmrec.evaluation.results import Difference, Evaluation, GroupEstimate, ReliabilityBin, StageResult
from llmrec.types import UserId

CHROMIUM = os.environ.get("LLMREC_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
RECORD = ProtocolRecord(
    protocol="leave-last-out",
    part="test",
    ties="random",
    core=5,
    data=DataRecord("films", "a" * 64, 1234, 4, 56789),
    split_sha256="b" * 64,
    seeds=(0, 1, 2),
    commit="c0ffee",
)
EVIL = '<script>alert("1")</script>&lt;$x_$\n{{ 7 * 7 }}'
N_USERS = 40
SECONDS = {"fit": 1.5, "score": 0.5, "p50": 0.001, "p95": 0.002, "p99": 0.25}


def stage(name: str, level: float = 0.5, **given: object) -> StageResult:
    """A stage whose metrics rise with k from about `level`, the same order of users for all."""
    spread = np.linspace(-0.2, 0.2, N_USERS)
    per_user = {f"{m}@{k}": level + spread + k / 500 for m in ("NDCG", "R", "MRR") for k in (1, 5, 10, 20, 50, 100)}
    groups = tuple(
        GroupEstimate("user activity", group, "NDCG@10", 20, Estimate(level + more, (level, level + 2 * more)))
        for group, more in (("fewest", 0.1), ("most", 0.2))
    )
    values: dict[str, object] = {
        "overall": {"coverage@10": level, "gini@10": level},
        "seconds": SECONDS,
        "exposure": np.array([1.0, 2.0, 3.0, 34.0]),
        "groups": groups,
        "gaps": (GroupEstimate("user activity", "most - fewest", "NDCG@10", 0, Estimate(0.1, (0.05, 0.15))),),
    }
    return StageResult(name, per_user, **{**values, **given})  # type: ignore[arg-type]


def bare(name: str, level: float = 0.5) -> StageResult:
    """The same with metrics of single users only: fewer figures, sooner drawn."""
    return stage(name, level, overall={}, groups=(), gaps=(), seconds={}, exposure=np.zeros(0))


def found(*stages: StageResult, differences: Sequence[Difference] = (), notes: Sequence[str] = ()) -> Evaluation:
    return Evaluation(
        RECORD,
        tuple(UserId(str(user)) for user in range(N_USERS)),
        {each.name: each for each in stages},
        tuple(differences),
        np.array([10.0, 10.0, 20.0, 60.0]),
        tuple(notes),
    )


@dataclass
class Seen(HTMLParser):
    """What a browser would find on the page."""

    tags: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    text: str = ""
    style: str = ""
    _within: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._within.append(tag)
        self.text += " " * (tag in {"td", "th", "dd"})

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._within and self._within[-1] == "style":
            self.style += data
        else:
            self.text += data

    def all(self, tag: str) -> list[Mapping[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(path: Path) -> Seen:
    seen = Seen()
    seen.feed(path.read_text(encoding="utf-8"))
    seen.text = " ".join(seen.text.split())
    return seen


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    bins = (ReliabilityBin(0.0, 0.5, 0, np.nan, np.nan), ReliabilityBin(0.5, 1.0, 20, 0.8, 0.5))
    rivals = [stage("ease"), stage("lm", 0.48, reliability=bins), stage("popularity", 0.2)]
    same = Difference("lm", "ease", "NDCG@10", -0.02, (-0.05, 0.01))
    write_report(found(*rivals, differences=[same], notes=["Drawn by hand."]), made)
    return made


@pytest.fixture(scope="module")
def page(directory: Path) -> Seen:
    return read(directory / "report.html")


def test_the_page_loads_nothing(directory: Path, page: Seen) -> None:
    text = (directory / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?i)\b(?:https?:|//\w|data:|url\((?!#))", text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert {attributes["href"][:1] for _, attributes in page.tags if "href" in attributes} == {"#"}
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none';")


def test_every_figure_says_in_words_and_numbers_what_it_shows(page: Seen) -> None:
    charts = page.all("svg")
    assert len(charts) == len(page.all("figure")) == 8
    for chart in charts:
        assert chart["role"] == "img"
        assert re.search(r"\d", chart["aria-label"])
    said = " ".join(chart["aria-label"] for chart in charts)
    # At 10 the curve of ease stands at .5 + 10 / 500; of 4 items the tenth shown most is a part of the last one.
    assert "NDCG@10, highest first: ease 0.5200, lm 0.5000, popularity 0.2200." in said
    assert "no difference from ease is shown for lm." in said
    assert "Of what users did next, ease has 54.0% among its first 20 candidates and 70.0% among 100." in said
    assert "lm gave its first choice 80% on average and was right 50% of 20 times: too sure" in said
    assert "ease is highest for user activity: most (0.7000) and lowest for user activity: fewest (0.6000)" in said
    assert "p50 1 ms, p95 2 ms, p99 250 ms" in said
    assert "ease 34%, lm 34%, popularity 34%. In the data the most popular tenth has 24%" in said


def test_a_stranger_reads_how_it_was_measured(page: Seen) -> None:
    for sentence in (
        "The last interaction of every user was hidden, and guessed from all earlier ones.",
        "nothing was sampled. Equal scores share their mean rank.",
        "at least 5 interactions",
        "an order drawn by chance, anew for each seed.",
        "Drawn by hand.",
        "Users in the data 1,234",
        "Interactions 56,789",
        "Seeds 0, 1, 2",
        "leave-last-out, test",
        "a" * 64,
        "c0ffee",
    ):
        assert sentence in page.text


def test_the_best_is_bold_and_what_does_not_differ_is_marked(directory: Path, page: Seen) -> None:
    text = (directory / "report.html").read_text(encoding="utf-8")
    best = re.findall(r'<td class="best"><strong>([\d.]+)</strong>', text)
    assert best[0] == "0.5200"  # NDCG@10 of ease
    assert "0.2000" in best  # the Gini of popularity: the lowest is best
    assert "≈ 0.5000 no difference from the best shown" in page.text
    assert "≈ 0.2200" not in page.text  # lower than ease for every single user


def test_pairs_that_nobody_bootstrapped_are_compared_user_by_user(tmp_path: Path) -> None:
    noise = np.tile([0.3, -0.3], N_USERS // 2)
    near = StageResult("near", {"NDCG@10": stage("x").per_user["NDCG@10"] - 0.01 + noise})
    page = read(write_report(found(bare("ease"), near, bare("far", 0.45)), tmp_path))
    assert "near ≈ 0.5100 no difference from the best shown" in page.text
    assert "≈ 0.4700" not in page.text


def test_tables_scroll_by_keyboard_and_have_headings(page: Seen) -> None:
    regions = [attributes for tag, attributes in page.tags if attributes.get("role") == "region"]
    assert len(regions) == len(page.all("table")) == len(page.all("caption")) == 4
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
    assert {heading["scope"] for heading in page.all("th")} == {"row", "col"}


def test_pictures_stand_beside_the_page_in_light_and_dark(directory: Path) -> None:
    stored = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))
    listed = [name for figure in stored["figures"].values() for name in figure["files"]]
    assert sorted(listed) == sorted(path.name for path in directory.glob("*.png"))
    assert {"stages.light.png", "stages.dark.png", "ndcg_at_k.light.png", "reliability.dark.png"} <= set(listed)
    for name in listed:
        content = (directory / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert b"Description" in content
    assert stored["stages"]["ease"]["NDCG@10"]["mean"] == pytest.approx(0.52)


def test_the_same_result_makes_the_same_page(directory: Path, tmp_path: Path) -> None:
    one, two = (write_report(found(bare("ease"), bare("lm")), tmp_path / name).read_bytes() for name in "ab")
    assert one == two


def test_ids_are_unique_and_every_reference_finds_one(page: Seen) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = {value for _, attributes in page.tags for text in attributes.values() for value in _references(text)}
    assert pointed
    assert pointed <= set(ids)


def _references(text: str) -> Iterator[str]:
    yield from re.findall(r"url\(#([^)]+)\)", text)
    if text.startswith("#") and not re.fullmatch(r"#[0-9a-f]{6}", text):
        yield text[1:]


def test_colours_are_the_pages_own(directory: Path, page: Seen) -> None:
    drawn = (directory / "report.html").read_text(encoding="utf-8").partition("<body>")[2]
    used = set(re.findall(r"var\((--[\w-]+)\)", drawn))
    assert {"--ink", "--series-1", "--grid"} <= used
    assert not re.findall(r"#[0-9a-f]{6}\b", drawn)
    dark = page.style.partition("prefers-color-scheme: dark")[2]
    for variable in used:
        assert f"{variable}: #" in page.style
        assert f"{variable}: #" in dark


def test_names_from_data_are_text(tmp_path: Path) -> None:
    hostile = stage(
        EVIL,
        groups=(GroupEstimate(EVIL, EVIL, "NDCG@10", 2, Estimate(0.5)),),
        gaps=(GroupEstimate(EVIL, EVIL, "NDCG@10", 2, Estimate(0.5)),),
    )
    record = ProtocolRecord(
        protocol="temporal",
        part="validation",
        ties="file",
        core=0,
        data=DataRecord(EVIL, EVIL, 1, 1, 1),
        split_sha256=EVIL,
        seeds=(0,),
        commit=EVIL,
    )
    rivals = {each.name: each for each in (hostile, stage("_日本語 🎬", 0.4), stage("$a^$", 0.3))}
    users = tuple(UserId(str(user)) for user in range(N_USERS))
    path = write_report(Evaluation(record, users, rivals, notes=(EVIL,)), tmp_path)
    page, text = read(path), path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert page.text.count('<script>alert("1")</script>&lt;$x_$ {{ 7 * 7 }}') > 5
    assert "日本語 🎬" in page.text


@pytest.mark.parametrize("protocol", get_args(Protocol))
@pytest.mark.parametrize("part", get_args(Part))
@pytest.mark.parametrize("ties", get_args(Ties))
def test_every_protocol_has_words(protocol: Protocol, part: Part, ties: Ties) -> None:
    said = how_measured(replace(RECORD, protocol=protocol, part=part, ties=ties, core=0))
    assert all(sentence.endswith(".") for sentence in said)
    assert "All users and items with interactions take part." in said
    assert ("to choose by" in said[-1]) == (part == "validation")
    assert ("among the new items alone" in said[1]) == (protocol == "cold-items")


def test_a_last_interaction_that_chance_chose_is_said_to_be_drawn() -> None:
    timeless = replace(RECORD, has_time=False)
    for protocol, is_drawn in (("user-fold", True), ("cold-items", True), ("random-one-out", False)):
        said = " ".join(how_measured(replace(timeless, protocol=protocol)))
        assert ("counts as the last, and which as the one before it, was drawn by chance." in said) == is_drawn
        assert "at the same moment" not in said
        assert "no order in time" not in " ".join(how_measured(replace(RECORD, protocol=protocol)))


def test_pictures_of_an_earlier_report_do_not_stay_and_others_do(tmp_path: Path) -> None:
    directory = tmp_path / "report"
    write_report(found(bare("dense@cold", 0.4), bare("dense@all", 0.2)), directory)
    (directory / "mine.png").touch()
    (tmp_path / "beyond.png").touch()
    metrics = json.loads((directory / "metrics.json").read_text())
    metrics["figures"]["hostile"] = {"files": ["../beyond.png", "notes.txt"]}
    (directory / "metrics.json").write_text(json.dumps(metrics))
    write_report(found(bare("ease")), directory)
    drawn = json.loads((directory / "metrics.json").read_text())["figures"]
    names = {name for figure in drawn.values() for name in figure["files"]}
    assert {path.name for path in directory.glob("*.png")} == {*names, "mine.png"}
    assert (tmp_path / "beyond.png").exists()


@pytest.mark.parametrize("name", ["ease@../../x", "ease@", "@", "ease@cold"])
def test_no_stage_names_a_file_outside_the_directory(tmp_path: Path, name: str) -> None:
    write_report(found(bare(name)), tmp_path / "in" / "report")
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} == {"report"}


def test_cold_and_all_items_are_not_ranked_against_each_other(tmp_path: Path) -> None:
    rivals = [bare("dense@cold", 0.4), bare("bm25@cold", 0.3), bare("dense@all", 0.2), bare("bm25@all", 0.25)]
    page = read(write_report(found(*rivals), tmp_path))
    assert "Results among new items only, those without any interaction: dense@cold reaches NDCG@10 0.4200" in page.text
    assert "Results among all items: bm25@all reaches NDCG@10 0.2700" in page.text
    assert len({path.name for path in tmp_path.glob("*.light.png")}) == len(page.all("figure"))


def test_one_stage_alone_is_neither_best_nor_compared(tmp_path: Path) -> None:
    page = read(write_report(found(bare("ease")), tmp_path))
    assert "ease reaches NDCG@10 0.5200 (95 % interval" in page.text
    assert "highest of" not in page.text
    assert not page.all("strong")


def test_a_stage_without_numbers_stands_last_with_none(tmp_path: Path) -> None:
    nothing = StageResult("broken", {"NDCG@10": np.full(N_USERS, np.nan), "R@10": np.full(N_USERS, np.nan)})
    page = read(write_report(found(nothing, bare("ease")), tmp_path))
    assert re.search(r"ease 0.5200 .* broken - -", page.text)
    assert "nan" not in page.text


def test_numbers_of_nobody_make_a_page_without_figures(tmp_path: Path) -> None:
    nothing = StageResult("broken", {"NDCG@10": np.full(N_USERS, np.nan)}, {"ECE": float("nan")})
    page = read(write_report(found(nothing), tmp_path))
    assert "No stage has a known NDCG@10." in page.text
    assert not page.all("figure")
    assert json.loads((tmp_path / "metrics.json").read_text())["stages"]["broken"]["NDCG@10"]["mean"] is None


def test_parts_that_were_not_measured_are_left_out(tmp_path: Path) -> None:
    page = read(write_report(found(bare("ease")), tmp_path))
    assert {path.name for path in tmp_path.glob("*.light.png")} == {
        "stages.light.png",
        "ndcg_at_k.light.png",
        "recall_at_k.light.png",
        "recall_ceiling.light.png",
    }
    assert len(page.all("table")) == 2


def test_zeros_everywhere_are_drawn_too(tmp_path: Path) -> None:
    zeros = {f"{m}@{k}": np.zeros(N_USERS) for m in ("NDCG", "R") for k in (1, 10)}
    page = read(write_report(found(StageResult("a", zeros), StageResult("b", zeros)), tmp_path))
    assert "a reaches NDCG@10 0.0000 (95 % interval 0.0000 to 0.0000), the highest of 2 stages." in page.text


def test_many_stages_and_groups_stay_readable(tmp_path: Path) -> None:
    labels = tuple(GroupEstimate("town", f"t{n}", "NDCG@10", n, Estimate(0.1, (0.0, 0.2))) for n in range(1, 31))
    rivals = [stage(f"stage_with_a_rather_long_name_{n}", n / 30, groups=labels) for n in range(14)]
    page = read(write_report(found(*rivals), tmp_path))
    assert "The 16 largest of 30 groups." in page.text
    assert "Grey: the other stages, as in the table." in page.text


def test_the_ceiling_is_that_of_the_models_candidates(tmp_path: Path) -> None:
    rivals = [bare("ease"), bare("fused_without_lm", 0.4)]
    page = read(write_report(found(*rivals), tmp_path, slate_size=10))
    assert "Of what users did next, fused_without_lm has 42.0% among its first 10 candidates" in page.text


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match=r"report cannot be written to .*file"):
        write_report(found(bare("ease")), tmp_path / "file")


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; install it or name one in LLMREC_CHROMIUM")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_without_sideways_scrolling(directory: Path, scheme: Literal["light", "dark"]) -> None:
    address = (directory / "report.html").as_uri()
    # In a thread of its own, for a loop of another test's browser may run in this one.
    with ThreadPoolExecutor(1) as thread:
        visit = thread.submit(visited, address, scheme).result()
    assert (visit.asked, visit.said) == ([address], [])
    assert visit.width == 360
    assert visit.widest_table > 360
    assert (visit.brightness < 50) == (scheme == "dark")


@dataclass
class Visit:
    """What a phone of 360 pixels made of the page."""

    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    width: int = 0
    widest_table: int = 0
    brightness: int = 0


def visited(address: str, scheme: Literal["light", "dark"]) -> Visit:
    visit = Visit()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page.on("request", lambda request: visit.asked.append(request.url))
        page.on("console", lambda line: visit.said.append(line.text))
        page.goto(address)
        visit.width = page.evaluate("document.documentElement.scrollWidth")
        visit.widest_table = page.evaluate(
            "Math.max(...[...document.querySelectorAll('.scroll')].map((table) => table.scrollWidth))"
        )
        visit.brightness = int(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0]"))
        browser.close()
    return visit
