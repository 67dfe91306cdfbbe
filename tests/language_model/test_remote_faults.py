"""Whatever a model's server does, people get their recommendations, and the trace says what is missing."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.language_model.remote import RemoteLM
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import fused_ranker
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import RankingSettings, Settings
from llmrec.types import Candidate, Query
from tests.language_model import fake_server
from tests.language_model.fake_server import Behaviour, FakeServer, answer, honest
from tests.test_recommender import events, table

WISH = "something tense in space"
_QUICK = ("ranking.timeout_s=8", "explanation.timeout_s=0.2", "ranking.lm_weight=5")

FAULTS: dict[str, tuple[Behaviour, str]] = {
    "nothing": (fake_server.says(b""), "the server's answer is no chat completion"),
    "a page": (fake_server.says(b"<html>hello</html>"), "the server's answer is no chat completion"),
    "an error with status 200": (fake_server.says(b'{"error": "busy"}'), "no chat completion at choices"),
    "not a number": (fake_server.lists([("A", float("nan"))]), "the server's answer is no chat completion"),
    "probabilities above 1": (fake_server.lists([("A", 2.0)]), "the server's answer is no chat completion"),
    "unknown labels": (
        fake_server.lists([("Sure", -0.1), ("Well", -3.0)]),
        r"put 0\.0000 of its belief on the labels",
    ),
    "no log-probabilities any more": (fake_server.says(answer("A")), r"put 0\.0000 of its belief on the labels"),
    "a megabyte": (fake_server.huge, r"answered with more than 524,288 bytes"),
    "an answer without end": (fake_server.endless, "did not answer in time"),
    "silence": (fake_server.silent, "did not answer in time"),
    "a hang-up": (fake_server.hangs_up, r"cannot be reached: .* \(asked"),
    "status 500": (fake_server.problem(500), r"answered with status 500: something broke \(asked"),
    "status 429": (
        fake_server.problem(429, "slow down", retry_after="9"),
        r"answered with status 429: slow down \(asked once\)",
    ),
    "status 400": (fake_server.problem(400, "the prompt is too long"), r"status 400: the prompt is too long\."),
    "status 401": (fake_server.problem(401), "refuses the key"),
    "a redirect": (fake_server.problem(302, location="http://127.0.0.1:9/v1"), "sends callers elsewhere"),
}


@pytest.fixture(scope="module")
def directory(films: Catalogue, interactions: Interactions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    overrides = Overrides(encoder=HashingEmbedder())
    recommender = Recommender(Settings(), overrides=overrides).fit(table(films), events(interactions))
    place = tmp_path_factory.mktemp("remote") / "films"
    recommender.save_pretrained(place)
    return place


def opened(directory: Path, setting: str) -> Recommender:
    settings = (f"language_model.model={setting}", *_QUICK)
    return Recommender.from_pretrained(directory, overrides=Overrides(encoder=HashingEmbedder(), settings=settings))


@pytest.fixture(scope="module")
def without(directory: Path) -> list[str]:
    return [item.item_id for item in opened(directory, "none").recommend(WISH, user_id="ann", k=5)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.delenv("LLMREC_LM_KEY", raising=False)
    with FakeServer(honest) as running:
        yield running


def test_a_good_server_has_its_say_and_is_named(directory: Path, server: FakeServer, without: list[str]) -> None:
    found = opened(directory, server.setting).recommend(WISH, user_id="ann", k=5)
    assert found[0].ranked_by == "lm+retrieval"
    assert found.trace.model.startswith("tiny@127.0.0.1:")
    assert [item.item_id for item in found] != without  # at this weight


@pytest.mark.parametrize("fault", FAULTS)
def test_the_retrieval_order_stands_and_is_marked(fault: str, films: Catalogue, server: FakeServer) -> None:
    model = RemoteLM.connect(server.setting, {})
    server.behaviour, said = FAULTS[fault]
    timeout_s = 0.4 if "in time" in said else 8.0  # what fails at once may take its time where a machine is busy
    ranker = fused_ranker(films, RankingSettings(timeout_s=timeout_s), model, PromptLibrary.load())
    candidates = [Candidate(item_id, -float(place), "fusion") for place, item_id in enumerate(films.ids)]
    ranking = ranker.rank(Query(), candidates)
    model.close()
    assert ranking.item_ids == films.ids
    assert ranking.ranked_by == "retrieval"
    assert re.search(said, ranking.report.degraded), ranking.report.degraded


def test_a_server_that_fails_later_stops_nobody(directory: Path, server: FakeServer, without: list[str]) -> None:
    recommender = opened(directory, server.setting)
    recommender.warm_up()
    server.behaviour = fake_server.hangs_up
    found = recommender.recommend(WISH, user_id="ann", k=5)
    assert [item.item_id for item in found] == without
    assert {item.ranked_by for item in found} == {"retrieval"}
    assert all(item.explanation for item in found)
    assert re.search(r"cannot be reached: .* \(asked", found.trace.notes[-1])


@pytest.mark.parametrize("fault", ["nothing", "status 500"])
def test_a_server_that_fails_from_the_start_stops_nobody(
    fault: str, directory: Path, server: FakeServer, without: list[str]
) -> None:
    server.behaviour = FAULTS[fault][0]
    found = opened(directory, server.setting).recommend(WISH, user_id="ann", k=5)
    assert [item.item_id for item in found] == without
    assert found.trace.notes


def test_where_no_server_listens_the_retrieval_order_stands(directory: Path, without: list[str]) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        found = opened(directory, f"openai:http://127.0.0.1:{port}/v1#m").recommend(WISH, user_id="ann", k=5)
    assert [item.item_id for item in found] == without
    assert f"the server at 127.0.0.1:{port} cannot be reached" in " ".join(found.trace.notes)


def test_a_model_without_log_probabilities_has_no_vote_and_the_trace_says_so(
    directory: Path, server: FakeServer, without: list[str]
) -> None:
    server.behaviour = fake_server.without_log_probs
    found = opened(directory, server.setting).recommend(WISH, user_id="ann", k=5)
    assert [item.item_id for item in found] == without
    assert "lists no log-probabilities: it has no say in the order." in found.trace.notes[-1]
