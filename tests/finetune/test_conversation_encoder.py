from pathlib import Path

import numpy as np
import pytest

from finetune.conversation_encoder import EncoderTraining, Lessons, lessons_of, trained_projection
from llmrec.conversation.encoder import ConversationEncoder, EncoderInputs
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.situations import situation_of
from tests.conversation.hashed import DIM, texts
from tests.conversation.small import catalogue, row, training

CONFIG = EncoderTraining(n_out=8, epochs=40, batch_size=16, n_rivals=2, learning_rate=0.02, dropout=0.1)


def taught(directory: Path) -> tuple[EncoderInputs, Lessons]:
    known, encoded = training(directory), texts()
    inputs = EncoderInputs.of(known, encoded, ItemMatch.fit(known.catalogue, encoded).items)
    return inputs, lessons_of(known, inputs)


def test_what_its_own_dialogue_says_of_an_answer_is_taken_out(tmp_path: Path) -> None:
    inputs, lessons = taught(tmp_path)
    number = lessons.answers.tolist().index(5)
    # Airport: five other dialogues say the same words before it; (5 - 1 + ...) is 5 of 5 + 2.
    assert np.linalg.norm(lessons.answer_inputs[number, DIM:]) == pytest.approx(5 / 7, abs=1e-5)
    assert lessons.answer_priors[number] == pytest.approx(np.log(5.3))
    assert inputs.n_named[5] == 6


def test_training_lays_what_was_said_beside_what_was_recommended(tmp_path: Path) -> None:
    inputs, lessons = taught(tmp_path)
    encoder = ConversationEncoder(trained_projection(lessons, inputs, CONFIG), inputs)
    names = ItemNames(catalogue(tmp_path))
    scary = situation_of(row("1", "", "hello", "something scary like Alien (1979)"), names)
    funny = situation_of(row("2", "something funny please", "try Clue (1985)", "seen it"), names)
    assert encoder.scores([scary, funny]).argmax(axis=1).tolist() == [1, 5]


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    inputs, lessons = taught(tmp_path)
    first, second = (trained_projection(lessons, inputs, CONFIG) for _ in range(2))
    assert (first.queries == second.queries).all()
