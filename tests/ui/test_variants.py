"""A visitor's settings reach the stages of a real recommender, and nobody else's."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from llmrec.assistant import Assistant
from llmrec.errors import ConfigError
from llmrec.recommender import Recommender
from llmrec.settings import Settings
from llmrec.types import Explanation, Profile, Query, Reply, ReplyEvent, Turn
from llmrec.ui.contract import Chat
from llmrec.ui.page import Served, build_pages
from llmrec.ui.variants import RecommenderVariants, variants_of
from tests.ui.conftest import GRADIO_WARNINGS
from tests.ui.fakes import FakeRecommender

pytestmark = GRADIO_WARNINGS


@pytest.fixture(scope="module")
def mugs() -> Recommender:
    settings = Settings().changed(("encoder.model=hashing", "language_model.model=none"))
    rows = [
        {"item_id": str(n), "title": f"Mug {n}", "kind": ("red", "blue")[n % 2], "year": 1990 + n} for n in range(8)
    ]
    return Recommender(settings).fit(rows, name="Mugs")


class LivelyPhraser:
    """Says hurrah."""

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        return [replace(explanation, text="Hurrah!", phrased_by="lm") for explanation in explanations]


def replied(chat: Chat, message: str) -> Reply:
    *_, last = chat.chat_stream([Turn("user", message)], Profile(), k=3)
    assert isinstance(last, ReplyEvent)
    return last.reply


def said(chat: Chat, message: str) -> str:
    return replied(chat, message).text


def test_the_chosen_language_is_spoken_whatever_is_written(mugs: Recommender) -> None:
    variants = RecommenderVariants(mugs)
    assert said(variants.of("zh", with_model=True), "no red") == said(mugs, "不要red")
    assert said(variants.of("en", with_model=True), "不要red") == said(mugs, "no red")
    assert said(mugs, "不要red") != said(mugs, "no red")
    assert variants.of(None, with_model=True) is mugs


def test_the_reasons_on_cards_are_in_the_language_of_the_reply(mugs: Recommender) -> None:
    english, chinese = replied(mugs, "red"), replied(mugs, "我要red")
    assert {card.explanation for card in english.recommendations} == {"Its kind is red, as you asked."}
    assert {card.explanation for card in chinese.recommendations} == {"它的 kind：red，符合您的要求。"}
    assert {piece.text for card in chinese.recommendations for piece in card.evidence} == {
        "它的 kind：red，符合您的要求"
    }


def test_what_phrases_is_given_english_only(mugs: Recommender) -> None:
    lively = mugs.answered_by(Assistant(replace(mugs.assistant.stages, phraser=LivelyPhraser())))
    assert {card.explanation for card in replied(lively, "red").recommendations} == {"Hurrah!"}
    assert {card.explanation for card in replied(lively, "我要red").recommendations} == {
        "它的 kind：red，符合您的要求。"
    }


def test_without_the_model_the_rest_is_shared(mugs: Recommender) -> None:
    plain = RecommenderVariants(mugs).of(None, with_model=False)
    assert isinstance(plain, Recommender)
    assert plain.assistant.stages.phraser is None
    assert plain.assistant.stages.retrievers is mugs.assistant.stages.retrievers
    assert said(plain, "no red") == said(mugs, "no red")


def test_what_cannot_be_taken_apart_has_no_variants(recommender: FakeRecommender, mugs: Recommender) -> None:
    assert variants_of(recommender) is None
    assert variants_of(mugs) is not None


def test_two_catalogues_of_one_name_are_refused(recommender: FakeRecommender) -> None:
    with pytest.raises(ConfigError, match="two of the recommenders are called 'Films'"):
        build_pages([Served(recommender), Served(recommender)])
    with pytest.raises(ConfigError, match="there is no recommender to show"):
        build_pages([])
