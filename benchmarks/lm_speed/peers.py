"""How others rank with the same model and the same text about the same user and candidates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from benchmarks.lm_speed.ours import Isolated
from benchmarks.lm_speed.systems import MAX_HISTORY, candidate_lines, history_text
from benchmarks.lm_speed.users import Case
from llmrec.data.catalogue import Catalogue
from llmrec.prompting.rank_prompt import RankPrompt
from llmrec.prompting.slate import make_slate
from llmrec.prompting.templates import PromptLibrary
from llmrec.types import Label, Prompt

MIN_NEW_TOKENS, MAX_NEW_TOKENS = 60, 100
_QUESTION = "Which item suits the user best?"
_PLACE = re.compile(r"\[(\d{1,3})\]")
# Both texts of a pair as they stand: the first is a whole prompt, the second what the answer begins with.
_PAIR_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


@dataclass(frozen=True)
class Stock:
    """The model as anybody loads it, in float32; untyped, for transformers does not type it in one place."""

    model: Any
    tokenizer: Any

    @classmethod
    def of(cls, directory: Path) -> Stock:
        """The model in `directory`."""
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, local_files_only=True)
        torch.nn.Module.train(model, mode=False)
        return cls(model, AutoTokenizer.from_pretrained(directory, local_files_only=True))

    def encoded(self, messages: Sequence[dict[str, str]]) -> Any:  # noqa: ANN401 - what `model` takes
        """Token ids and mask of a conversation, up to where the answer begins."""
        return self.tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )


class PlainLetters:
    """One prompt with letters, one plain pass as `forward` is by default, the letters' logits; so LlamaRec."""

    def __init__(self, stock: Stock, catalogue: Catalogue) -> None:
        """Ask `stock`."""
        self._stock = stock
        self._catalogue = catalogue
        self._prompt = RankPrompt(PromptLibrary.load()["rank"], max_history=MAX_HISTORY, max_description_chars=0)

    def score(self, case: Case) -> Sequence[float]:
        """Log-probability of each candidate's letter."""
        labels = [Label(chr(ord("A") + place)) for place in range(len(case.item_ids))]
        slate = make_slate(case.item_ids, labels)
        built = self._prompt.build(case.query, slate, self._catalogue, count_tokens=_uncounted, max_tokens=1)
        with torch.inference_mode():
            logits = self._stock.model(**self._stock.encoded(_messages(built))).logits[0, -1].log_softmax(-1)
        return [float(logits[token_id]) for token_id in self._stock.tokenizer.convert_tokens_to_ids(labels)]


class DecisionPipeline:
    """`transformers.pipeline("decision")`, asked one question of choice."""

    def __init__(self, stock: Stock, catalogue: Catalogue) -> None:
        """Ask `stock`."""
        self._decide = pipeline("decision", model=stock.model, tokenizer=stock.tokenizer)
        self._catalogue = catalogue

    def score(self, case: Case) -> Sequence[float]:
        """Probability of each option; two candidates of one name are one option."""
        lines = candidate_lines(case, self._catalogue)
        question = {"type": "choice", "instructions": _QUESTION, "criteria": dict.fromkeys(lines)}
        request = {"state": history_text(case, self._catalogue), "questions": {"next": question}}
        probabilities = self._decide(request)["next"]["probabilities"]
        return [float(probabilities[line]) for line in lines]


class GenerateAndParse:
    """A list of numbers, written by the model and read again; so RankGPT. Source: Sun et al. 2023."""

    def __init__(self, stock: Stock, catalogue: Catalogue) -> None:
        """Ask `stock`."""
        self._stock = stock
        self._catalogue = catalogue

    def score(self, case: Case) -> Sequence[float]:
        """Minus the place of each candidate in the model's list; those it left out follow as they were given."""
        inputs = self._stock.encoded([{"role": "user", "content": self._asked(case)}])
        with torch.inference_mode():
            output = self._stock.model.generate(
                **inputs, do_sample=False, min_new_tokens=MIN_NEW_TOKENS, max_new_tokens=MAX_NEW_TOKENS
            )
        said = str(self._stock.tokenizer.decode(output[0, inputs["input_ids"].shape[1] :]))
        order = parsed_order(said, len(case.item_ids))
        return [-float(order.index(place)) for place in range(len(order))]

    def _asked(self, case: Case) -> str:
        lines = candidate_lines(case, self._catalogue)
        numbered = "\n".join(f"[{place}] {line}" for place, line in enumerate(lines, start=1))
        return (
            f"{history_text(case, self._catalogue)}\n\nRank these {len(lines)} items by how well they suit the user.\n"
            f"{numbered}\n\nList all of them, best first, by their numbers alone, as in [2] > [1]."
        )


class Pointwise:
    """sentence-transformers' `CrossEncoder` over the causal model: one question of yes or no for each candidate.

    It reads what our isolated ranker reads for one candidate, so it says the same, only each prompt is read anew.
    """

    def __init__(self, directory: Path, isolated: Isolated) -> None:
        """Ask the model in `directory` what `isolated` asks."""
        reader = Transformer(str(directory), transformer_task="text-generation", model_kwargs={"dtype": torch.float32})
        reader.tokenizer.chat_template = _PAIR_TEMPLATE
        encoding = isolated.loaded.encoding
        self._judge = CrossEncoder(modules=[reader, LogitScore(encoding.yes_id, encoding.no_id)])
        self._isolated = isolated

    def score(self, case: Case) -> Sequence[float]:
        """Logit of yes less logit of no."""
        shared, candidates = self._isolated.texts(case)
        pairs = [(shared, candidate) for candidate in candidates]
        return [float(score) for score in self._judge.predict(pairs, batch_size=len(pairs), show_progress_bar=False)]


def parsed_order(said: str, n: int) -> list[int]:
    """Places from 0 in the order of the numbers in `said`, each once; what it does not name follows in its order."""
    named = [int(number) - 1 for number in _PLACE.findall(said)]
    return list(dict.fromkeys([*(place for place in named if 0 <= place < n), *range(n)]))


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def _uncounted(prompt: Prompt) -> int:
    """A peer does not look whether a prompt fits."""
    return 0
