"""What vague words can mean over a catalogue, and how it is written."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.concepts import Concept, concepts_in
from llmrec.dialogue.vocabulary import HIGH, LOW, YES, Meaning, Vocabulary
from llmrec.types import Constraint, Item, ItemId

CONCEPTS = concepts_in("en")


def shop() -> Catalogue:
    rows = [("1", 10.0, "Lamps", True), ("2", 20.0, "Kitchen", False), ("3", 30.0, "Kitchen", True)]
    return Catalogue(
        Item(
            ItemId(key), f"Thing {key}", facts={"price": price, "category": kind, "wireless": flag, "brand": f"B{key}"}
        )
        for key, price, kind, flag in rows
    )


def test_kinds_flags_and_measured_numbers_can_be_meant_and_names_cannot() -> None:
    assert dict(Vocabulary.of(shop(), CONCEPTS).values) == {
        "category": ("Kitchen", "Lamps"), "wireless": (YES,), "price": (LOW, HIGH),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("meaning", "constraint"),
    [
        (Meaning("category", "Lamps"), Constraint("category", "$eq", "Lamps")),
        (Meaning("category", "Lamps", wanted=False), Constraint("category", "$ne", "Lamps")),
        (Meaning("wireless", YES), Constraint("wireless", "$eq", value=True)),
        (Meaning("price", LOW), Constraint("price", "$lte", 20.0)),
        (Meaning("price", LOW, wanted=False), Constraint("price", "$gte", 20.0)),
    ],
)
def test_a_meaning_is_a_condition_on_facts(meaning: Meaning, constraint: Constraint) -> None:
    vocabulary = Vocabulary({"category": ("Lamps",), "wireless": (YES,), "price": (LOW, HIGH)}, {"price": (20.0, 20.0)})
    assert vocabulary.constraint(meaning) == constraint


def test_a_concept_is_what_the_catalogue_calls_it(films: Catalogue) -> None:
    funny = next(concept for concept in CONCEPTS if "comedy" in concept.names)
    assert Vocabulary.of(films, CONCEPTS).meant_by(funny) == (Meaning("genres", "Comedy"),)
    assert Vocabulary.of(shop(), CONCEPTS).meant_by(funny) == ()
    assert Vocabulary.of(shop(), CONCEPTS).meant_by(Concept(("price",), ("cheap",), "less")) == (Meaning("price", LOW),)


def test_where_a_catalogue_lacks_a_mood_it_is_what_comes_nearest(films: Catalogue) -> None:
    wholesome = next(concept for concept in CONCEPTS if "feel good" in concept.names)
    assert Vocabulary.of(films, CONCEPTS).meant_by(wholesome) == (Meaning("genres", "Comedy"),)


def test_no_phrase_stands_under_two_names() -> None:
    said = [phrase for concept in CONCEPTS for phrase in concept.phrases]
    assert len(said) == len(set(said))


def test_a_language_without_a_file_has_no_concepts() -> None:
    assert concepts_in("xx") == ()
