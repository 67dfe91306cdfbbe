"""What ranking costs above one bare prefill of the same prompt, with the model's own weights.

Run: `python -m benchmarks.speed MODEL_DIR [--json] [--threads 2] [--repeats 5]`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch

from llmrec.data.catalogue import Catalogue
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.loading import CausalLM, ModelSource, load_model
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.types import (
    Candidate,
    FactValue,
    History,
    Interaction,
    Item,
    ItemId,
    Label,
    LabelScores,
    Profile,
    Prompt,
    Query,
    UserId,
    WishEntry,
)

_NOUNS = ("Harbour", "Lantern", "Orchard", "Signal", "Winter", "Mirror", "Canyon", "Letter", "Garden", "Engine")
_MOODS = ("Silent", "Broken", "Golden", "Distant", "Hidden", "Crooked", "Burning", "Paper")
_GENRES = ("Drama", "Comedy", "Thriller", "Romance", "Horror", "Action", "Mystery")
_WORDS = ("quiet town", "old rivalry", "slow dread", "warm humour", "long journey", "family secret", "dark streets")


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """Medians in seconds, and what they were measured on."""

    prefill_s: float
    rank_s: float
    ratio: float
    label_mass: float
    n_prompt_tokens: int
    n_history: int
    n_candidates: int
    model: str
    template: str
    threads: int
    device: str
    repeats: int
    torch_version: str
    machine: str


class RecordingScorer(TransformersLM):
    """The real scorer, remembering the prompt it was last asked."""

    last: Prompt | None = None

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """The real scores of `prompt`, which is kept."""
        self.last = prompt
        return super().score_labels(prompt, labels, timeout_s=timeout_s)


def synthetic_catalogue(n_items: int) -> Catalogue:
    """Items whose titles, facts and descriptions are as long as those of a real catalogue."""
    return Catalogue(_item(number) for number in range(n_items))


def measure(directory: str, *, repeats: int, n_history: int, n_candidates: int) -> SpeedReport:
    """Time `ListwiseRanker.rank` whole against the model's forward pass over the same token ids, in turns."""
    model, tokenizer = load_model(ModelSource(directory, torch.device("cpu"), torch.float32))
    scorer = RecordingScorer(model, tokenizer, name=directory.rstrip("/").rpartition("/")[2])
    catalogue = synthetic_catalogue(n_history + n_candidates)
    template = PromptLibrary.load()["rank"]
    # A model of random weights is measured as well as a real one: no mass on the labels is no reason to stop.
    limits = ListwiseLimits(max_slate=n_candidates, max_prompt_tokens=scorer.max_prompt_tokens, min_label_mass=0.0)
    ranker = ListwiseRanker(scorer, RankPrompt(template), catalogue, limits=limits)
    query = _query(catalogue, n_history)
    candidates = [Candidate(item_id, -float(n), "fusion") for n, item_id in enumerate(catalogue.ids[n_history:])]
    ranking = ranker.rank(query, candidates)
    if scorer.last is None or ranking.report.degraded:
        raise SystemExit(f"the model did not rank: {ranking.report.degraded}")
    ids = ChatEncoding(tokenizer, name=scorer.name).ids(scorer.last)
    prefill_s, rank_s = _medians(_prefill(model, ids), lambda: ranker.rank(query, candidates), repeats=repeats)
    return SpeedReport(
        prefill_s=prefill_s,
        rank_s=rank_s,
        ratio=rank_s / prefill_s,
        label_mass=ranking.report.label_mass,
        n_prompt_tokens=len(ids),
        n_history=n_history,
        n_candidates=n_candidates,
        model=scorer.name,
        template=template.hash,
        threads=torch.get_num_threads(),
        device="cpu",
        repeats=repeats,
        torch_version=torch.__version__,
        machine=platform.processor() or platform.machine(),
    )


def _item(number: int) -> Item:
    title = f"The {_MOODS[number % 8]} {_NOUNS[number % 10]} ({1960 + number})"
    facts: dict[str, FactValue] = {"year": 1960 + number, "genres": (_GENRES[number % 7], _GENRES[(number + 3) % 7])}
    words = [_WORDS[(number + step) % 7] for step in range(4)]
    return Item(ItemId(str(number)), title, facts, ", ".join(words))


def _query(catalogue: Catalogue, n_history: int) -> Query:
    history = History(tuple(Interaction(UserId("u"), item_id) for item_id in catalogue.ids[:n_history]))
    return Query(history=history, profile=Profile(wishes=(WishEntry("something tense with a slow dread", 0),)))


def _prefill(model: CausalLM, ids: Sequence[int]) -> Callable[[], object]:
    inputs = torch.tensor([list(ids)])

    def run() -> object:
        with torch.inference_mode():
            return model(input_ids=inputs, use_cache=False, logits_to_keep=1).logits

    return run


def _medians(first: Callable[[], object], second: Callable[[], object], *, repeats: int) -> tuple[float, float]:
    """Median seconds of each. They alternate, so that a machine that slows down slows both."""
    first()
    second()
    pairs = [(_seconds(first), _seconds(second)) for _ in range(repeats)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a directory with safetensors weights")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--history", type=int, default=20)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report = measure(
        arguments.model,
        repeats=arguments.repeats,
        n_history=arguments.history,
        n_candidates=arguments.candidates,
    )
    if arguments.json:
        print(json.dumps(asdict(report)))
        return
    print(f"prefill {report.prefill_s:.3f} s, rank {report.rank_s:.3f} s: {report.ratio:.3f}x (target 1.15)")
    print(f"{report.n_prompt_tokens} tokens, label mass {report.label_mass:.3f}, {report.threads} threads")


if __name__ == "__main__":
    main()
