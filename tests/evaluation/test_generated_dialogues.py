"""Dialogues made from a catalogue hold what follows from how they were made."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.evaluation.behaviour import play, told
from llmrec.evaluation.generated_dialogues import DialogueGenerator
from llmrec.types import Item, ItemId
from tests.behaviour.catalogues import assistant_over


@pytest.mark.parametrize("name", ["films", "books", "shop", "chinese"])
def test_generated_dialogues_go_as_they_must(name: str) -> None:
    items, assistant = assistant_over(name)
    scripts = DialogueGenerator(items, name=name).generate(10, seed=7)
    broken = [outcome for script in scripts for outcome in play(script, items, assistant) if not outcome.held]
    assert not broken, "\n".join(map(told, broken))


def test_the_same_seed_makes_the_same_dialogues() -> None:
    generator = DialogueGenerator(assistant_over("shop")[0], name="shop")
    assert generator.generate(5, seed=1) == generator.generate(5, seed=1)
    assert generator.generate(5, seed=1) != generator.generate(5, seed=2)


def test_a_catalogue_without_kinds_is_refused() -> None:
    items = Catalogue([Item(ItemId("1"), "One", {"price": 3})])
    with pytest.raises(DataError, match="no kinds of items"):
        DialogueGenerator(items, name="prices")
