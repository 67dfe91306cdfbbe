"""Measures what each voice adds to understanding: precision and recall of entries over messages with their meanings.

    python -m finetune.evaluate_understand --messages tests/behaviour/messages --catalogues tests/behaviour/catalogues \\
        --adapter llmrec/adapters/understand

Voices: the exact grammar alone; with the sentence encoder; with the adapter; with both, the adapter first.
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

from finetune.understand_messages import Judged, Message, judge, meanings_of, read_messages, summed
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.leanings import Leanings, VagueReader
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.dialogue.vague import LikenessReader
from llmrec.dialogue.vocabulary import Meaning, Vocabulary, written
from llmrec.errors import LLMRecError
from llmrec.evaluation.dialogue_catalogues import read_catalogue
from llmrec.interfaces import Embedder
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


class Voices:
    """Trackers over catalogues with some voices beside the grammar."""

    def __init__(self, embedder: Embedder | None) -> None:
        """The encoder's voice reads with `embedder`; None leaves it out."""
        self._embedder = embedder

    def tracker(self, catalogue: Catalogue) -> GrammarTracker:
        """One over `catalogue`."""
        concepts = concepts_in(_LANGUAGE)
        vocabulary = Vocabulary.of(catalogue, concepts)
        readers: list[VagueReader] = []
        if self._embedder is not None:
            readers.append(LikenessReader(vocabulary, concepts, self._embedder))
        leanings = Leanings(catalogue, vocabulary, readers) if readers else None
        return GrammarTracker(catalogue, TitleIndex(catalogue), leanings=leanings)


def read_all(messages: Sequence[Message], catalogues: Mapping[str, Catalogue], voices: Voices) -> list[Read]:
    """Each message read as the first of a conversation."""
    trackers = {name: voices.tracker(catalogue) for name, catalogue in catalogues.items()}
    for tracker in trackers.values():
        tracker.update(Profile(), Turn("user", "xylograph"), index=0)  # what is prepared once is not timed
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


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the table is printed."""
    options = _parser().parse_args(arguments)
    try:
        messages = read_messages(options.messages)
        names = dict.fromkeys(message.catalogue for message in messages)
        catalogues = {name: read_catalogue(options.catalogues / f"{name}.txt") for name in names}
        encoder = load_encoder(EncoderSettings(), AssetStore())
        arms = {"grammar": Voices(None), "grammar + encoder": Voices(encoder)}
        found = {name: read_all(messages, catalogues, voices) for name, voices in arms.items()}
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
    parser.add_argument("--wrong", action="store_true", help="also list what was missed or read wrongly")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
