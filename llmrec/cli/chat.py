"""`llmrec chat`: the conversation in a terminal, or one turn of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import AsJson, Device, Directory, NoModel, Prompts, Set, User, open_recommender
from llmrec.cli.output import note, say, say_json
from llmrec.errors import DataError, LLMRecError

if TYPE_CHECKING:
    from llmrec.recommender import Recommender
    from llmrec.types import Profile, Reply


def chat(
    directory: Directory,
    once: Annotated[str | None, typer.Option("--once", help="Answer this one message and exit.")] = None,
    profile: Annotated[Path | None, typer.Option("--profile", help="Start from this profile (JSON).")] = None,
    user: User = None,
    k: Annotated[int, typer.Option("-k", help="How many items a reply shows.")] = 5,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
    as_json: AsJson = False,
) -> None:
    """Chat with a recommender: `llmrec chat runs/demo`, or one message with --once.

    An empty line, Ctrl-D or a goodbye ends.
    """
    from llmrec.types import Profile, Turn

    recommender = open_recommender(directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments)
    known = _read_profile(profile, recommender) if profile else Profile()
    if once is not None:
        _show(recommender.chat([Turn("user", once)], known, user_id=user, k=k), recommender, as_json=as_json)
        return
    for reply in converse(recommender, _lines(), known, user_id=user, k=k):
        _show(reply, recommender, as_json=as_json)


def converse(
    recommender: Recommender, messages: Iterable[str], profile: Profile, *, user_id: str | None, k: int
) -> Iterator[Reply]:
    """One reply per message; a message that cannot be answered is reported and leaves the conversation as it was."""
    from llmrec.types import Turn

    turns: tuple[Turn, ...] = ()
    for message in messages:
        asked = (*turns, Turn("user", message))
        try:
            reply = recommender.chat(asked, profile, user_id=user_id, k=k)
        except LLMRecError as error:
            note(str(error))
            continue
        turns, profile = (*asked, Turn("assistant", reply.text)), reply.profile
        yield reply


def _lines() -> Iterator[str]:
    from llmrec.dialogue.talk import is_farewell

    if sys.stdin.isatty():
        note('Say what you feel like, e.g. "something light from the 90s". An empty line ends.')
    while True:
        typer.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line.strip():
            return
        yield line.rstrip("\n")
        if is_farewell(line):
            return


def _read_profile(path: Path, recommender: Recommender) -> Profile:
    from llmrec.wire import profile_from_json

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"the profile {path} cannot be read: {error}.") from error
    # The whole output of an earlier `--json` run serves as well as its `profile` part.
    inner = data.get("profile", data) if isinstance(data, dict) else data
    return profile_from_json(inner, recommender.catalogue)


def _show(reply: Reply, recommender: Recommender, *, as_json: bool) -> None:
    from llmrec.wire import reply_to_json

    if as_json:
        say_json(reply_to_json(reply, recommender.catalogue))
        return
    say(reply.text)
    for item in reply.recommendations:
        say(f"{item.rank:3}. {item.title}\n     {item.explanation}")
