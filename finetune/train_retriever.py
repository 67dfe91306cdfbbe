"""Fine-tune the sentence encoder so that the text of a history lies beside the text of what came next.

    python finetune/train_retriever.py --dataset movielens-100k --config finetune/configs/retriever-cpu.toml \
        --out runs/encoder [--from DIR] [--resume] [--max-minutes 20]
    accelerate launch finetune/train_retriever.py --config finetune/configs/retriever-gpu.toml ...
    python finetune/train_retriever.py --task conversation --from DIR \
        --config finetune/configs/conversation.toml --out runs/conversation

What it writes is loaded by `encoder.model=runs/encoder`; the task conversation writes a projection of the encoder's
vectors, see docs/conversation.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import torch

# Run by its path, as `accelerate launch` does, Python looks for modules beside this file, not beside the package.
if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MatryoshkaLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from finetune.conversation_run import train_conversation_encoder
from finetune.retriever_config import RetrieverTraining
from finetune.retriever_data import TrainingData, read_training_data
from finetune.retriever_evaluation import NDCG, NextItemEvaluator, Validation
from finetune.retriever_examples import HISTORY, ITEM, NEGATIVE, example_texts, next_item_examples, with_hard_negatives
from finetune.retriever_output import Outcome, RunPlace, weights_sha256
from finetune.time_limit import TimeLimit
from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.errors import ConfigError, LLMRecError
from llmrec.models import load_encoder
from llmrec.retrieval.embedders import SentenceEncoder
from llmrec.settings import EncoderSettings
from llmrec.types import Vectors


class _StopInTime(TrainerCallback):
    """Ends training after the limit, with a last evaluation and checkpoint to resume from."""

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        # The processes' clocks differ, and one that went on alone would wait for the others for ever.
        if broadcast_object_list([self._limit.is_over])[0]:
            control.should_evaluate = control.should_save = control.should_training_stop = True


class _Trainer(SentenceTransformerTrainer):
    """Learns the same however often it is evaluated, or a run that was cut could not end like one that was not."""

    def evaluate(self, *args: object, **kwargs: object) -> dict[str, float]:
        """What the evaluator says; the chance that dropout draws from is as before."""
        device = self.model.device
        with torch.random.fork_rng([] if device.type == "cpu" else [device]):
            return super().evaluate(*args, **kwargs)  # type: ignore[arg-type]


def fine_tune(
    data: TrainingData, encoder: SentenceEncoder, config: RetrieverTraining, place: RunPlace, *, limit: TimeLimit
) -> Outcome:
    """Train `encoder` in place, keep the weights the validation users like best, and measure them against the base.

    Args:
        data: What to learn from and whom to stop by.
        encoder: The base; afterwards it reads the new weights.
        config: How.
        place: Where checkpoints are; training goes on from its last one, if there is any.
        limit: When to stop.

    Raises:
        DataError: There is nothing to learn from.
    """
    encoder.model.max_seq_length = config.max_length
    base_sha256 = weights_sha256(encoder.model)
    validation = Validation(data.catalogue, data.validation, config.max_history, config.scale)
    vectors = validation.documents(encoder)
    before = validation.rows(encoder, vectors, "base")
    texts = training_texts(data, config, vectors)
    trainer = make_trainer(encoder, config, place, Dataset.from_dict(dict(texts)), validation, limit)
    started = limit.clock()
    trainer.train(resume_from_checkpoint=place.last_checkpoint)
    seconds = limit.clock() - started
    tuned_vectors = validation.documents(encoder)
    after = validation.rows(encoder, tuned_vectors, "fine-tuned")
    shortened = validation.shortened_rows(encoder, tuned_vectors, config.matryoshka_sizes)
    return Outcome(
        per_user={**before, **after, **shortened},
        base_sha256=base_sha256,
        n_examples=len(texts[HISTORY]),
        n_steps=trainer.state.global_step,
        seconds=seconds,
    )


def training_texts(data: TrainingData, config: RetrieverTraining, vectors: Vectors) -> Mapping[str, list[str]]:
    """Columns of texts out of the rows that may be learned from.

    Args:
        data: Only its `fit_on` and its catalogue are read.
        config: How many examples and of what kind.
        vectors: float32 [n_items, dim], the items before fine-tuning.

    Raises:
        DataError: There is nothing to learn from.
    """
    learned_from = data.validation.fit_on
    examples = with_hard_negatives(
        next_item_examples(learned_from, max_history=config.max_history, per_user=config.per_user),
        learned_from,
        vectors,
        n=config.hard_negatives,
        skip=config.negatives_skip,
        pool=config.negatives_pool,
        rng=np.random.default_rng(config.seed),
    )
    return example_texts(examples, data.catalogue, max_history=config.max_history)


def make_trainer(
    encoder: SentenceEncoder,
    config: RetrieverTraining,
    place: RunPlace,
    dataset: Dataset,
    validation: Validation,
    limit: TimeLimit,
) -> SentenceTransformerTrainer:
    """The library's trainer, set up for the columns of `example_texts`."""
    model = encoder.model
    each = CachedMultipleNegativesRankingLoss(
        model,
        scale=config.scale,
        mini_batch_size=config.mini_batch_size,
        gather_across_devices=PartialState().num_processes > 1,
    )
    return _Trainer(
        model=model,
        args=_arguments(model, config, place, n_examples=len(dataset)),
        train_dataset=dataset,
        loss=MatryoshkaLoss(model, each, list(config.matryoshka_sizes)),
        evaluator=NextItemEvaluator(validation, encoder),
        callbacks=[EarlyStoppingCallback(config.patience), _StopInTime(limit)],
    )


def _arguments(
    model: SentenceTransformer, config: RetrieverTraining, place: RunPlace, *, n_examples: int
) -> SentenceTransformerTrainingArguments:
    n_steps = config.epochs * math.ceil(n_examples / (config.batch_size * PartialState().num_processes))
    between = math.ceil(n_steps / config.evaluations)
    return SentenceTransformerTrainingArguments(
        output_dir=str(place.checkpoints),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.epochs,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_share,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        prompts=_prompts(model, config.hard_negatives),
        bf16=config.precision == "bf16",
        use_cpu=model.device.type == "cpu",
        seed=config.seed,
        data_seed=config.seed,
        eval_strategy="steps",
        eval_steps=between,
        save_strategy="steps",
        save_steps=between,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{NDCG}",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_steps=10,
        report_to="none",
    )


def _prompts(model: SentenceTransformer, n_negatives: int) -> dict[str, str]:
    """What serving puts before queries and documents, by column."""
    query, document = model.prompts.get("query") or "", model.prompts.get("document") or ""
    negatives = {NEGATIVE.format(n + 1): document for n in range(n_negatives)}
    return {HISTORY: query, ITEM: document, **negatives}


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the encoder is written."""
    options = _parser().parse_args(arguments)
    if options.task == "conversation":
        return _conversation(options)
    if options.dataset is None:
        print("error: --dataset NAME is needed, see `llmrec data list`.", file=sys.stderr)
        return 2
    try:
        # The trainer talks to stdout, which is kept for the numbers.
        with redirect_stdout(sys.stderr):
            outcome = _run(options)
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if PartialState().is_main_process:
        print(json.dumps(outcome.numbers(), indent=1))
    return 0


def _conversation(options: argparse.Namespace) -> int:
    try:
        print(json.dumps(train_conversation_encoder(options.source, options.config, options.out), indent=1))
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> Outcome:
    limit = TimeLimit.of_minutes(options.max_minutes)
    config = RetrieverTraining.from_file(options.config)
    # Asked for first with the device, for the library settles then whether it is one of several processes.
    place, processes = RunPlace(options.out), PartialState(cpu=config.device == "cpu")
    place.require_free(resume=options.resume)
    # What one of several processes writes next must not look to another like a run before.
    processes.wait_for_everyone()
    store = AssetStore.from_environment()
    data = read_training_data(options.dataset, options.source, store, seed=config.seed)
    encoder = load_encoder(EncoderSettings(model=config.base, device=config.device), store, fetch=TerminalProgress())
    if not isinstance(encoder, SentenceEncoder):
        raise ConfigError(f"{config.base} has no weights to fine-tune.", hint="Name a sentence encoder as `base`.")
    with processes.main_process_first():
        place.begin(data, config)
    outcome = fine_tune(data, encoder, config, place, limit=limit)
    if processes.is_main_process:
        place.publish(encoder.model, data, config, outcome)
    return outcome


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train_retriever.py", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--task", choices=["next-item", "conversation"], default="next-item", help="what the encoder is to find"
    )
    parser.add_argument("--dataset", help="a data set by name, see `llmrec data list`; for next-item")
    parser.add_argument("--from", dest="source", type=Path, help="directory with the data set's files")
    parser.add_argument("--config", type=Path, required=True, help="a TOML file, see finetune/configs")
    parser.add_argument("--out", type=Path, required=True, help="directory for the encoder")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument("--max-minutes", type=float, help="end training after this long, from the start of the command")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
