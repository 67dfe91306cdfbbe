"""Trains the adapter that says reasons for a recommendation in one sentence.

    python finetune/train_explain.py finetune/configs/explain-cpu.toml --data DIR --out llmrec/adapters/explain

It learns from the explainer's own evidence over the films of MovieLens-100K, a small catalogue of books, and
catalogues invented of their words, so that it says what it has never met. What it is worth is measured apart, by
`benchmarks.explanation_writing`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from finetune.answer_training import AnswerTrainer, Batch, answer_batch
from finetune.explain_card import write_record
from finetune.explain_config import ExplainTraining
from finetune.explain_examples import Generator
from finetune.ranker_model import Base, adapted, adapter_weights, load_base, round_adapter
from finetune.ranker_output import save_adapter
from finetune.time_limit import TimeLimit
from llmrec.assets import AssetStore
from llmrec.data.catalogue import Catalogue
from llmrec.data.sources import read_dataset
from llmrec.errors import LLMRecError
from llmrec.evaluation.dialogue_catalogues import read_catalogue
from llmrec.evaluation.provenance import commit
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.devices import choose_device
from llmrec.models import model_place
from llmrec.prompting.templates import PromptLibrary

DATASET = "movielens-100k"
TEMPLATE = "explain_written"
_BOOKS = Path(__file__).resolve().parents[1] / "tests" / "behaviour" / "catalogues" / "books.txt"


def catalogues_of(data: Path) -> dict[str, Catalogue]:
    """What is learned over, by name; a recommender over `shop.txt` beside the books is kept for measuring."""
    return {DATASET: read_dataset(DATASET, data).catalogue, _BOOKS.name: read_catalogue(_BOOKS)}


def batches(
    catalogues: Sequence[Catalogue], base: Base, config: ExplainTraining, rng: np.random.Generator
) -> Iterator[Batch]:
    """Batches of examples without end, drawn from `rng`."""
    chat = ChatEncoding(base.tokenizer, name=base.name)
    end_id = int(base.tokenizer.eos_token_id)

    def n_tokens(text: str) -> int:
        return len(chat.text_ids([text])[0]) + 1

    template = PromptLibrary.load()[TEMPLATE]
    examples = Generator(catalogues, template, n_tokens, rng, max_tokens=config.max_tokens).examples()
    while True:
        pairs = [(one.prompt, one.answer) for one in islice(examples, config.batch_size)]
        yield answer_batch([pairs], chat, end_id=end_id)


def run(
    config: ExplainTraining,
    catalogues: dict[str, Catalogue],
    out: Path,
    *,
    minutes: float | None,
    store: AssetStore,
    command: str,
) -> dict[str, object]:
    """Train and write the adapter with its record into `out`. Raises LLMRecError."""
    device = choose_device(config.device)
    base = load_base(model_place(config.base, store), config.of_model(), device, name=config.base)
    model = adapted(base, config.of_model())
    given = list(catalogues.values())
    apart = batches(given, base, config, np.random.default_rng(config.seed + 1))
    validation = list(islice(apart, config.n_validated))
    drawn = batches(given, base, config, np.random.default_rng(config.seed))
    trainer = AnswerTrainer(model, config, device, what="explain")
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    with (out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for row in trainer.fit(lambda: next(drawn), validation, limit=TimeLimit.of_minutes(minutes)):
            rows.append(row)
            file.write(f"{json.dumps(row)}\n")
            file.flush()
    round_adapter(model)
    exact, loss = trainer.validate(validation)
    save_adapter(model, adapter_weights(model), out, base_name=base.name)
    template = PromptLibrary.load()[TEMPLATE]
    record: dict[str, object] = {
        "base": base.name, "base_sha256": base.weights_sha256, "template": template.name,
        "template_hash": template.hash, "command": command, "commit": commit(),
        "catalogues": {name: one.content_hash for name, one in catalogues.items()}, "config": config.model_dump(),
        "validation_loss": round(loss, 4), "validation_exact": round(exact, 4), "steps": rows[-1]["step"],
        "seconds": rows[-1]["seconds"],
    }  # fmt: skip
    write_record(out, record)
    return record


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the adapter is written."""
    parser = argparse.ArgumentParser(prog="train_explain.py", description=__doc__.partition("\n")[0])
    parser.add_argument("config", type=Path, help="a TOML file, as in finetune/configs")
    parser.add_argument("--data", type=Path, required=True, help="directory of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the directory to write")
    parser.add_argument("--minutes", type=float, help="training ends after so many")
    options = parser.parse_args(arguments)
    store = AssetStore.from_environment()
    command = f"python finetune/train_explain.py {options.config} --data DIR --out DIR"
    try:
        config = ExplainTraining.from_file(options.config)
        catalogues = catalogues_of(options.data)
        record = run(config, catalogues, options.out, minutes=options.minutes, store=store, command=command)
        print(json.dumps(record, indent=1))
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
