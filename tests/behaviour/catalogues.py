"""The catalogues the dialogues are about, and where both stand."""

from functools import cache
from pathlib import Path

from llmrec.assistant import Assistant
from llmrec.data.catalogue import Catalogue
from llmrec.evaluation.behaviour import turns_of, weightless_assistant
from llmrec.evaluation.dialogue_catalogues import read_catalogue
from llmrec.evaluation.dialogue_expectations import Played
from llmrec.evaluation.dialogue_scripts import Script, Step

CATALOGUES = Path(__file__).parent / "catalogues"
DIALOGUES = Path(__file__).parent / "dialogues"


def catalogue(name: str) -> Catalogue:
    """The items of `NAME.txt`."""
    return read_catalogue(CATALOGUES / f"{name}.txt")


@cache
def assistant_over(name: str) -> tuple[Catalogue, Assistant]:
    """The catalogue of that name and an assistant over it that needs no weights."""
    items = catalogue(name)
    return items, weightless_assistant(items, name=name)


@cache
def turns(script: Script) -> tuple[tuple[Step, Played], ...]:
    """The dialogue as it goes, played once however many ask."""
    return tuple(turns_of(script, *assistant_over(script.catalogue)))
