"""`llmrec serve`: the recommender over HTTP, with its chat page; `llmrec keys`: who may use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import AsJson, Device, Directory, NoModel, Prompts, Set, Store, open_recommender
from llmrec.cli.output import note, say, say_json
from llmrec.errors import ArtifactError

if TYPE_CHECKING:
    from llmrec.service.keys import KeyFile

keys = typer.Typer(
    help="Who may use a service: keys are shown once and kept as hashes.", no_args_is_help=True, rich_markup_mode=None
)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    directory: Directory,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 127.0.0.1 is this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 is any free one.", min=0, max=65535)] = 8000,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Directory of keys, feedback and new interactions; by default DIR."),
    ] = None,
    store: Store = "",
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", help="A name the service may be called by; by default any, or this machine's own."),
    ] = None,
    slots: Annotated[int, typer.Option("--slots", min=1, help="Requests the language model works on at a time.")] = 1,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Waiting requests that one pass of the model ranks; for a GPU.")
    ] = 1,
    queue: Annotated[int, typer.Option("--queue", min=1, help="Requests that may wait; the next gets 429.")] = 64,
    deadline: Annotated[
        float, typer.Option("--deadline", help="Seconds until the retrieval order is the answer, marked.")
    ] = 30.0,
    per_minute: Annotated[int, typer.Option("--per-minute", min=1, help="Requests of each key in a minute.")] = 600,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Bytes of a request's body.")] = 1 << 20,
    no_page: Annotated[bool, typer.Option("--no-page", help="Serve the API alone.")] = False,
    device: Device = None,
    prompts: Prompts = None,
    no_lm: NoModel = False,
    assignments: Set = None,
) -> None:
    """Serve the API and the chat page at http://127.0.0.1:8000 until Ctrl-C.

    llmrec serve runs/demo

    llmrec keys add runs/demo --user 42 && llmrec serve runs/demo --host 0.0.0.0
    """
    from llmrec.service.app import create_app
    from llmrec.service.house import Stores
    from llmrec.service.running import listening_socket, serve_forever
    from llmrec.service.settings import LOOPBACK_HOSTS, ServiceSettings

    is_public = host not in _LOOPBACK
    settings = ServiceSettings(
        slots=slots,
        batch_size=batch,
        queue_size=queue,
        deadline_s=deadline,
        max_body_bytes=max_body,
        requests_per_minute=per_minute,
        hosts=tuple(host_name or (() if is_public else LOOPBACK_HOSTS)),
        with_page=not no_page,
    )
    recommender = open_recommender(directory, device=device, prompts=prompts, no_model=no_lm, assignments=assignments)
    stores = Stores.in_directory(_state(state or directory), store=store)
    with listening_socket(host, port) as bound:
        name = recommender.name
        app = create_app(recommender, settings, stores)
        del recommender  # the service lets go of it when its directory has a new version
        if is_public and not stores.keys.are_asked_for:
            note(
                f"Warning: {host} is open to the network and there are no keys, so anybody may read and delete what is "
                f"kept of any user. Add one with `llmrec keys add {state or directory} --admin`."
            )
        url = f"http://{host}:{bound.getsockname()[1]}"
        serve_forever(app, bound, settings, lambda: say(f"Serving {name} at {url}"))


@keys.command()
def add(
    directory: Directory,
    user: Annotated[str | None, typer.Option("--user", help="The one user it acts for.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="It acts for all users, and reads metrics.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once. A running service takes it from now on."""
    made, text = _keys(directory).add(scope="admin" if admin else "user", user_id=user or "")
    if as_json:
        say_json({"id": made.id, "scope": made.scope, "user_id": made.user_id or None, "key": text})
    else:
        say(text)
        note(f"Key {made.id} {_whose(made.scope, made.user_id)}. Keep it now: it is stored as a hash only.")


@keys.command("list")
def list_keys(directory: Directory, as_json: AsJson = False) -> None:
    """The keys there are, without the keys themselves."""
    file = _keys(directory)
    found = file.keys().values()
    if as_json:
        rows = [{"id": k.id, "scope": k.scope, "user_id": k.user_id or None, "made_at": k.made_at} for k in found]
        say_json({"keys": rows})
        return
    for key in found:
        say(f"{key.id}  {_whose(key.scope, key.user_id)}")
    if not found:
        note(
            "All keys are revoked: nobody may use the service."
            if file.are_asked_for
            else "There never was a key: whoever reaches the service may use it."
        )


@keys.command()
def revoke(directory: Directory, key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Remove a key; a running service refuses it from now on."""
    _keys(directory).revoke(key_id)
    say(f"Key {key_id} is revoked.")


def _keys(directory: Path) -> KeyFile:
    from llmrec.service.keys import KEYS_FILE, KeyFile

    return KeyFile(_state(directory) / KEYS_FILE)


def _whose(scope: str, user_id: str) -> str:
    return "acts for all users" if scope == "admin" else f"acts for the user {user_id!r}"


def _state(directory: Path) -> Path:
    if not directory.is_dir():
        raise ArtifactError(f"{directory} is not a directory.", hint="Name one made by `llmrec build`.")
    return directory
