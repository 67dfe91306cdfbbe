"""`llmrec evaluate --protocol conversation`: what is recommended next in conversations, measured on a file of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.cli.output import note, say, say_json
from llmrec.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmrec.evaluation.conversation import ConversationResult, Scope
    from llmrec.settings import Settings

_TITLES: dict[Scope, str] = {
    "new_only": "new: items that had not been mentioned, ranked among such items",
    "all": "all: every gold item, ranked among all items",
}
_WIDE = ("R@1", "R@10", "R@50")


@dataclass(frozen=True, slots=True)
class ConversationFiles:
    """The files that the command line names.

    Attributes:
        data: Rows.
        catalogue: Items.
        train: Directory of training dialogues; None for those that are shipped.
        encoder: A conversation encoder; None for the one that is shipped.
        per_row: Where the rank of each gold name is to be written; None for nowhere.
    """

    data: Path | None
    catalogue: Path | None
    train: Path | None
    encoder: Path | None
    per_row: Path | None


def evaluate_conversation(files: ConversationFiles, settings: Settings, *, quiet: bool, as_json: bool) -> None:
    """Print what each stage reaches. Raises LLMRecError."""
    found = _measured(files, settings, quiet=quiet)
    unknown = [gold.name for gold in found.gold if not gold.twins]
    if unknown:
        note(f"{len(unknown)} gold names are not in the catalogue and count as never found, e.g. {unknown[0]!r}.")
    if files.per_row is not None:
        _write(files.per_row, found)
    if as_json:
        say_json(found.to_json())
    else:
        _say(found)


def _measured(files: ConversationFiles, settings: Settings, *, quiet: bool) -> ConversationResult:
    from llmrec.assets import AssetStore
    from llmrec.assets.progress import SilentProgress, TerminalProgress
    from llmrec.conversation.encoder import Projection
    from llmrec.conversation.files import read_items, read_rows
    from llmrec.conversation.text_vectors import TextVectors
    from llmrec.evaluation.conversation import evaluate_rows
    from llmrec.evaluation.conversation_subject import conversation_stages
    from llmrec.models import load_encoder

    if files.data is None or files.catalogue is None:
        raise ConfigError(
            "the protocol conversation needs --data ROWS.jsonl and --catalogue ITEMS.json.",
            hint="See docs/conversation.md for both layouts.",
        )
    rows, items = read_rows(files.data), read_items(files.catalogue)
    store = AssetStore.from_environment()
    encoder = load_encoder(settings.encoder, store, fetch=SilentProgress() if quiet else TerminalProgress())
    texts = TextVectors(encoder, store.cache_dir / "vectors" / "conversation")
    projection = Projection.load(files.encoder, dim=texts.dim) if files.encoder else None
    stages = conversation_stages(rows, items, texts, directory=files.train, projection=projection)
    with _bar(len(rows), quiet=quiet) as advance:
        return evaluate_rows(rows, items, stages, advance=advance)


@contextmanager
def _bar(n_rows: int, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    from tqdm import tqdm

    with tqdm(total=n_rows, unit="row", disable=True if quiet else None) as bar:
        yield bar.update


def _write(path: Path, found: ConversationResult) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            for record in found.per_row():
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error


def _say(found: ConversationResult) -> None:
    from llmrec.cli.subjects import with_interval

    n_new = sum(gold.is_new for gold in found.gold)
    say(f"{len(found.rows)} rows, {len(found.gold)} gold items, {n_new} of them new")
    for scope, title in _TITLES.items():
        estimates = found.estimates(scope)
        metrics = list(next(iter(estimates.values())))
        width = max(len("stage"), *map(len, estimates))
        say("")
        say(title)
        heads = [metric.ljust(23) if metric in _WIDE else metric.rjust(7) for metric in metrics]
        say("  ".join(["stage".ljust(width), *heads]).rstrip())
        for stage, numbers in estimates.items():
            cells = [
                with_interval(numbers[metric]).ljust(23) if metric in _WIDE else f"{numbers[metric].mean:7.4f}"
                for metric in metrics
            ]
            say("  ".join([stage.ljust(width), *cells]).rstrip())
