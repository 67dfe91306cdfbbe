"""`llmrec data`: see and fetch models and data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import AsJson
from llmrec.cli.output import note, say, say_json

if TYPE_CHECKING:
    from llmrec.assets import AssetStatus, AssetStore, Progress

app = typer.Typer(help="List and fetch models and data sets.", no_args_is_help=True, rich_markup_mode=None)

# What the demo and the slow tests need; and texts that enrich the demo's descriptions, of which the first to be had
# will do.
NEEDED = ("all-MiniLM-L6-v2", "smollm2-135m-instruct", "movielens-100k")
_ONE_OF = ("wikipedia-films", "movie-summaries")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Names as `llmrec data list` shows them; by default what the demo needs."),
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="Take the files from DIR/NAME, or from DIR, not from the network."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no notes.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Each model and data set with its licence and citation, and whether it is in the cache."""
    from llmrec.assets import AssetStore

    rows = [_row(status) for status in AssetStore.from_environment().statuses()]
    if as_json:
        say_json({"assets": rows})
        return
    for row in rows:
        say(
            f"{row['name']}  ({row['kind']}, {_human(row['size'])}, {'cached' if row['cached'] else 'not cached'})\n"
            f"  licence   {row['licence']}\n  citation  {row['citation']}\n"
            f"  homepage  {row['homepage']}\n  path      {row['path']}"
        )


@app.command()
def fetch(names: Names = None, given: From = None, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Bring models and data sets into the cache, every byte checked."""
    from llmrec.assets import AssetStore, SilentProgress, TerminalProgress

    store = AssetStore.from_environment()
    progress: Progress = SilentProgress() if quiet else TerminalProgress()
    rows: list[dict[str, object]] = []
    reasons: list[str] = []
    for name in names or NEEDED:
        rows.append(_fetch(store, name, given, progress))
        _say_row(rows[-1], as_json=as_json)
    if not names:
        row, reasons = _fetch_one_of(store, given, progress)
        rows += [row] if row else []
        _say_row(row, as_json=as_json)
    notes = [*store.notes, *reasons]
    if as_json:
        say_json({"assets": rows, "notes": notes})
    elif not quiet:
        for sentence in notes:
            note(f"note: {sentence}")


def _fetch(store: AssetStore, name: str, given: Path | None, progress: Progress) -> dict[str, object]:
    """Fetch and, for a model, make it ready to load; the row to print. Raises LLMRecError."""
    store.fetch(name, local=_folder(given, name), progress=progress)
    status = store.status(name)
    if status.asset.kind != "model":
        return _row(status)
    from llmrec.language_model.gguf import prepared_model

    return _row(status) | {"path": str(prepared_model(store, name))}


def _fetch_one_of(
    store: AssetStore, given: Path | None, progress: Progress
) -> tuple[dict[str, object] | None, list[str]]:
    """The row of the first text that is cached or can be had, and why the others cannot; nothing depends on them."""
    from llmrec.errors import AssetError

    cached = [name for name in _ONE_OF if store.status(name).cached]
    reasons: list[str] = []
    for name in cached[:1] or _ONE_OF:
        try:
            return _fetch(store, name, given, progress), reasons
        except AssetError as error:
            reasons.append(f"going on without {name}. {error.message}")
    return None, reasons


def _folder(given: Path | None, name: str) -> Path | None:
    if given is None:
        return None
    return given / name if (given / name).is_dir() else given


def _row(status: AssetStatus) -> dict[str, object]:
    return {
        "name": status.asset.name,
        "kind": status.asset.kind,
        "licence": status.asset.licence,
        "citation": status.asset.citation,
        "homepage": status.asset.homepage,
        "size": status.size,
        "cached": status.cached,
        "source": status.source,
        "path": str(status.path),
    }


def _say_row(row: dict[str, object] | None, *, as_json: bool) -> None:
    if row and not as_json:
        say(f"{row['name']:24} {_human(row['size']):>9}  {row['source']}  {row['path']}")


def _human(size: object) -> str:
    return f"{size / 1e6:.1f} MB" if isinstance(size, int) else "size unknown"
