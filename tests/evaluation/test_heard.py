"""A model is asked each thing once, also by the next run, and half a line is no answer."""

import json
from collections.abc import Sequence
from math import isnan
from pathlib import Path

import pytest

from llmrec.errors import ArtifactError
from llmrec.evaluation.heard import AnswerLog, HeardRanker
from llmrec.types import Candidate, History, Interaction, ItemId, Query, Ranking, RankReport, UserId

SLATE = [Candidate(ItemId(name), score, "x") for name, score in (("a", 2.0), ("b", 1.0))]


def query(*item_ids: str) -> Query:
    return Query(history=History(tuple(Interaction(UserId(""), ItemId(item_id)) for item_id in item_ids)))


class Counting:
    """Turns every slate around, and counts."""

    def __init__(self, degraded: str = "") -> None:
        self.n_asked = 0
        self._degraded = degraded

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        self.n_asked += 1
        item_ids = tuple(candidate.item_id for candidate in reversed(candidates))
        scores = {} if self._degraded else {item_id: -0.1 - n for n, item_id in enumerate(item_ids)}
        report = RankReport("m", "a", "hash", 0.5, self._degraded, scores)
        return Ranking(item_ids, tuple(float(-n) for n in range(len(item_ids))), "lm+retrieval", report)


def log(path: Path) -> AnswerLog:
    return AnswerLog(path / "answers.jsonl", about={"model": "m"})


def test_the_same_is_asked_once_and_each_difference_again() -> None:
    ranker = Counting()
    heard = HeardRanker(lambda: ranker)
    first = heard.rank(query("x"), SLATE)
    assert heard.rank(query("x"), SLATE) == first
    assert ranker.n_asked == 1
    heard.rank(query("y"), SLATE)
    heard.rank(query("x"), SLATE[:1])
    heard.rank(query("x"), SLATE[::-1])
    assert ranker.n_asked == 4


def test_a_second_run_asks_nothing_and_does_not_even_make_the_ranker(tmp_path: Path) -> None:
    first = HeardRanker(Counting, log(tmp_path)).rank(query("x"), SLATE)

    def never() -> Counting:
        raise AssertionError("nobody has to be asked")

    again = HeardRanker(never, log(tmp_path)).rank(query("x"), SLATE)
    assert (again.item_ids, again.scores, again.ranked_by) == (first.item_ids, first.scores, first.ranked_by)
    assert again.report.lm_scores == first.report.lm_scores
    assert (again.report.model, again.report.adapter, again.report.label_mass) == ("m", "a", 0.5)
    assert isnan(again.report.order_flip_rate)


def test_a_cut_line_is_dropped_and_asked_again(tmp_path: Path) -> None:
    for name in "xy":
        HeardRanker(Counting, log(tmp_path)).rank(query(name), SLATE)
    path = tmp_path / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-25])
    assert len(log(tmp_path)) == 1
    ranker = Counting()
    heard = HeardRanker(lambda: ranker, log(tmp_path))
    heard.rank(query("x"), SLATE)
    assert ranker.n_asked == 0
    heard.rank(query("y"), SLATE)
    assert ranker.n_asked == 1
    assert len(log(tmp_path)) == 2  # what came after is not glued to the half line


@pytest.mark.parametrize("line", ["null", "{}", '{"key": 3}', "[" * 100_000, '{"key": "k", "lm_scores": []}'])
def test_lines_that_are_no_answers_are_passed_over(tmp_path: Path, line: str) -> None:
    HeardRanker(Counting, log(tmp_path)).rank(query("x"), SLATE)
    with (tmp_path / "answers.jsonl").open("a") as file:
        file.write(line + "\n")
    assert len(log(tmp_path)) == 1


def test_what_a_model_failed_at_is_asked_again_by_the_next_run(tmp_path: Path) -> None:
    late = Counting(degraded="late.")
    heard = HeardRanker(lambda: late, log(tmp_path))
    heard.rank(query("x"), SLATE)
    heard.rank(query("x"), SLATE)
    assert late.n_asked == 1
    assert len(log(tmp_path)) == 0


def test_the_file_says_whose_answers_it_holds(tmp_path: Path) -> None:
    log(tmp_path)
    [line] = (tmp_path / "answers.jsonl").read_text().splitlines()
    assert json.loads(line) == {"about": {"model": "m"}}


def test_remembered_seconds_are_owed(tmp_path: Path) -> None:
    heard = HeardRanker(Counting, log(tmp_path))
    heard.rank(query("x"), SLATE)
    before = heard.owed_s
    heard.rank(query("x"), SLATE)
    assert heard.owed_s > before


def test_where_nothing_can_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="answers cannot be kept in"):
        log(tmp_path / "file")
