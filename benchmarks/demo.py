"""What a user of the demo waits for: start, first card, whole reply, memory; what the LM reads and writes for it.

Run: `python -m benchmarks.demo runs/demo [--history] [--json]`. Ten conversations of three turns, with the model, the
adapter and the settings of the recommender; three explanations a reply are phrased.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.provenance import commit, machine, quantile_ci95
from llmrec.assets import AssetStore
from llmrec.build import Overrides
from llmrec.bundle import open_bundle
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.models import model_place
from llmrec.recommender import Recommender
from llmrec.settings import LanguageModelSettings
from llmrec.types import (
    CandidateScores,
    CardsEvent,
    Completion,
    Label,
    LabelScores,
    Profile,
    Prompt,
    ReplyEvent,
    StageEvent,
    Turn,
)

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


FOLLOW_UPS = ("more", "something newer")
_K = 5


@dataclass
class Asked:
    """What the language model read and wrote."""

    rank_tokens: list[int] = field(default_factory=list)
    text_tokens: list[int] = field(default_factory=list)
    passes: list[int] = field(default_factory=list)

    def clear(self) -> None:
        """Forget it; in place, for several views of one model note here."""
        for noted in (self.rank_tokens, self.text_tokens, self.passes):
            noted.clear()


class RecordingLM(TransformersLM):
    """The real model, noting what it is asked; its views with other adapters note it in the same place."""

    asked: Asked

    @classmethod
    def named(cls, settings: LanguageModelSettings, store: AssetStore) -> RecordingLM:
        """The model and adapter that `settings` name, on the CPU. Raises AssetError, ConfigError, ModelError."""
        adapter = Path(settings.adapter) if settings.adapter else None
        place, name = model_place(settings.model, store), Path(settings.model).name
        model = cls.from_pretrained(place, device="cpu", dtype="float32", adapter=adapter, name=name)
        if not isinstance(model, RecordingLM):
            raise TypeError(f"{name} was loaded as {type(model).__name__}.")
        model.asked = Asked()
        return model

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        """The real scores, their tokens noted."""
        found = super().score_labels_many(prompts, labels, timeout_s=timeout_s)
        self.asked.rank_tokens += [scores.n_prompt_tokens for scores in found]
        return found

    def score_candidates_many(
        self, prompts: Sequence[Prompt], candidates: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """The real scores, their tokens noted."""
        found = super().score_candidates_many(prompts, candidates, timeout_s=timeout_s)
        self.asked.rank_tokens += [scores.n_prompt_tokens for scores in found]
        return found

    def score_continuations_many(
        self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[CandidateScores]:
        """The real scores, their tokens noted."""
        found = super().score_continuations_many(prompts, texts, timeout_s=timeout_s)
        self.asked.rank_tokens += [scores.n_prompt_tokens for scores in found]
        return found

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """The real choice; noted are the tokens of each text and how often the model was asked for one."""
        n_passes = 0

        def count(*_: object) -> None:
            nonlocal n_passes
            n_passes += 1

        if not isinstance(self._model, nn.Module):
            raise TypeError(f"{self.name} is no torch module.")
        with self._model.register_forward_pre_hook(count):
            chosen = super().choose(prompts, choices, timeout_s=timeout_s)
        texts = [one.text for one in chosen if one.text]
        self.asked.text_tokens += [len(ids) for ids in self._chat.text_ids(texts)]
        self.asked.passes.append(n_passes)
        return chosen

    def bare_pass_s(self, n_tokens: int) -> float:
        """Seconds of one forward pass over `n_tokens` tokens, nothing kept from before."""
        ids = torch.full((1, n_tokens), self._end_ids[0])
        started = time.perf_counter()
        with torch.inference_mode():
            self._ranks_with(input_ids=ids, use_cache=False, logits_to_keep=1)
        return time.perf_counter() - started


@dataclass
class Conversation:
    """One chat as it goes on.

    Attributes:
        said: What the user says next.
        user_id: Who speaks; None for a stranger.
    """

    said: str
    user_id: str | None = None
    turns: list[Turn] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)


@dataclass
class Turns:
    """What every turn took: seconds, and tokens."""

    first_card: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)
    rank: list[float] = field(default_factory=list)
    prefill: list[float] = field(default_factory=list)
    prompt_tokens: list[int] = field(default_factory=list)
    passes_per_text: list[float] = field(default_factory=list)
    n_tried: int = 0
    n_phrased: int = 0


def measure(
    directory: Path, *, n_phrased: int, with_history: bool, n_conversations: int = len(MESSAGES)
) -> dict[str, object]:
    """All figures of the recommender in `directory`, over conversations that begin with the messages above.

    Args:
        directory: What was saved.
        n_phrased: How many explanations of a reply the model phrases.
        with_history: Whether each conversation is another user's, drawn by seed, or a stranger's.
        n_conversations: How many of the messages.
    """
    started = time.perf_counter()
    settings = Recommender.from_pretrained(directory).settings
    model = RecordingLM.named(settings.language_model, AssetStore.from_environment())
    overrides = Overrides(language_model=model, settings=(f"explanation.n_phrased={n_phrased}",))
    recommender = Recommender.from_pretrained(directory, overrides=overrides)
    recommender.warm_up()
    start_s = time.perf_counter() - started
    _turn(recommender, model, Conversation(MESSAGES[0]), Turns(), n_phrased)
    model.asked.clear()
    turns = Turns()
    drawn = np.random.default_rng(0).permutation(np.asarray(recommender.user_ids))[:n_conversations].tolist()
    for message, user_id in zip(MESSAGES, drawn, strict=False):
        conversation = Conversation(message, user_id=user_id if with_history else None)
        for said in (message, *FOLLOW_UPS):
            conversation.said = said
            _turn(recommender, model, conversation, turns, n_phrased)
    return {
        "commit": commit(),
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "data": {name: open_bundle(directory).about[name] for name in ("catalogue", "interactions")},
        "model": settings.language_model.model,
        "adapter": model.adapter,
        "mode": settings.ranking.mode,
        "turns": len(turns.reply),
        "users": "drawn, seed 0" if with_history else "strangers",
        "ranked_by_the_model": f"{len(turns.prompt_tokens)} of {len(turns.rank)}",
        "start_s": round(start_s, 2),
        **_seconds(turns),
        **_tokens(turns, model.asked),
        "phrased": f"{turns.n_phrased} of {turns.n_tried}",
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _turn(recommender: Recommender, model: RecordingLM, chat: Conversation, turns: Turns, n_phrased: int) -> None:
    """The reply to what is said, which belongs to the conversation then; counted where it shows cards."""
    chat.turns.append(Turn("user", chat.said))
    n_read, n_passes, cards = len(model.asked.rank_tokens), len(model.asked.passes), 0
    started = time.perf_counter()
    for event in recommender.chat_stream(chat.turns, profile=chat.profile, user_id=chat.user_id, k=_K):
        if isinstance(event, CardsEvent) and not cards:
            cards = len(event.recommendations)
            turns.first_card.append(time.perf_counter() - started)
        elif isinstance(event, StageEvent) and event.stage.name == "rank":
            turns.rank.append(event.stage.seconds)
        elif isinstance(event, StageEvent) and event.stage.name == "phrase":
            turns.n_phrased += event.stage.n_out
            turns.n_tried += min(n_phrased, cards)
            passes = model.asked.passes[n_passes:]
            turns.passes_per_text += [n / event.stage.n_out for n in passes if event.stage.n_out]
        elif isinstance(event, ReplyEvent):
            turns.reply.append(time.perf_counter() - started)
            chat.profile = event.reply.profile
            chat.turns.append(Turn("assistant", event.reply.text))
    # The first is the ranking; what follows asks again without one of the user's items, for the explanations.
    for n_tokens in model.asked.rank_tokens[n_read : n_read + 1]:
        turns.prompt_tokens.append(n_tokens)
        turns.prefill.append(model.bare_pass_s(n_tokens))


def _seconds(turns: Turns) -> dict[str, object]:
    return {
        "prefill_s": _p50_p95(turns.prefill),
        "rank_s": _p50_p95(turns.rank),
        "first_card_s": _p50_p95(turns.first_card),
        "reply_s": _p50_p95(turns.reply),
    }


def _tokens(turns: Turns, asked: Asked) -> dict[str, object]:
    return {
        "rank_prompt_tokens": {**_p50_p95(turns.prompt_tokens), "max": max(turns.prompt_tokens)},
        "explanation_tokens": {**_p50_p95(asked.text_tokens), "max": max(asked.text_tokens)}
        if asked.text_tokens
        else {},
        "decoding_passes_per_explanation": _p50_p95(turns.passes_per_text) if turns.passes_per_text else {},
    }


def _p50_p95(values: Sequence[float]) -> dict[str, object]:
    """Median and 95 % quantile, each with its 95 % interval, and the most; nothing of nothing."""
    if not values:
        return {}
    (p50, low), (p95, high) = quantile_ci95(values, 0.5), quantile_ci95(values, 0.95)
    return {"p50": p50, "p50_ci95": low, "p95": p95, "p95_ci95": high, "max": round(max(values), 4)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="a recommender directory")
    parser.add_argument("--phrase", type=int, default=3, help="explanations that the model tries to rephrase")
    parser.add_argument("--history", action="store_true", help="let users with a history speak, not strangers")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(arguments.directory, n_phrased=arguments.phrase, with_history=arguments.history)
    if arguments.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
