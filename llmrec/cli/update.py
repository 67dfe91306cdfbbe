"""`llmrec update`: what is new into a recommender directory; `llmrec rollback`: back to the version before."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from llmrec.cli.build import Columns, Events, Items, keep_rejects, parse_columns, report, run_overrides
from llmrec.cli.options import AsJson, Device, Directory, Quiet, Set
from llmrec.cli.output import note, say, say_json
from llmrec.errors import ConfigError

_RESTART = "A running service answers with it in a few seconds; a page keeps the version it began with until a restart."


def update(
    directory: Directory,
    items: Items = None,
    interactions: Events = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="An item id to take out. May be repeated.")
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Learn all again, and keep it if it predicts the new interactions better."),
    ] = False,
    columns: Columns = None,
    device: Device = None,
    assignments: Set = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Add or edit items, add interactions, or take items out; the version before stays for `llmrec rollback`.

    llmrec update shop/ --items new.csv --interactions today.csv --remove 4711
    """
    if items is None and interactions is None and not remove:
        raise ConfigError("nothing to update: give --items, --interactions or --remove.")
    if assignments and not retrain:
        raise ConfigError("--set changes what is learned, so it needs --retrain.")
    from llmrec.bundle import seal_of, writing
    from llmrec.index import load, save
    from llmrec.retraining import retrained
    from llmrec.updating import News, read_news, require_sound, updated

    started = time.perf_counter()
    overrides = run_overrides(device, directory, quiet=quiet)
    seal_of(directory)
    with writing(directory):
        served = load(directory)
        news = read_news(served, News(items, interactions, remove or (), parse_columns(columns or [])))
        if retrain:
            settings = served.settings.changed(assignments or [])
            fitted = retrained(served, news, settings=settings, overrides=overrides)
        else:
            fitted = updated(served, news, overrides=overrides)
        keep_rejects(fitted, directory)
        save(fitted, directory, check=require_sound)
    code = report(fitted, directory, time.perf_counter() - started, as_json=as_json)
    note(_RESTART)
    return code


def rollback(directory: Directory, as_json: AsJson = False) -> None:
    """Switch back to the version before the last build or update; once more switches forth again.

    llmrec rollback shop/
    """
    from llmrec.bundle import open_bundle, roll_back

    roll_back(directory)
    about = open_bundle(directory).about
    if as_json:
        say_json({"directory": str(directory), "about": dict(about)})
        return
    say(f"{directory} is {about['name']} as it was before the last build or update.")
    note(_RESTART)
