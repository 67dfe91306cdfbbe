"""`llmrec feedback`: what users were shown, said and did - to learn from, to thin out, to hand over and to forget."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import AsJson, Directory, Store
from llmrec.cli.output import note, say, say_json
from llmrec.errors import ConfigError

if TYPE_CHECKING:
    from llmrec.feedback import SQLFeedbackStore
    from llmrec.feedback.pairs import Lessons
    from llmrec.index import Fitted
    from llmrec.types import Interaction, Prompt

app = typer.Typer(
    name="feedback",
    help="What users were shown, said and did: learn from it, thin it out, hand it over, forget it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's id.")]
_SECONDS = {"h": 3_600, "d": 86_400, "w": 604_800}
_BACKUPS = "Backups made before now still hold them; delete those too, or let them expire."
_COLUMNS = ("user_id", "item_id", "rating", "timestamp")


@app.command("stats")
def stats(directory: Directory, store: Store = "", as_json: AsJson = False) -> None:
    """How much there is; nothing of any single user."""
    with _open(directory, store) as opened:
        counts = opened.counts()
        place = opened.place
    if as_json:
        say_json({"place": place, "rows": counts})
        return
    say(place)
    for name, n_rows in counts.items():
        say(f"  {name.replace('_', ' '):14} {n_rows:,}")


@app.command("export")
def export(
    directory: Directory,
    out: Annotated[Path, typer.Option("--out", help="The file to write: .csv or .jsonl, lessons as .jsonl.")],
    kind: Annotated[
        Literal["interactions", "preferences", "kto"] | None,
        typer.Option("--as", help="A table for retrievers, or lessons for the language model."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="All that is kept of this user instead.")] = None,
    max_per_user: Annotated[
        int | None, typer.Option("--max-per-user", min=1, help="Rows of one user at most, the newest.")
    ] = None,
    store: Store = "",
    as_json: AsJson = False,
) -> None:
    """Write what can be learned from, or all that is kept of one user.

    llmrec feedback export shop --as interactions --out new.csv && llmrec update shop --interactions new.csv
    """
    if (kind is None) == (user is None):
        raise ConfigError("name either what to learn with --as, or whose rows to hand over with --user.")
    from llmrec.index import load

    fitted = load(directory)
    with _open(directory, store) as opened:
        if user is not None:
            rows = _of_user(opened, fitted, user)
        elif kind == "interactions":
            rows = _interactions(opened, fitted, max_per_user)
        else:
            rows = _lessons(opened, fitted, max_per_user, kind or "preferences")
        n_rows = _write(out, rows, may_be_csv=kind == "interactions")
    say_json({"rows": n_rows, "file": str(out)}) if as_json else say(f"{n_rows:,} rows in {out}")


@app.command("prune")
def prune(
    directory: Directory,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Such as 365d, 52w or 12h.")],
    store: Store = "",
    as_json: AsJson = False,
) -> None:
    """Remove what was recorded longer ago than that."""
    age_s = _age_s(older_than)
    with _open(directory, store) as opened:
        gone = opened.prune(older_than_s=age_s)
    _say_gone({"feedback": gone.feedback, "interactions": gone.interactions, "impressions": gone.impressions}, as_json)


@app.command("delete")
def delete(directory: Directory, user: UserArgument, store: Store = "", as_json: AsJson = False) -> None:
    """Remove all that is kept of a user, and use what was learned from them no more."""
    from llmrec.index import load
    from llmrec.types import UserId

    fitted = load(directory)
    with _open(directory, store) as opened:
        gone = opened.erase(UserId(user))
    counts = {"feedback": gone.feedback, "interactions": gone.interactions, "impressions": gone.impressions}
    learned = len(_history(fitted, user))
    adapter = Path(fitted.settings.language_model.adapter).name
    adapters = [adapter] if learned and adapter else []
    _say_gone(counts, as_json, learned=learned, adapters=adapters)


@app.command("opt-out")
def opt_out(directory: Directory, user: UserArgument, store: Store = "") -> None:
    """Log no more of what a user is shown, and learn from nothing of theirs; what they say still counts for them."""
    from llmrec.types import UserId

    with _open(directory, store) as opened:
        opened.opt_out(UserId(user))
    say("Nothing is learned from this user any more; what they were shown is deleted.")


@app.command("opt-in")
def opt_in(directory: Directory, user: UserArgument, store: Store = "") -> None:
    """Take an opt-out back."""
    from llmrec.types import UserId

    with _open(directory, store) as opened:
        opened.opt_in(UserId(user))
    say("This user is logged and learned from like others.")


def _open(directory: Path, store: str) -> SQLFeedbackStore:
    from llmrec.feedback import FEEDBACK_FILE, open_store

    if not store and not (directory / FEEDBACK_FILE).exists():
        raise ConfigError(
            f"there is no feedback in {directory}.", hint="Name where it is with --store, or serve the directory first."
        )
    return open_store(store or directory)


def _of_user(store: SQLFeedbackStore, fitted: Fitted, user: str) -> Iterator[Mapping[str, object]]:
    from llmrec.types import UserId

    for row in _history(fitted, user):
        yield {"kind": "learned", "user_id": user, "item_id": row.item_id, "value": row.value, "at": row.at}
    yield from (json.loads(line) for line in store.export(UserId(user)).splitlines())


def _interactions(store: SQLFeedbackStore, fitted: Fitted, max_per_user: int | None) -> Iterator[Mapping[str, object]]:
    from llmrec.feedback.learning import MAX_ROWS_PER_USER, Scale, learnable_interactions

    scale = Scale.of(fitted.interactions)
    for row in learnable_interactions(store, scale, max_per_user=max_per_user or MAX_ROWS_PER_USER):
        if row.item_id in fitted.catalogue:
            yield dict(zip(_COLUMNS, (row.user_id, row.item_id, row.value, row.at), strict=True))


def _lessons(
    store: SQLFeedbackStore, fitted: Fitted, max_per_user: int | None, kind: str
) -> Iterator[Mapping[str, object]]:
    """Rows in the conversational format of TRL's trainers, so that the chat template is applied once, by them."""
    lessons = _lesson_maker(store, fitted, max_per_user)
    if kind == "preferences":
        for pair in lessons.preferences():
            yield {
                "prompt": _messages(pair.prompt),
                "chosen": _answered(pair.chosen),
                "rejected": _answered(pair.rejected),
            }
        return
    for one in lessons.judgements():
        yield {"prompt": _messages(one.prompt), "completion": _answered(one.completion), "label": one.is_wanted}


def _lesson_maker(store: SQLFeedbackStore, fitted: Fitted, max_per_user: int | None) -> Lessons:
    from llmrec.feedback.pairs import MAX_PAIRS_PER_USER, Lessons
    from llmrec.prompting.rank_prompt import RankPrompt
    from llmrec.types import History

    ranking = fitted.settings.ranking
    return Lessons(
        store,
        RankPrompt(fitted.prompts["rank"], max_history=ranking.max_history, text=ranking.text),
        fitted.catalogue,
        learned=lambda user_id: History(_history(fitted, user_id)),
        max_prompt_tokens=ranking.max_prompt_tokens,
        max_per_user=max_per_user or MAX_PAIRS_PER_USER,
    )


def _history(fitted: Fitted, user: str) -> tuple[Interaction, ...]:
    from llmrec.types import UserId

    if UserId(user) not in fitted.interactions.user_ids:
        return ()
    return fitted.interactions.history(UserId(user)).interactions


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def _answered(label: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": label}]


def _write(out: Path, rows: Iterable[Mapping[str, object]], *, may_be_csv: bool) -> int:
    from llmrec.feedback.rows import json_line
    from llmrec.whole_files import whole_or_absent

    is_csv = out.suffix == ".csv" and may_be_csv
    if not is_csv and out.suffix != ".jsonl":
        raise ConfigError(f"{out} is not the name of {'a .csv or ' if may_be_csv else ''}a .jsonl file.")
    n_rows, partial = 0, out.with_name(f"{out.name}.partial")
    try:
        with whole_or_absent(partial), partial.open("w", encoding="utf-8", newline="") as file:
            # It is about people: only its owner may read it.
            partial.chmod(0o600)
            table = csv.DictWriter(file, _COLUMNS)
            if is_csv:
                table.writeheader()
            for row in rows:
                n_rows += 1
                table.writerow(row) if is_csv else file.write(json_line(row))
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return n_rows


def _age_s(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if found is None:
        raise ConfigError(f"{text!r} is no age; write a number and h, d or w, such as 365d.")
    return int(found[1]) * _SECONDS[found[2]]


def _say_gone(
    counts: Mapping[str, int], as_json: bool, *, learned: int | None = None, adapters: Sequence[str] = ()
) -> None:
    if as_json:
        known = {} if learned is None else {"learned": learned, "adapters": list(adapters)}
        say_json({"deleted": dict(counts), **known, "note": _BACKUPS})
        return
    say(", ".join(f"{n_rows:,} {name}" for name, n_rows in counts.items()) + " deleted.")
    if learned:
        note(f"The recommender was built from {learned} rows of this user; a service uses them no more. Build it anew.")
    for adapter in adapters:
        note(f"The adapter {adapter} was trained on data that may hold them: train it anew without this user.")
    note(_BACKUPS)
