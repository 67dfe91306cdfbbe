"""`llmrec recommend`: items for a sentence, a user, or a few titles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import (
    AsJson,
    Device,
    Directory,
    NoModel,
    Prompts,
    Quiet,
    Set,
    User,
    open_recommender,
    setting_changes,
)
from llmrec.cli.output import note, say, say_json

if TYPE_CHECKING:
    from llmrec.recommender import Recommender
    from llmrec.results import Recommendations


def recommend(
    directory: Directory,
    query: Annotated[str, typer.Argument(metavar="WISH", help="What you feel like, in your words.")] = "",
    user: User = None,
    like: Annotated[list[str] | None, typer.Option("--like", help="A title or item id that is liked.")] = None,
    dislike: Annotated[list[str] | None, typer.Option("--not", help="A title or item id never to show.")] = None,
    seen: Annotated[list[str] | None, typer.Option("--seen", help="A title or item id that is known.")] = None,
    where: Annotated[list[str] | None, typer.Option("--where", help="A hard condition, e.g. 'year>=1990'.")] = None,
    context: Annotated[
        list[str] | None, typer.Option("--context", metavar="NAME=VALUE", help="Where and when, e.g. weekday=saturday.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 10,
    keep_viewed: Annotated[bool, typer.Option("--keep-viewed", help="Show what the user already met, too.")] = False,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="FILE", help="Rank for many: user ids, one a line, or a table with user_id."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="With --batch: JSON Lines, one for each user; a run cut off goes on there."
        ),
    ] = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="With --batch: leave out users without interactions.")
    ] = False,
    quiet: Quiet = False,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
    as_json: AsJson = False,
) -> None:
    """Recommend items.

    llmrec recommend runs/demo "a light comedy" --like "Toy Story (1995)" --not "Home Alone (1990)"
    --where "year>=1990" -k 5

    llmrec recommend runs/demo --batch users.txt --out items.jsonl -k 20
    """

    def opened() -> Recommender:
        return open_recommender(directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments)

    if batch is not None or out is not None or skip_unknown:
        from llmrec.cli.batch import Batch, recommend_batch, required_files

        of_one = {"WISH": query, "--user": user is not None, "--like": like, "--not": dislike, "--seen": seen}
        users, results = required_files(batch, out, of_one)
        asked = Batch(
            directory=directory,
            users=users,
            out=results,
            k=k,
            where=tuple(where or ()),
            changes=setting_changes(device=device, no_model=no_lm, assignments=assignments),
            prompts=prompts,
            keep_viewed=keep_viewed,
            skip_unknown=skip_unknown,
            progress=not quiet,
        )
        recommend_batch(asked, opened, as_json=as_json)
        return
    recommender = opened().in_context(_context(context or ()))
    profile = recommender.profile_of(liked=like or (), disliked=dislike or (), seen=seen or ())
    found = recommender.recommend(query, user_id=user, profile=profile, k=k, where=where, filter_viewed=not keep_viewed)
    _say_json(found, recommender) if as_json else _say_list(found)


def _context(pairs: Sequence[str]) -> dict[str, str]:
    from llmrec.errors import ConfigError

    wrong = next((pair for pair in pairs if not pair.partition("=")[2]), None)
    if wrong is not None:
        raise ConfigError(f"{wrong!r} is no context; write NAME=VALUE, as in weekday=saturday.")
    return {name.strip(): value.strip() for name, _, value in (pair.partition("=") for pair in pairs)}


def _say_json(found: Recommendations, recommender: Recommender) -> None:
    from llmrec.types import Reply
    from llmrec.wire import reply_to_json

    say_json(reply_to_json(Reply("", found.items, found.profile, found.trace), recommender.catalogue))


def _say_list(found: Recommendations) -> None:
    for item in found:
        say(f"{item.rank:3}. {item.title}\n     {item.explanation}")
    for sentence in found.trace.notes:
        note(sentence)
