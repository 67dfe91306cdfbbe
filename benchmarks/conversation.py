"""What is recommended next in conversations: the tables of docs/conversation.md, and what is shipped for them.

Run: `python -m benchmarks.conversation run --data DIR` measures the development rows of ReDial in DIR or DIR/redial;
`python -m benchmarks.conversation ablate --data DIR` leaves each voice out; `python -m benchmarks.conversation ship
--data DIR --encoder FILE` writes anew what `llmrec` ships: training dialogues, conversation encoder and weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import llmrec.conversation
from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.cli.main import run as run_command
from llmrec.conversation.choir import close_hearing, fitted_voices, likelihood_beforehand
from llmrec.conversation.dialogues import named_lines, read_dialogues
from llmrec.conversation.encoder import Projection
from llmrec.conversation.files import Row, read_items, read_rows
from llmrec.conversation.hybrid import Hearing, Hybrid, WeightFit, fitted_folds, weight_examples
from llmrec.conversation.shipped import shipped_projection, write_weights
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training
from llmrec.data.catalogue import Catalogue
from llmrec.data.set_files import find
from llmrec.errors import LLMRecError
from llmrec.evaluation.conversation import evaluate_rows
from llmrec.evaluation.conversation_subject import answered_rows, learned_weights
from llmrec.models import load_encoder
from llmrec.settings import Settings

ROWS, CATALOGUE = "valid_data_processed.jsonl", "id2info.json"
RESOURCES = Path(llmrec.conversation.__file__).parent / "resources"
_ALL = "all voices"
_SHOWN = ("R@1", "R@10", "R@50", "NDCG@10", "MRR")


@dataclass(frozen=True)
class Bench:
    """The development rows, and what may be learned from.

    Attributes:
        directory: Where the data set lies.
        rows: What is measured.
        catalogue: What is ranked.
        texts: Encodes.
    """

    directory: Path
    rows: tuple[Row, ...]
    catalogue: Catalogue
    texts: TextVectors

    @classmethod
    def of(cls, data: Path) -> Bench:
        """The data set in `data` or `data`/redial. Raises LLMRecError."""
        directory = data_directory(data)
        store = AssetStore.from_environment()
        encoder = load_encoder(Settings().encoder, store, fetch=TerminalProgress())
        texts = TextVectors(encoder, store.cache_dir / "vectors" / "conversation")
        return cls(directory, read_rows(find(directory, ROWS)), read_items(find(directory, CATALOGUE)), texts)

    @property
    def training(self) -> Training:
        """The dialogues that are not measured."""
        return Training(self.catalogue, read_dialogues(self.directory, self.catalogue))


def data_directory(data: Path) -> Path:
    """`data`, or the directory redial in it."""
    return data / "redial" if (data / "redial").is_dir() else data


def measure(data: Path) -> int:
    """Print the tables of the protocol for the development rows; the command's exit code."""
    directory = data_directory(data)
    files = ("--data", str(find(directory, ROWS)), "--catalogue", str(find(directory, CATALOGUE)))
    return run_command(["evaluate", "--protocol", "conversation", *files])


def ablate(bench: Bench) -> Mapping[str, Mapping[str, float]]:
    """New-only means with all voices, and without each of them, weights cross-fitted anew."""
    training, plan = bench.training, WeightFit()
    hearing = Hearing(fitted_voices(training, bench.texts, shipped_projection(dim=bench.texts.dim)))
    answered = answered_rows(bench.rows, bench.catalogue)
    examples, dialogues = weight_examples(answered, hearing, likelihood_beforehand(training), plan)
    heard = {_ALL: hearing.names, **{f"without {out}": _others(hearing.names, out) for out in hearing.names}}
    stages = {title: Hybrid(hearing, fitted_folds(examples, dialogues, names, plan)) for title, names in heard.items()}
    estimates = evaluate_rows(bench.rows, bench.catalogue, stages).estimates("new_only")
    return {title: {name: found.mean for name, found in numbers.items()} for title, numbers in estimates.items()}


def ship(bench: Bench, encoder: Path) -> None:
    """Write what `llmrec` ships for conversations."""
    training = bench.training
    lines = "\n".join(named_lines(training.dialogues, bench.catalogue)) + "\n"
    # Without a time the bytes are the same whenever they are made.
    (RESOURCES / "dialogues.jsonl.gz").write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
    if encoder.resolve() != (RESOURCES / "encoder.safetensors").resolve():
        shutil.copyfile(encoder, RESOURCES / "encoder.safetensors")
    projection = Projection.load(encoder, dim=bench.texts.dim)
    hearing = Hearing(fitted_voices(training, bench.texts, projection))
    close = close_hearing(training, bench.texts, hearing)
    write_weights(RESOURCES / "weights.json", learned_weights(bench.directory, training, hearing, close))


def main(arguments: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.conversation", description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["run", "ablate", "ship"])
    parser.add_argument("--data", type=Path, required=True, help="directory with the files of ReDial, or with redial")
    parser.add_argument("--encoder", type=Path, default=RESOURCES / "encoder.safetensors", help="what ship ships")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except LLMRecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.what == "run":
        return measure(options.data)
    bench = Bench.of(options.data)
    if options.what == "ship":
        ship(bench, options.encoder)
        return 0
    found = ablate(bench)
    print(
        json.dumps(
            {title: {name: round(numbers[name], 4) for name in _SHOWN} for title, numbers in found.items()}, indent=1
        )
    )
    return 0


def _others(names: Sequence[str], out: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
