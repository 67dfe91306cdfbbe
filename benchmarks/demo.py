"""What a user of the demo waits for: start, first card, whole reply, memory; and how often the LM's words are accepted.

Run: `python -m benchmarks.demo runs/demo [--json]`.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.provenance import commit, machine, median_ci95
from llmrec.assets import AssetStore
from llmrec.build import Overrides
from llmrec.bundle import open_bundle
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.gguf import prepared_model
from llmrec.language_model.loading import CausalLM, ModelSource, load_model
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.recommender import Recommender
from llmrec.types import CardsEvent, Label, LabelScores, Prompt, ReplyEvent, StageEvent, Turn

MESSAGES = (
    "a scary film from the 90s, I loved Alien",
    "something light and romantic, not from the 80s",
    "a western",
    "slow and sad, about growing up",
    "I loved The Godfather and Heat (1995)",
    "a courtroom drama about injustice",
    "animation for children, funny",
    "space adventure like Star Wars",
    "black and white, dark city, a detective",
    "war films before 1980",
)


class RecordingScorer(TransformersLM):
    """The real scorer, remembering the prompt it was last asked."""

    last: Prompt | None = None

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """The real scores of `prompt`, which is kept."""
        self.last = prompt
        return super().score_labels(prompt, labels, timeout_s=timeout_s)


@dataclass
class Waits:
    """Seconds of every message."""

    first_card: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)
    rank: list[float] = field(default_factory=list)
    prefill: list[float] = field(default_factory=list)
    n_tried: int = 0
    n_phrased: int = 0


def measure(directory: Path, *, n_phrased: int) -> dict[str, object]:
    """All figures of the demo in `directory`, over the fixed messages above."""
    started = time.perf_counter()
    place = prepared_model(AssetStore.from_environment(), "smollm2-135m-instruct")
    model, tokenizer = load_model(ModelSource(str(place), torch.device("cpu"), torch.float32))
    scorer = RecordingScorer(model, tokenizer, name=place.name)
    overrides = Overrides(language_model=scorer, settings=(f"explanation.n_phrased={n_phrased}",))
    recommender = Recommender.from_pretrained(directory, overrides=overrides)
    recommender.warm_up()
    start_s = time.perf_counter() - started
    _talk(recommender, MESSAGES[0], Waits(), n_phrased)
    waits = Waits()
    for message in MESSAGES:
        _talk(recommender, message, waits, n_phrased)
        waits.prefill.append(_prefill_s(scorer, ChatEncoding(tokenizer, name=scorer.name), model))
    return {
        "commit": commit(),
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "data": {name: open_bundle(directory).about[name] for name in ("catalogue", "interactions")},
        "messages": len(MESSAGES),
        "start_s": round(start_s, 2),
        "prefill_s": median_ci95(waits.prefill),
        "rank_s": median_ci95(waits.rank),
        "first_card_s": median_ci95(waits.first_card),
        "reply_s": median_ci95(waits.reply),
        "rank_over_prefill": median_ci95(_ratios(waits.rank, waits.prefill)),
        "first_card_over_prefill": median_ci95(_ratios(waits.first_card, waits.prefill)),
        "phrased": f"{waits.n_phrased} of {waits.n_tried}",
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _talk(recommender: Recommender, message: str, waits: Waits, n_phrased: int) -> None:
    started = time.perf_counter()
    cards = 0
    for event in recommender.chat_stream([Turn("user", message)], k=5):
        if isinstance(event, CardsEvent) and not cards:
            cards = len(event.recommendations)
            waits.first_card.append(time.perf_counter() - started)
        elif isinstance(event, StageEvent) and event.stage.name == "rank":
            waits.rank.append(event.stage.seconds)
        elif isinstance(event, StageEvent) and event.stage.name == "phrase":
            waits.n_phrased += event.stage.n_out
            waits.n_tried += min(n_phrased, cards)
        elif isinstance(event, ReplyEvent):
            waits.reply.append(time.perf_counter() - started)


def _prefill_s(scorer: RecordingScorer, encoding: ChatEncoding, model: CausalLM) -> float:
    """Seconds of one bare forward pass over the prompt that was ranked last."""
    if scorer.last is None:
        raise SystemExit("the model was not asked to rank")
    ids = torch.tensor([list(encoding.ids(scorer.last))])
    started = time.perf_counter()
    with torch.inference_mode():
        model(input_ids=ids, use_cache=False, logits_to_keep=1)
    return time.perf_counter() - started


def _ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="a recommender directory")
    parser.add_argument("--phrase", type=int, default=3, help="explanations that the model tries to rephrase")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(arguments.directory, n_phrased=arguments.phrase)
    if arguments.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
