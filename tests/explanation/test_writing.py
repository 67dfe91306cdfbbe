"""Sentences that a model writes about items, and which of them are kept."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.writing import SentenceWriter, names_of, writing_prompt
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompting.templates import PromptLibrary
from llmrec.types import Evidence, Explanation, Item, ItemId

CITES = (
    Evidence("shared_fact", "it shares Horror with Alien (1979), which you loved", "genres", "Horror", ItemId("2")),
)
GIVEN = Explanation(ItemId("6"), "Shares Horror with Alien (1979), which you loved.", CITES)
GOOD = "You loved Alien, and this one has Horror too."


def written(films: Catalogue, *texts: str) -> list[str]:
    writer = SentenceWriter(ScriptedModel(texts), PromptLibrary.load()["explain_written"], films)
    return writer.write([GIVEN] * len(texts), timeout_s=1.0)


def test_each_gets_its_own_sentence_in_one_batch(films: Catalogue) -> None:
    assert written(films, GOOD, "It shares Horror with Alien, which you loved.") == [
        GOOD,
        "It shares Horror with Alien, which you loved.",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "You loved Scream, and this one has Horror too.",
        "You loved Alien, and this one has Comedy too.",
        f"{GOOD} It is the best of its kind.",
        "You might enjoy it.",
        "You loved Alien, and this one" + " has Horror too" * 20,
    ],
)
def test_what_claims_more_or_was_cut_off_is_dropped(films: Catalogue, bad: str) -> None:
    assert written(films, bad) == [""]


def test_a_reason_left_out_is_no_whole_sentence(films: Catalogue) -> None:
    year = Evidence("constraint", "it is from 1996, within 1990 to 1999", "year", "1996")
    writer = SentenceWriter(ScriptedModel([GOOD]), PromptLibrary.load()["explain_written"], films)
    assert writer.write([Explanation(ItemId("6"), "x", (*CITES, year))], timeout_s=1.0) == [""]


def test_the_prompt_tells_reasons_by_bare_titles(films: Catalogue) -> None:
    prompt = writing_prompt(PromptLibrary.load()["explain_written"], CITES, films, first="You")
    assert prompt.messages[-1].content == "- it shares Horror with Alien, which you loved\nBegin with: You"


def test_titles_that_could_be_mistaken_keep_their_years() -> None:
    twins = Catalogue([Item(ItemId("a"), "Heat (1986)", {}), Item(ItemId("b"), "Heat (1995)", {})])
    cites = [
        Evidence("contribution", f"it scores higher thanks to {one.title}", item_id=one.id) for one in twins.values()
    ]
    assert names_of(cites, twins) == {"a": "Heat (1986)", "b": "Heat (1995)"}
