"""What the language model adds to its own retriever: adapters trained, fused, and held against the same without them.

Run: `python -m benchmarks.ranker run --data DIR [--bench NAME ...] [--seeds N] [--max-minutes M]`, resumable, which
keeps a table for each benchmark and one of all users together, `... run --part validation`, which looks at no test row
and keeps no table, `python -m benchmarks.ranker verify --data DIR`, which measures the first seed again, or
`python -m benchmarks.ranker cold --data DIR`, which ranks new items alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.lm_gain.benches import GAIN_BENCHES, GainBench, retriever_settings
from benchmarks.lm_gain.cold_items import BENCH as COLD
from benchmarks.lm_gain.cold_items import ColdItems, keep
from benchmarks.lm_gain.recipe import Recipe
from benchmarks.lm_gain.running import Plan, compare, estimated
from benchmarks.lm_gain.table import keep_pooled
from benchmarks.lm_gain.verifying import verify, verify_claims
from benchmarks.side_by_side.bench import Cut, read_and_cut
from benchmarks.side_by_side.own_stages import settings_of
from benchmarks.side_by_side.table import RESULTS, note_look
from finetune.ranker_config import RankerTraining
from llmrec.errors import LLMRecError
from llmrec.settings import Settings

_PRESETS = Path(__file__).parents[1] / "finetune" / "configs"


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands; those of the command line when none is given."""
    arguments = _parser().parse_args(given)
    command: Callable[[argparse.Namespace], None] = arguments.command
    try:
        command(arguments)
    except LLMRecError as error:
        sys.exit(f"error: {error}")


def _run(arguments: argparse.Namespace) -> None:
    plan = _plan(arguments)
    work = list(_work(arguments))
    for cut, recipe in work:
        _say(f"{cut.bench.name}: {estimated(cut, recipe, plan)}")
    if arguments.dry_run:
        return
    for cut, recipe in work:
        _say(cut.bench.name)
        compare(cut, recipe, plan, say=lambda line: _say(f"  {line}"))
    if plan.part == "test":
        path, sentence = keep_pooled(list(GAIN_BENCHES), plan.results)
        _say(sentence if path is None else f"{sentence}\nkept {path}")


def _verify(arguments: argparse.Namespace) -> None:
    plan, benches = _plan(arguments), _benches(arguments.bench)
    # Who comes first may use it all: one model that is trained again says more than controls of every table.
    deadline = time.monotonic() + 60 * arguments.minutes
    wrong = verify_claims([bench.name for bench in benches], plan.results, say=_say)
    for bench in benches:
        wrong += verify(bench.cut(arguments.data), plan, deadline=deadline, say=_say)
    for sentence in wrong:
        print(f"WRONG {sentence}", file=sys.stderr)
    sys.exit(int(bool(wrong)))


def _cold(arguments: argparse.Namespace) -> None:
    training = _training(arguments.config or _PRESETS / "ranker-item-tokens.toml", arguments.base)
    cut = read_and_cut(COLD, arguments.data)
    named = training if training.base else training.model_copy(update={"base": Settings().language_model.model})
    note_look(cut.bench, "benchmarks.ranker cold", ["fused", "lm", "dense"], results=arguments.results)
    found = ColdItems(cut, settings_of(cut), named, arguments.passes, arguments.runs).measured(arguments.folds)
    _say(json.dumps(found, indent=1))
    _say(f"kept {keep(found, arguments.results)}")


def _work(arguments: argparse.Namespace) -> Iterator[tuple[Cut, Recipe]]:
    for bench in _benches(arguments.bench):
        training = _training(arguments.config or _PRESETS / f"{bench.preset}.toml", arguments.base)
        cut = bench.cut(arguments.data)
        settings = retriever_settings(cut, arguments.settings)
        yield cut, Recipe.of(training, settings, slate_size=arguments.slate_size, max_minutes=arguments.max_minutes)


def _training(file: Path, base: str | None) -> RankerTraining:
    training = RankerTraining.from_file(file)
    if training.mode != "item_tokens":
        sys.exit(f"{file} trains {training.mode} adapters; this table is of item_tokens.")
    return training.model_copy(update={"base": base}) if base else training


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(tuple(range(arguments.seeds)), arguments.part, arguments.runs, arguments.results)


def _benches(names: Sequence[str]) -> Sequence[GainBench]:
    unknown = [name for name in names if name not in GAIN_BENCHES]
    if unknown:
        sys.exit(f"no benchmark is called {unknown[0]!r}; known: {', '.join(GAIN_BENCHES)}")
    return [GAIN_BENCHES[name] for name in names or GAIN_BENCHES]


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="train, measure, keep the tables")
    running.add_argument("--part", choices=["test", "validation"], default="test", help="validation keeps no table")
    running.add_argument("--dry-run", action="store_true", help="say what is left to do and how long it takes")
    running.add_argument("--seeds", type=int, default=3, help="adapters for each benchmark")
    running.add_argument("--max-minutes", type=float, help="of training each adapter; to its end by default")
    running.add_argument("--slate-size", type=int, default=50, help="the retriever's best that are ordered")
    running.add_argument("--config", type=Path, help="the adapters' preset, instead of each benchmark's own")
    running.add_argument("--settings", type=Path, help="of the retriever, instead of benchmarks/settings")
    running.add_argument("--base", help="asset, directory or hub id instead of the preset's")
    running.set_defaults(command=_run)
    cold = commands.add_parser("cold", help="new items alone, beside the retriever that compares texts")
    cold.add_argument(
        "--folds", type=int, choices=range(1, 11), default=10, help="tenths of the items, one network each"
    )
    cold.add_argument("--passes", type=float, default=6.0, help="of training each network")
    cold.add_argument("--config", type=Path, help="the networks' preset, instead of ranker-item-tokens")
    cold.add_argument("--base", help="asset, directory or hub id instead of the preset's")
    cold.set_defaults(command=_cold)
    checking = commands.add_parser("verify", help="measure the first seed of the kept tables again")
    checking.add_argument("--minutes", type=float, default=20.0, help="train nothing that is not known to end by then")
    checking.set_defaults(command=_verify, part="test", seeds=1)
    for command in (running, checking):
        command.add_argument("--bench", nargs="*", default=[], help=f"of {', '.join(GAIN_BENCHES)}")
    for command in (running, checking, cold):
        command.add_argument("--data", type=Path, required=True, help="directory of the data sets")
        command.add_argument("--runs", type=Path, default=Path("runs"))
        command.add_argument("--results", type=Path, default=RESULTS)
    return parser


if __name__ == "__main__":
    main()
