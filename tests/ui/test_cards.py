"""A card shows whose voices brought the item here."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.types import ChatMessage, ItemId, Profile, Prompt, RankReport, StageTrace, Trace
from llmrec.ui.cards import CardPrinter, score_html
from llmrec.ui.conversation import Card
from llmrec.ui.trace import trace_html
from llmrec.ui.words import words_in

ENGLISH = words_in("en")
VOICES = {"dense": 1.5, "language model": -0.5}


def test_a_voice_has_a_name_for_people_and_its_technical_one_in_a_tooltip() -> None:
    chinese = score_html(VOICES, ["dense", "language model"], 3.0, words_in("zh"))
    assert '<li title="dense">' in chinese
    assert "<bdi>内容相近 +1.50</bdi>" in chinese
    assert 'aria-label="得分 1.00：内容相近 +1.50，语言模型 -0.50"' in chinese


def test_a_score_is_told_in_words_and_drawn_to_scale() -> None:
    html = score_html(VOICES, ["dense", "language model"], 3.0, ENGLISH)
    assert 'aria-label="Score 1.00: likeness in content +1.50, the language model -0.50"' in html
    assert '<span class="voice-0" style="width:50.0%">' in html
    assert '<span class="voice-1" style="width:16.7%">' in html
    assert html.index("voice-1") < html.index("voice-0")  # what speaks against stands left of the middle


def test_a_score_whose_voices_are_not_known_is_not_drawn() -> None:
    assert score_html({}, [], 0.0, ENGLISH) == ""
    assert score_html({"dense": 0.0}, ["dense"], 0.0, ENGLISH) == ""


def test_buttons_of_a_reply_under_way_rest(films: Catalogue) -> None:
    cards = [Card(ItemId("2"), "why", ("it is new",), VOICES)]
    printer = CardPrinter(films, ENGLISH)
    resting, live = printer.cards(cards, None), printer.cards(cards, Profile())
    assert "More like this" not in resting
    assert " disabled" in resting
    assert " disabled" not in live
    assert all(words in live for words in ("More like this", "Not this, because", "it is new", "Why?"))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_names_of_voices_and_stages_are_escaped(films: Catalogue, name: str) -> None:
    card = Card(ItemId("2"), name, (name,), {name: 1.0})
    report = RankReport(weights={name: 1.0}, prompts=(Prompt((ChatMessage("user", name),), "x"),), judged=(name,))
    trace = Trace((StageTrace(name, 0.1, 1, 1, (ItemId("2"),)),), name, name, name, (name,), report)
    html = CardPrinter(films, ENGLISH).cards([card], Profile()) + trace_html(trace, [card], films)
    assert "<script" not in html
    assert "<img" not in html


def test_a_trace_tells_where_each_shown_item_stood(films: Catalogue) -> None:
    stages = (
        StageTrace("dense", 0.25, 10, 2, (ItemId("3"), ItemId("2"))),
        StageTrace("rank", 0.5, 2, 2, (ItemId("2"),)),
    )
    html = trace_html(Trace(stages, "abc123", "smol", "lora"), [Card(ItemId("2"), "", (), VOICES)], films)
    cells = ["Alien (1979)", "2", "1", "+1.500", "-0.500"]
    assert "".join(f"<td><bdi>{cell}</bdi></td>" for cell in cells) in html
    assert all(f"<bdi>{words}</bdi>" in html for words in ("250", "model: smol", "adapter: lora", "prompt: abc123"))


def test_a_trace_shows_the_models_own_score_the_weights_and_the_prompt_word_for_word(films: Catalogue) -> None:
    asked = Prompt((ChatMessage("system", "Rank."), ChatMessage("user", "[A] Alien <1979>\nWhich?")), "abc")
    report = RankReport(
        lm_scores={ItemId("2"): -1.25},
        weights={"retrieval": 1.0, "language model": 0.3},
        prompts=(asked,),
        judged=("Yes?",),
    )
    html = trace_html(Trace(report=report), [Card(ItemId("2"), "")], films)
    assert "<bdi>model&#x27;s own score</bdi>" in html
    assert all(f"<bdi>{words}</bdi>" in html for words in ("-1.250", "language model", "0.300", "Yes?"))
    assert "<bdi>system:\nRank.\n\nuser:\n[A] Alien &lt;1979&gt;\nWhich?</bdi>" in html
