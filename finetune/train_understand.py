"""Trains the second voice of understanding: a LoRA adapter that reads what the grammar left unread of a message.

    python finetune/train_understand.py finetune/configs/understand-cpu.toml --out llmrec/adapters/understand

It learns from utterances made of the phrases in `llmrec/dialogue/resources/vague_en.tsv` over vocabularies drawn at
random, so that it reads for any catalogue. Whether it helps is measured apart, by `finetune.evaluate_understand`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from finetune.ranker_model import Base, adapted, adapter_weights, load_base, round_adapter
from finetune.time_limit import TimeLimit
from finetune.understand_card import write_record
from finetune.understand_config import UnderstandTraining
from finetune.understand_examples import Example, Generator, parted
from finetune.understand_prompt import understand_prompt
from llmrec.assets import AssetStore
from llmrec.dialogue.concepts import concepts_in
from llmrec.dialogue.vocabulary import Vocabulary
from llmrec.errors import LLMRecError
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.devices import choose_device
from llmrec.language_model.packed import Packed, Segment, pack
from llmrec.models import model_place
from llmrec.prompting.templates import PromptLibrary, PromptTemplate

_LANGUAGE = "en"


@dataclass(frozen=True)
class Batch:
    """Rows of utterances, one vocabulary each, and the tokens of their answers.

    Attributes:
        rows: int64 [n_answer_tokens], each one's row.
        columns: int64 [n_answer_tokens]; what the model says there is about the next token.
        tokens: int64 [n_answer_tokens], the next one's id.
        owners: int64 [n_answer_tokens], number of the utterance.
    """

    packed: Packed
    rows: torch.Tensor
    columns: torch.Tensor
    tokens: torch.Tensor
    owners: torch.Tensor


class Encoder:
    """Turns utterances over vocabularies into batches, with the prompt that serves."""

    def __init__(self, base: Base, template: PromptTemplate) -> None:
        """Encode for `base` with `template`."""
        self._chat = ChatEncoding(base.tokenizer, name=base.name)
        self._template = template
        self._end = int(cast(int, base.tokenizer.eos_token_id))

    def batch(self, drawn: Sequence[tuple[Vocabulary, Sequence[Example]]]) -> Batch:
        """One row for each vocabulary: its prompt once, then its utterances side by side."""
        rows: list[list[Segment]] = []
        answers: list[list[list[int]]] = []
        for vocabulary, examples in drawn:
            asked = [self._chat.ids(understand_prompt(self._template, vocabulary, one.words)) for one in examples]
            n_shared = _n_shared(asked)
            said = [[*ids, self._end] for ids in self._chat.text_ids([one.answer for one in examples])]
            own = [Segment([*ids[n_shared:], *ends], after=0) for ids, ends in zip(asked, said, strict=True)]
            rows.append([Segment(asked[0][:n_shared]), *own])
            answers.append(said)
        packed = pack(rows)
        spots = list(_spots(packed, answers))
        row, column, owner = torch.tensor(spots).T
        return Batch(packed, row, column, packed.input_ids[row, column + 1], owner)


class Trainer:
    """Fits the adapter of one model."""

    def __init__(self, model: nn.Module, encoder: Encoder, config: UnderstandTraining, device: torch.device) -> None:
        """Train the weights of `model` that require gradients."""
        self._model = model
        self._whole = cast(nn.Module, model.get_base_model())  # type: ignore[operator]
        self._encoder = encoder
        self._config = config
        self._device = device
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def fit(
        self, learn: Generator, validation: Sequence[Batch], *, limit: TimeLimit
    ) -> Iterator[dict[str, float | int]]:
        """Take the steps; yields a line of metrics at each validation, and leaves the best weights in the model."""
        config = self._config
        optimiser = torch.optim.AdamW(self._trained, lr=config.learning_rate, weight_decay=0.01)
        best, kept, losses = -1.0, self._copy(), list[float]()
        began, n_validated = time.monotonic(), 0
        for step in tqdm(range(1, config.steps + 1), desc="understand", unit="step"):
            # A run that is bounded by time anneals as one that is bounded by steps.
            done = max(step / config.steps, (time.monotonic() - began) / (limit.until - began))
            losses.append(self._step(optimiser, learn, min(1.0, done)))
            if done * config.evaluations < n_validated + 1:
                continue
            exact, loss = self.validate(validation)
            n_validated += 1
            if exact > best:
                best, kept = exact, self._copy()
            yield {
                "step": step, "loss": round(float(np.mean(losses)), 4), "validation_loss": round(loss, 4),
                "validation_exact": round(exact, 4), "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip
            losses.clear()
            if done >= 1:
                break
        with torch.no_grad():
            for parameter, weights in zip(self._trained, kept, strict=True):
                parameter.copy_(weights)

    def validate(self, batches: Sequence[Batch]) -> tuple[float, float]:
        """Share of utterances of whose answer every token is the likeliest, and the mean loss of a token."""
        exact: list[float] = []
        losses: list[float] = []
        self._model.eval()
        with torch.inference_mode():
            for batch in batches:
                logits = self._logits(batch)
                losses.append(float(functional.cross_entropy(logits, batch.tokens)))
                wrong = (logits.argmax(dim=-1) != batch.tokens).long()
                n_wrong = torch.zeros(int(batch.owners.max()) + 1, dtype=torch.int64).index_add(0, batch.owners, wrong)
                exact += (n_wrong == 0).float().tolist()
        self._model.train()
        return float(np.mean(exact)), float(np.mean(losses))

    def _step(self, optimiser: torch.optim.Optimizer, learn: Generator, done: float) -> float:
        config = self._config
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * _rate(done, config.warmup)
        batch = self._encoder.batch(list(drawn(learn, config.n_vocabularies, config.n_messages)))
        loss = functional.cross_entropy(self._logits(batch), batch.tokens.to(self._device))
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not say
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        return float(loss.detach())

    def _logits(self, batch: Batch) -> torch.Tensor:
        """Of every answer token, float32 [n_answer_tokens, n_vocabulary]."""
        packed = batch.packed.to(self._device)
        decoder, head = self._whole.get_decoder(), self._whole.get_output_embeddings()  # type: ignore[operator]
        hidden = decoder(
            input_ids=packed.input_ids,
            attention_mask=packed.additive_mask(head.weight.dtype),
            position_ids=packed.position_ids,
            use_cache=False,
        ).last_hidden_state
        return cast(torch.Tensor, head(hidden[batch.rows, batch.columns])).float()

    def _copy(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self._trained]


def drawn(generator: Generator, n_vocabularies: int, n_messages: int) -> Iterator[tuple[Vocabulary, list[Example]]]:
    """Vocabularies with utterances over each."""
    for _ in range(n_vocabularies):
        vocabulary = generator.vocabulary()
        yield vocabulary, list(generator.examples(vocabulary, n_messages))


def run(config: UnderstandTraining, out: Path, *, minutes: float | None, store: AssetStore) -> dict[str, object]:
    """Train and write the adapter with its record into `out`. Raises LLMRecError."""
    device = choose_device(config.device)
    base = load_base(model_place(config.base, store), config.of_model(), device, name=config.base)
    model = adapted(base, config.of_model())
    template = PromptLibrary.load()["understand"]
    encoder = Encoder(base, template)
    learned, kept = parted(concepts_in(_LANGUAGE), share=config.validation_share, seed=config.seed)
    validating = Generator(kept, np.random.default_rng(config.seed + 1))
    validation = [encoder.batch([one]) for one in drawn(validating, config.n_validated, config.n_messages)]
    trainer = Trainer(model, encoder, config, device)
    learning = Generator(learned, np.random.default_rng(config.seed))
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with (out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for row in trainer.fit(learning, validation, limit=TimeLimit.of_minutes(minutes)):
            rows.append(row)
            file.write(f"{json.dumps(row)}\n")
            file.flush()
    round_adapter(model)
    exact, _ = trainer.validate(validation)
    model.save_pretrained(str(out), state_dict=adapter_weights(model))
    record = {
        "base": base.name, "base_sha256": base.weights_sha256, "template": template.name,
        "template_hash": template.hash, "config": config.model_dump(), "validation_exact": round(exact, 4),
        "steps": rows[-1]["step"], "seconds": rows[-1]["seconds"],
    }  # fmt: skip
    write_record(out, record)
    return record


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the adapter is written."""
    parser = argparse.ArgumentParser(prog="train_understand.py", description=__doc__.partition("\n")[0])
    parser.add_argument("config", type=Path, help="a TOML file, as in finetune/configs")
    parser.add_argument("--out", type=Path, required=True, help="the directory to write")
    parser.add_argument("--minutes", type=float, help="training ends after so many")
    options = parser.parse_args(arguments)
    try:
        config = UnderstandTraining.from_file(options.config)
        print(json.dumps(run(config, options.out, minutes=options.minutes, store=AssetStore()), indent=1))
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _rate(done: float, warmup: float) -> float:
    """Share of the learning rate when the share `done` of a run is over: up in a line, down as a cosine."""
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _n_shared(rows: Sequence[Sequence[int]]) -> int:
    """Tokens with which all rows begin, less than any of them has."""
    shortest = min(map(len, rows)) - 1
    return next((n for n in range(shortest) if len({row[n] for row in rows}) > 1), shortest)


def _spots(packed: Packed, answers: Sequence[Sequence[Sequence[int]]]) -> Iterator[tuple[int, int, int]]:
    """Row, column before each answer token, and number of the utterance."""
    ends = packed.ends.tolist()
    owner = 0
    for row, said in enumerate(answers):
        for place, ids in enumerate(said, start=1):
            for column in range(ends[row][place] - len(ids), ends[row][place]):
                yield row, column, owner
            owner += 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
