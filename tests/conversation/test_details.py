from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.companions import Prior
from llmrec.conversation.details import FollowingNumbers, OfTheLast, detail_voices, fame_groups, number_groups
from llmrec.conversation.facts import sharing_names
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.situations import Situation, situation_of
from tests.conversation.hashed import texts
from tests.conversation.small import catalogue, row, training

ALIEN, ALIENS, HEAT, HEAT_WAVE, CLUE, AIRPORT = range(6)


def asked(directory: Path, *context: str) -> Situation:
    return situation_of(row("1", *context), ItemNames(catalogue(directory)))


def test_the_last_item_spoken_of_speaks_alone(tmp_path: Path) -> None:
    voice = OfTheLast(sharing_names(catalogue(tmp_path), max_kinds=1))
    scores = voice.scores([asked(tmp_path, "I liked Heat", "and?", "Alien (1979)")])[0]
    # Ann Weaver is in both of these; Bob Niro was in what was spoken of before.
    assert np.flatnonzero(scores).tolist() == [ALIEN, ALIENS]


def test_nothing_spoken_of_is_nothing_to_ask_about(tmp_path: Path) -> None:
    always = Prior(np.ones(6, dtype=np.float32))
    assert OfTheLast(always).scores([asked(tmp_path, "hi")])[0].tolist() == [1] * 6


def test_numbers_fall_into_groups_and_unknown_ones_into_the_last(tmp_path: Path) -> None:
    groups = number_groups(training(tmp_path)).argmax(axis=1).tolist()
    years = [ALIEN, ALIENS, HEAT_WAVE, CLUE, AIRPORT]  # 1979, 1986, 1990, 1985, 1970
    assert sorted(years, key=lambda item: groups[item]) == [AIRPORT, ALIEN, CLUE, ALIENS, HEAT_WAVE]
    assert groups[HEAT] == 8


def test_fame_is_by_how_many_dialogues_name_an_item(tmp_path: Path) -> None:
    # 6, 6, 0, 0, 12 and 6 dialogues; groups begin at 1, 3, 8 and 20.
    assert fame_groups(training(tmp_path)).argmax(axis=1).tolist() == [2, 2, 0, 0, 3, 2]


def test_numbers_that_followed_are_expected_again(tmp_path: Path) -> None:
    voice = FollowingNumbers.fit(training(tmp_path))
    scores = voice.scores([asked(tmp_path, "Clue (1985)"), asked(tmp_path, "hi")])
    # The six that had spoken of Clue heard of Airport next, made in another year than all else.
    assert int(scores[0].argmax()) == AIRPORT
    assert scores[1].tolist() == pytest.approx([0] * 6)


def test_every_detail_has_an_opinion_of_every_item(tmp_path: Path) -> None:
    taught = training(tmp_path)
    voices = detail_voices(taught, ItemMatch.fit(taught.catalogue, texts()).items)
    for voice in voices.values():
        scores = voice.scores([asked(tmp_path, "something scary like Alien (1979)"), asked(tmp_path, "hi")])
        assert scores.shape == (2, 6)
        assert np.isfinite(scores).all()
