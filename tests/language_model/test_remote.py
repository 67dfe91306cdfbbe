"""A language model behind a URL, against a server of this machine."""

import logging
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from llmrec.errors import ConfigError, ModelError, ModelTimeout
from llmrec.interfaces import LanguageModel
from llmrec.language_model.remote import RemoteLM
from llmrec.prompt_ranker import PromptRanker
from llmrec.types import ChatMessage, Completion, Prompt
from tests.cli_helpers import call
from tests.contracts.label_scorer import QUESTION, BulkLabelScorerContract
from tests.contracts.language_model import LanguageModelContract, say
from tests.contracts.text_chooser import CHOICES, TextChooserContract
from tests.language_model import fake_server
from tests.language_model.fake_server import Behaviour, Exchange, FakeServer, honest


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(honest) as running:
        yield running


@pytest.fixture
def remote(server: FakeServer) -> Iterator[RemoteLM]:
    model = RemoteLM.connect(server.setting, {})
    yield model
    model.close()


class TestRemoteLMAsLanguageModel(LanguageModelContract):
    @pytest.fixture
    def model(self, remote: RemoteLM) -> RemoteLM:
        return remote

    def late(self, model: LanguageModel) -> Completion:
        return model.generate([say("one")], max_new_tokens=50, timeout_s=1e-6)[0]


class TestRemoteLMAsLabelScorer(BulkLabelScorerContract):
    @pytest.fixture
    def scorer(self, remote: RemoteLM) -> RemoteLM:
        return remote


class TestRemoteLMAsTextChooser(TextChooserContract):
    @pytest.fixture
    def chooser(self, remote: RemoteLM) -> RemoteLM:
        return remote


def test_it_is_named_by_its_model_and_place(remote: RemoteLM, server: FakeServer) -> None:
    assert remote.name == f"tiny@{server.url.removeprefix('http://').removesuffix('/v1')}"
    assert remote.adapter == ""


def test_a_server_that_lists_log_probabilities_has_its_say(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "llmrec"):
        model = RemoteLM.connect(server.setting, {})
    assert caplog.messages == [
        f"{model.name} answers chats and lists the log-probabilities of 52 tokens: it has its say."
    ]
    assert model.abilities(timeout_s=1).can_rank
    model.close()


@pytest.mark.parametrize("behaviour", [fake_server.without_log_probs, fake_server.refuses_log_probs])
def test_a_server_without_log_probabilities_writes_but_has_no_say(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeServer(behaviour) as server:
        model = RemoteLM.connect(server.setting, {})
        assert caplog.messages == [
            f"{model.name} answers chats but lists no log-probabilities: it has no say in the order."
        ]
        n_before = len(server.requests)
        with pytest.raises(ModelError, match="lists no log-probabilities: it has no say in the order"):
            model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        assert len(server.requests) == n_before  # known once, not asked again
        assert model.generate([say("one")], max_new_tokens=4, timeout_s=5)[0].text == "You may like it"
        assert model.choose([say("one")], [CHOICES], timeout_s=5)[0].text == CHOICES[0]
        model.close()


def test_a_server_whose_letters_do_not_follow_the_question_has_no_say(caplog: pytest.LogCaptureFixture) -> None:
    with FakeServer(fake_server.lists([("A", -0.1), ("B", -3.0)])) as server:
        model = RemoteLM.connect(server.setting, {})
        assert "do not follow the question: it has no say" in caplog.text
        with pytest.raises(ModelError, match="do not follow the question"):
            model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        model.close()


def test_a_server_that_lists_at_most_twenty_is_asked_for_twenty() -> None:
    def at_most_twenty(exchange: Exchange) -> None:
        if exchange.body.get("top_logprobs", 0) > 20:
            fake_server.problem(400, "top_logprobs must be at most 20")(exchange)
        else:
            honest(exchange)

    with FakeServer(at_most_twenty) as server:
        model = RemoteLM.connect(server.setting, {})
        scores = model.score_labels(QUESTION, model.labels(22), timeout_s=5)
        assert server.requests[-1]["top_logprobs"] == 20
        model.close()
    assert np.all(np.diff(scores.log_probs[:20]) < 0)
    # U and V are not listed: they have at most what T, the last that is, has.
    assert scores.log_probs[20] == scores.log_probs[21] == scores.log_probs[19]
    assert scores.label_mass == pytest.approx(float(np.exp(scores.log_probs[:20]).sum()), abs=1e-5)


def test_prompts_that_come_together_are_at_the_server_together(remote: RemoteLM, server: FakeServer) -> None:
    both = threading.Barrier(2, timeout=20)

    def answers_two_at_once(exchange: Exchange) -> None:
        both.wait()
        honest(exchange)

    server.behaviour = answers_two_at_once
    found = remote.score_labels_many([QUESTION, QUESTION], [remote.labels(2), remote.labels(3)], timeout_s=20)
    assert [len(scores.log_probs) for scores in found] == [2, 3]


def test_an_answer_that_is_no_letter_chooses_nothing() -> None:
    with FakeServer(fake_server.says(fake_server.answer("All of them."))) as server:
        model = RemoteLM.connect(server.setting, {})
        assert list(model.choose([say("one")], [CHOICES], timeout_s=5)) == [Completion("", "length")]
        model.close()


def test_only_the_first_choices_are_read(remote: RemoteLM, server: FakeServer) -> None:
    choices = [f"It is number {n}." for n in range(60)]
    assert remote.choose([say("one")], [choices], timeout_s=5)[0].text == choices[0]
    shown = server.requests[-1]["messages"][-1]["content"]
    assert "H. It is number 7." in shown
    assert "number 8" not in shown


@pytest.mark.parametrize("text", ["B", "b.", " (B)", "B: You may love it."])
def test_a_letter_with_marks_around_it_is_one(text: str) -> None:
    with FakeServer(fake_server.says(fake_server.answer(text))) as server:
        model = RemoteLM.connect(server.setting, {})
        chosen = model.choose([say("one")], [CHOICES], timeout_s=5)[0].text
        model.close()
    assert chosen == (CHOICES[1] if "B" in text else "")


def test_an_answer_that_was_cut_is_marked() -> None:
    with FakeServer(fake_server.says(fake_server.answer("You may", finish="content_filter"))) as server:
        model = RemoteLM.connect(server.setting, {})
        assert model.generate([say("one")], max_new_tokens=9, timeout_s=5) == [Completion("You may", "length")]
        model.close()


def test_a_wrong_model_or_key_is_said_at_the_start() -> None:
    with FakeServer(fake_server.problem(404, "the model `tiny` does not exist")) as server:
        with pytest.raises(ModelError, match=r"status 404: the model `tiny` does not exist\."):
            RemoteLM.connect(server.setting, {})
        server.behaviour = fake_server.problem(401, "bad key sk-1")
        with pytest.raises(ModelError, match=r"refuses the key \(status 401\)\. Set LLMREC_LM_KEY\."):
            RemoteLM.connect(server.setting, {})


def test_a_server_that_is_down_at_the_start_is_asked_again_later(caplog: pytest.LogCaptureFixture) -> None:
    with FakeServer(fake_server.hangs_up) as server:
        model = RemoteLM.connect(server.setting, {})
        assert "is without a say until it answers: the server at 127.0.0.1" in caplog.text
        server.behaviour = honest
        assert model.score_labels(QUESTION, model.labels(2), timeout_s=5).label_mass > 0
        model.close()


def test_the_key_is_sent_and_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {"LLMREC_LM_KEY": "sk-secret"})
        assert server.headers[0]["authorization"] == "Bearer sk-secret"
        server.behaviour = fake_server.problem(400, "you sent Bearer sk-secret")
        with pytest.raises(ModelError, match=r"you sent Bearer \*\*\*\."):
            model.generate([say("one")], max_new_tokens=4, timeout_s=5)
        model.close()
    assert "sk-secret" not in caplog.text


def test_a_key_goes_to_the_host_it_is_for_and_to_no_other() -> None:
    with pytest.raises(ConfigError, match=r"not said to be for lm\.test\. Set LLMREC_LM_KEY_HOST=lm\.test if"):
        RemoteLM.connect("openai:https://lm.test/v1#big", {"LLMREC_LM_KEY": "k", "LLMREC_LM_KEY_HOST": "other.test"})


def test_a_busy_server_is_asked_again() -> None:
    answers = iter([fake_server.problem(503), fake_server.problem(429, retry_after="0"), honest])
    with FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {})
        server.behaviour = lambda exchange: next(answers)(exchange)
        assert model.generate([say("one")], max_new_tokens=3, timeout_s=30)[0].text == "You may like"
        model.close()


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for() -> None:
    with FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {})
        server.behaviour = fake_server.problem(429, "slow down", retry_after="60")
        with pytest.raises(ModelError, match=r"answered with status 429: slow down \(asked once\)\."):
            model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        model.close()


def test_a_server_that_keeps_failing_is_left_alone() -> None:
    with FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {})
        server.behaviour = fake_server.says(b"{}")
        for _ in range(3):
            with pytest.raises(ModelError, match="no chat completion at choices: Field required"):
                model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        n_before = len(server.requests)
        with pytest.raises(ModelError, match="failed 3 times in a row and is not asked for 10 s"):
            model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        assert len(server.requests) == n_before
        model.close()


def test_what_a_server_refuses_is_not_a_failure_of_it() -> None:
    with FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {})
        server.behaviour = fake_server.problem(400, "too long")
        for _ in range(5):
            with pytest.raises(ModelError, match="status 400: too long"):
                model.score_labels(QUESTION, model.labels(2), timeout_s=5)
        model.close()


def test_a_silent_server_is_late() -> None:
    with FakeServer(honest) as server:
        model = RemoteLM.connect(server.setting, {})
        server.behaviour = fake_server.silent
        with pytest.raises(ModelTimeout, match=r"the server at 127\.0\.0\.1:\d+ did not answer in time"):
            model.score_labels(QUESTION, model.labels(2), timeout_s=0.1)
        assert list(model.stream(say("one"), max_new_tokens=3, timeout_s=0.1)) == []
        model.close()


def test_nobody_is_followed_to_another_host() -> None:
    with FakeServer(honest) as other, FakeServer(fake_server.problem(307, location=other.url)) as server:
        with pytest.raises(ModelError, match=r"sends callers elsewhere, which is not followed\. Name the right URL"):
            RemoteLM.connect(server.setting, {"LLMREC_LM_KEY": "sk-secret"})
        assert not other.requests


def test_more_labels_than_there_are_letters_are_refused(remote: RemoteLM) -> None:
    with pytest.raises(ModelError, match="has 52 labels, not 53"):
        remote.labels(53)


def test_tokens_are_counted_by_bytes(remote: RemoteLM) -> None:
    assert remote.count_tokens(Prompt((ChatMessage("user", "推荐电影"),), "hash")) == 6 + 8


def test_the_doctor_says_what_a_server_can_do(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "doctor", "--lm", server.setting, "--json")
    said = "answers chats and lists the log-probabilities of 52 tokens: it has its say."
    assert done.json["language model"].endswith(said)
    server.behaviour = fake_server.problem(404, "no such model")
    done = call(capsys, "doctor", "--lm", server.setting, "--json")
    assert done.json["language model"] is None
    assert done.json["missing"][-1].endswith("answered with status 404: no such model.")


def test_items_are_ranked_by_a_server_without_a_catalogue(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLMREC_LM_KEY", raising=False)
    ranked = PromptRanker.from_pretrained(server.setting).rank(["Alien (1979)"], ["Babe (1995)", "Aliens (1986)"])
    asked = server.requests[-1]["messages"][-1]["content"]
    # The fake finds A the likeliest answer, whatever it stands for.
    assert f"A. {ranked[0].title}" in asked
    assert [item.rank for item in ranked] == [1, 2]
