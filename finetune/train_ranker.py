"""Fine-tune a language model to order what a retriever found, and switch it on where that gains.

    python finetune/train_ranker.py --recommender DIR --config finetune/configs/ranker-cpu.toml --name NAME
    python finetune/train_ranker.py --dataset movielens-100k --config finetune/configs/ranker-smoke.toml --out runs/lm
    accelerate launch --config_file finetune/configs/accelerate-fsdp2.yaml finetune/train_ranker.py ...

What it writes is loaded by `language_model.adapter=PATH`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

# Run by its path, as `accelerate launch` does, Python looks for modules beside this file, not beside the package.
if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from accelerate import PartialState
from peft import PeftModel
from transformers import TrainerCallback

from finetune.item_token_model import ItemTokens, Refitted
from finetune.item_token_run import ItemTokenRun, Refit
from finetune.ranker_arithmetic import compute_dtype
from finetune.ranker_callbacks import Profile, Progress, StopEarly, Termination
from finetune.ranker_candidates import training_rows, validation_cases
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData, of_dataset, of_recommender, read_recommender
from finetune.ranker_examples import ExampleSet, sha256_of, write_examples
from finetune.ranker_lessons import LESSONS, LessonSet, lessons_of
from finetune.ranker_model import Base, adapted, adapter_weights, load_base, round_adapter
from finetune.ranker_output import CURVE_FILE, Outcome, RankerPlace, Trained
from finetune.ranker_setup import Bench, Cases, require_it_fits
from finetune.ranker_switching import switch_on
from finetune.ranker_trainer import RankTrainer, Watch, stop_when_it_no_longer_gains, trainer_arguments
from finetune.time_limit import TimeLimit
from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.errors import LLMRecError
from llmrec.language_model.devices import choose_device
from llmrec.models import model_place

_INTERRUPTED = 143  # what a shell reports of a process that SIGTERM ended


@dataclass(frozen=True)
class Control:
    """What may end a run early, and what to note of it.

    Attributes:
        limit: When to stop.
        termination: Whether the process was asked to end.
        is_profiled: Whether to record where time goes.
    """

    limit: TimeLimit = field(default_factory=TimeLimit)
    termination: Termination = field(default_factory=Termination)
    is_profiled: bool = False


def fine_tune(bench: Bench, place: RankerPlace, control: Control) -> tuple[Trained, Outcome | None]:
    """Train an adapter, keep the weights that order the validation slates best, and decide whether they gain.

    Training goes on from the last checkpoint in `place`, if there is any.

    Args:
        bench: Base, data and configuration.
        place: Where examples, curve and checkpoints are.
        control: What may end it early.

    Returns:
        The model with its adapter, and what it is worth; None when the process was asked to end before that was known.

    Raises:
        DataError: There is nothing to learn from, or nobody to stop by.
        ModelError: The loss was not a number, or the device was full; the last checkpoint is whole.
        ArtifactError: The disk was full; likewise.
    """
    if bench.config.mode == "item_tokens":
        return _fine_tune_item_tokens(bench, place, control)
    cases = Cases.of(validation_cases(bench.data, bench.plan, slate_size=bench.config.slate_size), bench.config)
    if bench.config.mode != "likelihood":
        require_it_fits(bench, cases.stopping)
    with PartialState().main_process_first():
        _write_examples(bench, place)
    model = adapted(bench.base, bench.config)
    trainer = make_trainer(bench, model, place, cases, control)
    seconds = _train(trainer, place, control)
    if control.termination.asked:
        return model, None
    return model, _outcome(bench, model, trainer, place, cases, seconds=seconds)


def _write_examples(bench: Bench, place: RankerPlace) -> None:
    if bench.config.mode == "likelihood":
        write_examples(lessons_of(bench.data, bench.plan, bench.config), place.examples, schema=LESSONS)
    else:
        write_examples(training_rows(bench.data, bench.plan), place.examples)


def _fine_tune_item_tokens(
    bench: Bench, place: RankerPlace, control: Control
) -> tuple[ItemTokens | Refitted, Outcome | None]:
    with PartialState().main_process_first():
        run = ItemTokenRun.prepared(bench, place)
    trainer = run.trainer(_callbacks(bench.config, place, control))
    seconds = _train(trainer, place, control)
    if control.termination.asked:
        return run.tokens, None
    outcome = run.outcome(trainer, seconds=seconds)
    if not bench.config.item_tokens.refit:
        return run.tokens, outcome
    return _refit(run, outcome, passes=trainer.best_passes, termination=control.termination)


def _refit(
    run: ItemTokenRun, outcome: Outcome, *, passes: float, termination: Termination
) -> tuple[Refitted, Outcome | None]:
    place, control = run.place.refit, Control(termination=termination)
    with PartialState().main_process_first():
        refit = Refit.prepared(run.bench, place, passes=passes)
    trainer = refit.trainer([StopEarly(control.limit, termination), Progress(place.work / CURVE_FILE)])
    seconds = _train(trainer, place, control)
    model = Refitted(refit.finished(trainer), run.tokens)
    done = replace(outcome, seconds=outcome.seconds + seconds, refit_passes=passes)
    return model, None if termination.asked else done


def _train(trainer: RankTrainer, place: RankerPlace, control: Control) -> float:
    """Train on from the last checkpoint, if there is one; seconds that took."""
    started = time.perf_counter()
    checkpoint = place.last_checkpoint
    if checkpoint is not None and trainer.adopt_ended(checkpoint):
        return 0.0
    with control.termination.noted():
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return time.perf_counter() - started


def _callbacks(config: RankerTraining, place: RankerPlace, control: Control) -> list[TrainerCallback]:
    callbacks: list[TrainerCallback] = [
        stop_when_it_no_longer_gains(config),
        StopEarly(control.limit, control.termination),
        Progress(place.work / CURVE_FILE),
    ]
    return [*callbacks, Profile(place.work)] if control.is_profiled else callbacks


def make_trainer(bench: Bench, model: PeftModel, place: RankerPlace, cases: Cases, control: Control) -> RankTrainer:
    """The trainer of `model` on the examples in `place`."""
    config, on_cpu = bench.config, next(model.parameters()).device.type == "cpu"
    catalogue = bench.data.training.catalogue
    examples: ExampleSet | LessonSet
    if config.mode == "likelihood":
        examples = LessonSet(place.examples, catalogue.ids, max_length=config.max_history, seed=config.seed)
    else:
        examples = ExampleSet(place.examples, catalogue, slate_size=config.slate_size, seed=config.seed)
    return RankTrainer(
        model,
        trainer_arguments(config, place.work, n_examples=len(examples), on_cpu=on_cpu),
        objective=bench.objective(),
        examples=examples,
        watch=Watch(lambda: bench.hear(model, cases.stopping), config.lm_weights, config.stop_by),
        compute_dtype=compute_dtype(bench.base.model),
        callbacks=_callbacks(config, place, control),
        reads_once=on_cpu and not config.dropout and not config.quantised,
    )


def _outcome(
    bench: Bench, model: PeftModel, trainer: RankTrainer, place: RankerPlace, cases: Cases, *, seconds: float
) -> Outcome:
    model.eval()
    round_adapter(model)
    chosen_on = bench.hear(model, cases.stopping)
    decided_on = bench.hear(model, cases.deciding)
    with model.disable_adapter():
        base_on = bench.hear(model, cases.deciding)
    return Outcome(
        chosen_on=chosen_on,
        decided_on=decided_on,
        base_on=base_on,
        verdict=bench.verdict(chosen_on, decided_on),
        examples_sha256=sha256_of(place.examples),
        n_examples=trainer.n_examples,
        n_steps=trainer.state.global_step,
        n_tokens=int(trainer.state.num_input_tokens_seen),
        weights=adapter_weights(model),
        seconds=seconds,
    )


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; 0 when the adapter is written, whether it gains or not."""
    options = _parser().parse_args(arguments)
    try:
        # The trainer talks to stdout, which is kept for the numbers.
        with redirect_stdout(sys.stderr):
            outcome = _run(options)
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if outcome is None:
        print("stopped by SIGTERM; the checkpoint is written, go on with --resume.", file=sys.stderr)
        return _INTERRUPTED
    if PartialState().is_main_process:
        print(outcome.sentence, file=sys.stderr)
        print(json.dumps(outcome.numbers(), indent=1))
    return 0


def _run(options: argparse.Namespace) -> Outcome | None:
    control = Control(TimeLimit.of_minutes(options.max_minutes), is_profiled=options.profile)
    config = _config(options)
    device = _device(config)
    place, processes = RankerPlace(_out(options)), PartialState()
    place.require_free(resume=options.resume)
    # What one of several processes writes next must not look to another like a run before.
    processes.wait_for_everyone()
    store = AssetStore.from_environment()
    data, config = _data(options, config, store)
    base = _base(config, store, device)
    with processes.main_process_first():
        place.begin(data, config, base)
    bench = Bench(data, config, base)
    model, outcome = fine_tune(bench, place, control)
    if outcome is not None and processes.is_main_process:
        place.publish(model, data, config, base, outcome)
        if options.recommender is not None and outcome.verdict.decision.gains:
            switch_on(options.recommender, place.out, bench, outcome.verdict.lm_weight)
            print(f"{options.recommender} now ranks with {place.out.name}: switched on.", file=sys.stderr)
    return outcome


def _config(options: argparse.Namespace) -> RankerTraining:
    config = RankerTraining.from_file(options.config)
    given = {"base": options.base, "device": options.device}
    return config.model_copy(update={key: value for key, value in given.items() if value is not None})


def _device(config: RankerTraining) -> torch.device:
    # Asked for first, for the library settles then whether this is one of several processes.
    processes = PartialState(cpu=config.device == "cpu")
    return processes.device if processes.num_processes > 1 else choose_device(config.device)


def _out(options: argparse.Namespace) -> Path:
    out: Path = options.out if options.out is not None else options.recommender / "adapters" / options.name
    return out


def _data(options: argparse.Namespace, config: RankerTraining, store: AssetStore) -> tuple[RankerData, RankerTraining]:
    if options.recommender is None:
        data = of_dataset(options.dataset, options.source, store, seed=config.seed)
    else:
        data = of_recommender(read_recommender(options.recommender), seed=config.seed)
    own = data.context.settings.language_model.model
    return data, config if config.base else config.model_copy(update={"base": own})


def _base(config: RankerTraining, store: AssetStore, device: torch.device) -> Base:
    place = model_place(config.base, store, fetch=TerminalProgress())
    name = Path(config.base).name if isinstance(place, Path) else config.base
    return load_base(place, config, device, name=name, offline=store.offline)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train_ranker.py", description=__doc__.partition("\n")[0])
    learned = parser.add_mutually_exclusive_group(required=True)
    learned.add_argument("--recommender", type=Path, help="a directory that `llmrec build` made")
    learned.add_argument("--dataset", help="a data set by name, see `llmrec data list`")
    parser.add_argument("--from", dest="source", type=Path, help="directory with the data set's files")
    parser.add_argument("--config", type=Path, required=True, help="a TOML file, see finetune/configs")
    written = parser.add_mutually_exclusive_group()
    written.add_argument("--out", type=Path, help="directory for the adapter")
    written.add_argument("--name", default="ranker", help="name of the adapter in the recommender's adapters/")
    parser.add_argument("--base", help="asset, directory or hub id instead of the configuration's")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], help="instead of the configuration's")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    parser.add_argument(
        "--max-minutes",
        type=float,
        help="end training after this long, from the start of the command, but for a refit",
    )
    parser.add_argument("--profile", action="store_true", help="record where the time of a few steps goes")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
