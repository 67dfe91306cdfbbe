"""`llmrec build`: from files, or a data set known by name, to a recommender directory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import AsJson, Device, Quiet, Set, SettingsFile, Source
from llmrec.cli.output import note, say, say_json
from llmrec.errors import ConfigError

if TYPE_CHECKING:
    from llmrec.build import Overrides
    from llmrec.data.reports import IngestReport
    from llmrec.index import Fitted

REJECTS = "rejects.csv"
_N_SHOWN = 10
_TOO_MANY_REJECTED = 0.2
_EXIT_TOO_MANY = 3

Items = Annotated[Path | None, typer.Option("--items", help="CSV, JSON Lines or Parquet with item_id, title, facts.")]
Events = Annotated[
    Path | None, typer.Option("--interactions", help="CSV, JSON Lines or Parquet with user_id, item_id.")
]
Columns = Annotated[
    list[str] | None, typer.Option("--columns", help="Your column names: item_id=sku,title=name. May be repeated.")
]


def build(
    out: Annotated[Path, typer.Option("--out", help="Directory to make; one of ours is replaced when all is done.")],
    items: Items = None,
    interactions: Events = None,
    columns: Columns = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="A data set by name: see `llmrec data list`.")
    ] = None,
    source: Source = None,
    name: Annotated[str | None, typer.Option("--name", help="What users will see as the catalogue's name.")] = None,
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", help="Rank with this adapter's directory, or `packaged`: the one of the data set."),
    ] = None,
    settings: SettingsFile = None,
    assignments: Set = None,
    device: Device = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Build a recommender directory.

    llmrec build --items items.csv --interactions interactions.csv --out shop/
    """
    if (items is None) == (dataset is None):
        raise ConfigError("give either --items FILE or --dataset NAME.", hint="See `llmrec build --help`.")
    from llmrec.build import fit, fit_dataset
    from llmrec.bundle import check_target
    from llmrec.index import save
    from llmrec.packaged_adapters import adapter_named, copy_to, place_of, ranking_with
    from llmrec.prompting.templates import PromptLibrary
    from llmrec.settings import Settings

    started = time.perf_counter()
    check_target(out)
    chosen = (Settings.from_file(settings) if settings else Settings()).changed(assignments or [])
    overrides = run_overrides(device, out, quiet=quiet)
    given = adapter_named(adapter, dataset) if adapter else None
    if given is not None:
        # Before minutes of work, so that what does not fit is said at once.
        chosen = ranking_with(chosen, given, PromptLibrary.load(), place=place_of(given, out))
    if dataset is not None:
        fitted = fit_dataset(dataset, source, settings=chosen, name=name, overrides=overrides)
    else:
        fitted = fit(
            items,  # type: ignore[arg-type]  # one of the two is given: checked above
            interactions,
            settings=chosen,
            name=name or out.name,
            columns=parse_columns(columns or []),
            overrides=overrides,
        )
    keep_rejects(fitted, out)
    save(fitted, out)
    if given is not None:
        copy_to(place_of(given, out), given)
    return report(fitted, out, time.perf_counter() - started, as_json=as_json)


def parse_columns(texts: Sequence[str]) -> Mapping[str, str]:
    """`["item_id=sku,title=name"]` as a mapping of our names to theirs. Raises ConfigError."""
    pairs: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        ours, equals, theirs = part.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise ConfigError(f"--columns {part!r} is not of the form ours=theirs.", hint="Example: item_id=sku.")
        pairs[ours.strip()] = theirs.strip()
    return pairs


def run_overrides(device: str | None, directory: Path, *, quiet: bool) -> Overrides:
    """What this run uses: encoded texts are kept in `directory`."""
    from llmrec.build import Overrides

    changes = (f"encoder.device={device}",) if device else ()
    return Overrides(settings=changes, progress=not quiet, work_directory=directory)


def keep_rejects(fitted: Fitted, out: Path) -> None:
    """Write the rows that were rejected beside the recommender. Raises DataError."""
    from llmrec.data.reports import write_rejects

    problems = tuple(problem for report in fitted.reports for problem in report.problems)
    # Written even when empty: a file left from an earlier run would be taken for this one's.
    write_rejects(out / REJECTS, problems)


def report(fitted: Fitted, out: Path, seconds: float, *, as_json: bool) -> int:
    """Say what became of the rows; the exit code."""
    if as_json:
        say_json({**_counts(fitted.reports), **_sizes(fitted), "out": str(out), "seconds": round(seconds, 2)})
    else:
        _say_counts(fitted, out, seconds)
    too_many = any(report.rejected > _TOO_MANY_REJECTED * report.read for report in fitted.reports)
    if too_many:
        note(f"More than {_TOO_MANY_REJECTED:.0%} of the rows of a file were rejected; see {out / REJECTS}.")
    return _EXIT_TOO_MANY if too_many else 0


def _counts(reports: Sequence[IngestReport]) -> dict[str, object]:
    names = ("kept", "repaired", "rejected", "read")
    total = {name: sum(getattr(report, name) for report in reports) for name in names}
    files = [
        {"source": report.source, **{name: getattr(report, name) for name in names}, "repairs": dict(report.repairs)}
        for report in reports
    ]
    return {**total, "files": files}


def _sizes(fitted: Fitted) -> dict[str, object]:
    return {
        "n_items": len(fitted.catalogue),
        "n_users": len(fitted.interactions.user_ids),
        "n_interactions": len(fitted.interactions),
        "notes": list(fitted.notes),
    }


def _say_counts(fitted: Fitted, out: Path, seconds: float) -> None:
    for report in fitted.reports:
        say(
            f"{report.source}: {report.read} rows read, {report.kept} kept, "
            f"{report.repaired} repaired, {report.rejected} rejected"
        )
        for reason, count in report.repairs.items():
            say(f"  repaired: {reason} ({count})")
        for problem in report.problems[:_N_SHOWN]:
            say(f"  row {problem.row}: {problem.reason}")
        if len(report.problems) > _N_SHOWN:
            say(f"  ... and {len(report.problems) - _N_SHOWN} more in {out / REJECTS}")
    for sentence in fitted.notes:
        say(sentence)
    sizes = _sizes(fitted)
    counted = ", ".join(f"{sizes[key]} {key.removeprefix('n_')}" for key in ("n_items", "n_users", "n_interactions"))
    say(f"{out}: {counted}, {seconds:.0f} s")
    say(f"Next: llmrec chat {out}   or   llmrec ui {out}")
