from math import log
from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.companions import (
    alike_in_company,
    following,
    likely_in_company,
    named_often,
    recommended_often,
)
from llmrec.conversation.facts import NamesSaid, NearNumbers, alike_in_kind, sharing_names, sharing_title_words
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.precedents import Precedents
from llmrec.conversation.situations import Situation, situation_of
from llmrec.conversation.voices import Voice, mention_table, standardised
from llmrec.conversation.wishes import WishedKinds
from tests.conversation.hashed import texts
from tests.conversation.small import catalogue, row, training

ALIEN, ALIENS, HEAT, HEAT_WAVE, CLUE, AIRPORT = range(6)


def asked(directory: Path, *context: str) -> Situation:
    return situation_of(row("1", *context), ItemNames(catalogue(directory)))


def best(voice: Voice, situation: Situation) -> int:
    return int(voice.scores([situation])[0].argmax())


def test_mentions_count_less_the_longer_ago_they_were(tmp_path: Path) -> None:
    situation = asked(tmp_path, "Heat", "Alien (1979)?", "Heat again, not Clue (1985)", "so?", "yes")
    table = mention_table([situation], 6, decay=0.5).toarray()[0]
    assert table.tolist() == [0.125, 0, 0.25, 0, 0.25, 0]


def test_standardising_leaves_a_row_that_says_nothing_at_0() -> None:
    scores = standardised(np.array([[1, 1, 1], [0, 2, 4]], dtype=np.float32))
    assert scores[0].tolist() == [0, 0, 0]
    assert scores[1] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])


def test_items_are_counted_by_dialogue_and_by_recommendation(tmp_path: Path) -> None:
    taught, nothing = training(tmp_path), asked(tmp_path, "hi")
    # Six scary dialogues name Alien, Aliens and Clue; six funny ones Clue and Airport.
    named = named_often(taught).scores([nothing])[0]
    assert named == pytest.approx([log(7), log(7), 0, 0, log(13), log(7)])
    # The user was first to name Clue in the scary ones.
    recommended = recommended_often(taught).scores([nothing])[0]
    assert recommended == pytest.approx([0, log(7), 0, 0, log(7), log(7)])


def test_company_finds_what_was_named_together(tmp_path: Path) -> None:
    taught, situation = training(tmp_path), asked(tmp_path, "I liked Airport (1970)")
    # Airport is in six dialogues and Clue in twelve, six of them the same.
    assert alike_in_company(taught).scores([situation])[0] == pytest.approx([0, 0, 0, 0, 6 / (6 * 12) ** 0.5, 0])
    assert following(taught, power=1, decay=1).scores([situation])[0][CLUE] == pytest.approx(log(2))
    assert best(likely_in_company(taught), situation) == CLUE


def test_without_company_what_is_likely_is_what_is_named_often(tmp_path: Path) -> None:
    scores = likely_in_company(training(tmp_path)).scores([asked(tmp_path, "hi")])[0]
    # (12 + .3) and (6 + .3) of 30 + 6 * .3 namings, a fifth of each.
    assert scores[[CLUE, ALIEN, HEAT]] == pytest.approx([log(0.2 * n / 31.8) for n in (12.3, 6.3, 0.3)])


def test_words_ask_for_the_kinds_that_followed_them(tmp_path: Path) -> None:
    voice = WishedKinds.fit(training(tmp_path))
    assert best(voice, asked(tmp_path, "something scary")) in {ALIEN, ALIENS}
    assert best(voice, asked(tmp_path, "something funny")) in {CLUE, AIRPORT}


def test_facts_that_items_share_bring_them_near(tmp_path: Path) -> None:
    items, situation = catalogue(tmp_path), asked(tmp_path, "like Heat")
    assert best(alike_in_kind(items), situation) in {HEAT, HEAT_WAVE}
    titles = sharing_title_words(items).scores([situation])[0]
    assert titles.argsort()[-2:].tolist() in ([HEAT, HEAT_WAVE], [HEAT_WAVE, HEAT])


def test_years_near_those_spoken_of_score_higher(tmp_path: Path) -> None:
    scores = NearNumbers(catalogue(tmp_path)).scores([asked(tmp_path, "like Clue (1985)"), asked(tmp_path, "hi")])
    assert scores[0][CLUE] == 1
    assert scores[0][ALIENS] > scores[0][ALIEN] > scores[0][AIRPORT]
    assert not scores[1].any()


def test_names_are_told_from_kinds_by_how_many_there_are(tmp_path: Path) -> None:
    # Six items have too few names to tell; a small limit stands for a large catalogue.
    items = catalogue(tmp_path)
    said = NamesSaid(items, max_kinds=1).scores([asked(tmp_path, "with ann weaver", "ok", "really")])[0]
    assert said == pytest.approx([0.64, 0.64, 0, 0, 0, 0])
    assert best(sharing_names(items, max_kinds=1), asked(tmp_path, "like Alien (1979)")) in {ALIEN, ALIENS}


def test_precedents_repeat_what_was_recommended_after_such_words(tmp_path: Path) -> None:
    voice = Precedents.fit(training(tmp_path), texts())
    assert best(voice, asked(tmp_path, "", "hello", "something scary like Alien (1979)")) == ALIENS


def test_an_item_is_found_by_its_own_words(tmp_path: Path) -> None:
    assert best(ItemMatch.fit(catalogue(tmp_path), texts()), asked(tmp_path, "a robber")) == HEAT
