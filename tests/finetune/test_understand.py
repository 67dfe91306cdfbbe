"""Utterances for the second voice, and the messages that readings are measured with."""

from pathlib import Path

import numpy as np
import pytest

from finetune.understand_examples import Generator, parted
from finetune.understand_language import read, written
from finetune.understand_messages import Message, judge, meanings_of, read_messages, summed
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning, Vocabulary
from llmrec.dialogue.words import fold, split_words
from llmrec.errors import DataError
from llmrec.types import Constraint, ConstraintEntry, LeaningEntry, Profile

MESSAGES = Path(__file__).parents[1] / "behaviour" / "messages"
FUNNY, SCARY = Meaning("genres", "Comedy"), Meaning("genres", "Horror")


def test_every_utterance_means_what_its_vocabulary_can_say() -> None:
    generator = Generator(concepts_in("en"), np.random.default_rng(0))
    for _ in range(20):
        vocabulary = generator.vocabulary()
        for example in generator.examples(vocabulary, 20):
            assert example.answer == "none" or len(read(example.answer, vocabulary)) == example.answer.count(";") + 1


def test_what_is_written_is_read_again_and_what_is_unknown_is_passed_over() -> None:
    vocabulary = Vocabulary({"kind": ("Lamps",), "price": (LOW, HIGH)}, {"price": (1.0, 2.0)})
    meanings = (Meaning("kind", "Lamps"), Meaning("price", HIGH, wanted=False))
    assert written(meanings) == "kind=Lamps;not price=high"
    assert read("kind=Lamps;not price=high;kind=Boats;nonsense", vocabulary) == meanings
    assert written(()) == "none"
    assert read("none", vocabulary) == ()


def test_the_same_seed_makes_the_same_utterances() -> None:
    def made() -> list[str]:
        generator = Generator(concepts_in("en"), np.random.default_rng(3))
        return [example.words for example in generator.examples(generator.vocabulary(), 30)]

    assert made() == made()


def test_phrases_of_validation_are_not_learned_from() -> None:
    learned, kept = parted(concepts_in("en"), share=0.15, seed=0)
    said = {phrase for concept in learned for phrase in concept.phrases}
    assert all(said.isdisjoint(concept.phrases) for concept in kept)
    assert all(concept.phrases for concept in kept)


def test_no_message_that_is_measured_with_is_a_phrase_that_is_learned_from() -> None:
    def plain(text: str) -> str:
        return " ".join(word.key for word in split_words(fold(text)))

    phrases = {plain(phrase) for concept in concepts_in("en") for phrase in concept.phrases}
    assert [message.text for message in read_messages(MESSAGES) if plain(message.text) in phrases] == []


def test_optional_entries_count_for_precision_alone() -> None:
    message = Message("f", "films", "x", frozenset({FUNNY}), frozenset({FUNNY, SCARY}))
    assert judge(message, [SCARY]).n_right == 1
    assert judge(message, [SCARY]).n_found == 0
    assert judge(message, [FUNNY.turned()]).n_wrong == 1


def test_measures_are_of_all_entries_together() -> None:
    message = Message("f", "films", "x", frozenset({FUNNY, SCARY}), frozenset({FUNNY, SCARY}))
    told = summed([judge(message, [FUNNY, SCARY]), judge(message, [FUNNY, SCARY.turned()])])
    assert told["precision"]["mean"] == 0.75  # type: ignore[index]
    assert told["recall"]["mean"] == 0.75  # type: ignore[index]
    assert told["wrong_of_100"]["mean"] == 50  # type: ignore[index]


def test_what_is_believed_is_told_as_entries() -> None:
    stated = (Constraint("year", "$gte", 1990), Constraint("genres", "$in", ("Comedy", "Horror")))
    leant = (Constraint("wireless", "$eq", value=True), Constraint("price", "$lte", 20.0))
    profile = Profile(
        constraints=tuple(ConstraintEntry(one, 0) for one in stated),
        leanings=tuple(LeaningEntry(one, 0, "x", "encoder") for one in leant),
    )
    assert meanings_of(profile) == (
        Meaning("year", HIGH), FUNNY, SCARY, Meaning("wireless", YES), Meaning("price", LOW),
    )  # fmt: skip


def test_a_line_that_is_no_message_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("using films\nsomething funny\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_messages(tmp_path)
