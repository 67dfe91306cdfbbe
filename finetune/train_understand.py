"""Trains the second voice of understanding: a LoRA adapter that reads what the grammar left unread of a message.

    python finetune/train_understand.py finetune/configs/understand-cpu.toml --out llmrec/adapters/understand

It learns from utterances made of the phrases in `llmrec/dialogue/resources/vague_en.tsv` over vocabularies drawn at
random, so that it reads for any catalogue. Whether it helps is measured apart, by `finetune.evaluate_understand`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from finetune.answer_training import AnswerTrainer, Batch, answer_batch
from finetune.ranker_model import Base, adapted, adapter_weights, load_base, round_adapter
from finetune.ranker_output import save_adapter
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
from llmrec.models import model_place
from llmrec.prompting.templates import PromptLibrary, PromptTemplate

_LANGUAGE = "en"


class Encoder:
    """Turns utterances over vocabularies into batches, with the prompt that serves."""

    def __init__(self, base: Base, template: PromptTemplate) -> None:
        """Encode for `base` with `template`."""
        self._chat = ChatEncoding(base.tokenizer, name=base.name)
        self._template = template
        self._end = int(cast(int, base.tokenizer.eos_token_id))

    def batch(self, drawn: Sequence[tuple[Vocabulary, Sequence[Example]]]) -> Batch:
        """One row for each vocabulary: its prompt once, then its utterances side by side."""
        rows = [
            [(understand_prompt(self._template, vocabulary, one.words), one.answer) for one in examples]
            for vocabulary, examples in drawn
        ]
        return answer_batch(rows, self._chat, end_id=self._end)


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
    trainer = AnswerTrainer(model, config, device, what="understand")
    learning = Generator(learned, np.random.default_rng(config.seed))

    def draw() -> Batch:
        return encoder.batch(list(drawn(learning, config.n_vocabularies, config.n_messages)))

    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with (out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for row in trainer.fit(draw, validation, limit=TimeLimit.of_minutes(minutes)):
            rows.append(row)
            file.write(f"{json.dumps(row)}\n")
            file.flush()
    round_adapter(model)
    exact, _ = trainer.validate(validation)
    save_adapter(model, adapter_weights(model), out, base_name=base.name)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
