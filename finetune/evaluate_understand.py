"""Measures what each voice adds to understanding: precision and recall of entries over messages with meanings.

    MESSAGES=tests/behaviour/messages
    python -m finetune.evaluate_understand --messages $MESSAGES --catalogues tests/behaviour/catalogues --adapter DIR

Voices: the exact grammar alone; with the sentence encoder, or with the list of words that the message's language has
instead; with the adapter; with both, either first. The waits are of whole messages; in the arms with both, what the
adapter said before is not asked again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finetune.understand_language import written
from finetune.understand_messages import Judged, Message, judge, meanings_of, read_messages, summed
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.leanings import Leanings, VagueReader
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.dialogue.vague import LikenessReader
from llmrec.dialogue.vague_words import vocabulary_concepts, word_readers
from llmrec.dialogue.vocabulary import Meaning, Vocabulary
from llmrec.errors import ConfigError, LLMRecError
from llmrec.evaluation.dialogue_catalogues import read_catalogue
from llmrec.models import load_encoder
from llmrec.settings import EncoderSettings
from llmrec.types import Profile, Turn

_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Read:
    """A message, what it was read as, and the seconds that took."""

    message: Message
    found: tuple[Meaning, ...]
    seconds: float

    @property
    def judged(self) -> Judged:
        """How well that answers what it means."""
        return judge(self.message, self.found)


class Remembering:
    """A voice whose readings are kept, so that arms that share it ask it once; implements VagueReader."""

    def __init__(self, reader: VagueReader) -> None:
        """Remember what `reader` says."""
        self.name = reader.name
        self._reader = reader
        self._known: dict[str, Sequence[Meaning]] = {}

    def read(self, words: str) -> Sequence[Meaning]:
        """What it said before, or says now."""
        if words not in self._known:
            self._known[words] = self._reader.read(words)
        return self._known[words]


def tracker(catalogue: Catalogue, readers: Sequence[VagueReader]) -> GrammarTracker:
    """The exact grammar over `catalogue`, and `readers` for what it leaves unread."""
    vocabulary = Vocabulary.of(catalogue, vocabulary_concepts())
    leanings = Leanings(catalogue, vocabulary, readers, others=word_readers(vocabulary)) if readers else None
    return GrammarTracker(catalogue, TitleIndex(catalogue), leanings=leanings)


def read_all(messages: Sequence[Message], trackers: Mapping[str, GrammarTracker]) -> list[Read]:
    """Each message read as the first of a conversation by the tracker of its catalogue."""
    for one in trackers.values():
        one.update(Profile(), Turn("user", "xylograph"), index=0)  # what is prepared once is not timed
    found = []
    for message in messages:
        began = time.perf_counter()
        profile = trackers[message.catalogue].update(Profile(), Turn("user", message.text), index=0).profile
        found.append(Read(message, meanings_of(profile), time.perf_counter() - began))
    return found


def report(reads: Sequence[Read]) -> Mapping[str, object]:
    """Measures by file and over all, and the median and slowest reading in seconds."""
    by_file = {
        name: summed([one.judged for one in reads if one.message.file == name])
        for name in dict.fromkeys(one.message.file for one in reads)
    }
    seconds = [one.seconds for one in reads]
    waits = {"median_s": round(float(np.median(seconds)), 4), "slowest_s": round(max(seconds), 4)}
    return {**by_file, "all": summed([one.judged for one in reads]), "wait": waits}


def _arms(
    catalogues: Mapping[str, Catalogue], adapter: Path | None, *, dtype: str
) -> Mapping[str, Mapping[str, Sequence[VagueReader]]]:
    """By the name of an arm and of a catalogue who reads after the grammar, in this order."""
    concepts, store = concepts_in(_LANGUAGE), AssetStore()
    words = {name: Vocabulary.of(catalogue, vocabulary_concepts()) for name, catalogue in catalogues.items()}
    encoder = load_encoder(EncoderSettings(), store)
    likeness = {name: LikenessReader(vocabulary, concepts, encoder) for name, vocabulary in words.items()}
    arms: dict[str, Mapping[str, Sequence[VagueReader]]] = {
        "grammar": dict.fromkeys(catalogues, ()),
        "grammar + encoder": {name: (likeness[name],) for name in catalogues},
    }
    if adapter is not None:
        model = _adapter_readers(adapter, words, store, dtype=dtype)
        arms["grammar + adapter"] = {name: (model[name],) for name in catalogues}
        arms["grammar + adapter, then encoder"] = {name: (model[name], likeness[name]) for name in catalogues}
        arms["grammar + encoder, then adapter"] = {name: (likeness[name], model[name]) for name in catalogues}
    return arms


def _adapter_readers(
    adapter: Path, words: Mapping[str, Vocabulary], store: AssetStore, *, dtype: str
) -> Mapping[str, VagueReader]:
    try:
        from finetune.understand_voice import AdaptedModel, AdapterReader
    except ImportError as error:
        raise ConfigError(
            f"the second voice needs llguidance: {error}.", hint="pip install 'llmrec[understand]'"
        ) from error
    adapted = AdaptedModel(adapter, store, dtype=dtype)
    return {name: Remembering(AdapterReader(adapted, vocabulary)) for name, vocabulary in words.items()}


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the table is printed."""
    options = _parser().parse_args(arguments)
    try:
        messages = read_messages(options.messages)
        names = dict.fromkeys(message.catalogue for message in messages)
        catalogues = {name: read_catalogue(options.catalogues / f"{name}.txt") for name in names}
        found = {
            name: read_all(messages, {own: tracker(catalogue, readers[own]) for own, catalogue in catalogues.items()})
            for name, readers in _arms(catalogues, options.adapter, dtype=options.dtype).items()
        }
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({name: report(reads) for name, reads in found.items()}, indent=1))
    if options.wrong:
        for name, reads in found.items():
            for one in reads:
                if one.judged.n_wrong or one.judged.n_found < one.judged.n_required:
                    print(f"{name}: {one.message.text} -> {written(one.found)}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate_understand", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=Path, required=True, help="directory of messages with their meanings")
    parser.add_argument("--catalogues", type=Path, required=True, help="directory of the catalogues they are about")
    parser.add_argument("--adapter", type=Path, help="directory of the second voice's adapter")
    parser.add_argument("--dtype", default="auto", help="number format of its base: auto, float32, bfloat16")
    parser.add_argument("--wrong", action="store_true", help="also list what was missed or read wrongly")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
