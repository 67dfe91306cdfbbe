"""Training dialogues: those of a directory in the official layout of ReDial, and those that are shipped."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path

from llmrec.conversation.files import json_rows
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.phrases import Phrases
from llmrec.conversation.situations import Dialogue, Mention, Role
from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.types import Turn

_REFERENCE = re.compile(r"@(\d+)")
_LINES = (".jsonl", ".jsonl.gz")
_SHIPPED = "dialogues.jsonl.gz"


def dialogue_files(directory: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Files of whole dialogues, and files of rows to predict, by name; what a first line holds tells which is which.

    Raises:
        DataError: There is no such directory, or no file of dialogues in it.
    """
    if not directory.is_dir():
        raise DataError(f"there is no directory {directory}.", hint="Give the one that holds the training dialogues.")
    paths = sorted(path for path in directory.iterdir() if path.name.endswith(_LINES))
    first = {path: next((record for _, record in json_rows(path)), {}) for path in paths}
    whole = tuple(path for path in paths if "messages" in first[path])
    if not whole:
        raise DataError(f'{directory} holds no dialogues: a .jsonl file whose lines have "messages" is needed.')
    return whole, tuple(path for path in paths if "context" in first[path])


def read_dialogues(directory: Path, catalogue: Catalogue, *, without: Collection[str] = ()) -> tuple[Dialogue, ...]:
    """All dialogues of a directory, each once, but for those that are held out.

    Args:
        directory: With files of dialogues, and of rows to predict, whose dialogues are held out.
        catalogue: What `@id` refers to; other items are read as words.
        without: Ids of more dialogues to hold out.

    Raises:
        DataError: A file cannot be read, or no dialogue is left.
    """
    whole, rows = dialogue_files(directory)
    held_out = {*without, *(str(record.get("dialog_id")) for path in rows for _, record in json_rows(path))}
    positions = {str(item_id): catalogue.position(item_id) for item_id in catalogue}
    titles = {str(item_id): item.title for item_id, item in catalogue.items()}
    dialogues: dict[str, Dialogue] = {}
    for path in whole:
        for number, record in json_rows(path):
            name = str(record.get("conversationId"))
            if name not in held_out and name not in dialogues:
                messages = _messages(record, f"line {number} of {path}")
                dialogues[name] = _dialogue(name, messages, {**_other_titles(record), **titles}, positions)
    if not dialogues:
        raise DataError(f"{directory} holds no dialogue to learn from: all of them are held out.")
    return tuple(dialogues.values())


def shipped_dialogues(catalogue: Catalogue, *, without: Collection[str] = ()) -> tuple[Dialogue, ...]:
    """The training dialogues that are shipped, but for those `without`; see resources/SOURCE.md."""
    with resources.as_file(resources.files("llmrec.conversation") / "resources" / _SHIPPED) as path:
        return read_named_dialogues(path, catalogue, without=without)


def read_named_dialogues(path: Path, catalogue: Catalogue, *, without: Collection[str] = ()) -> tuple[Dialogue, ...]:
    """Dialogues as `named_lines` writes them, but for those `without`. Raises DataError.

    Items are found by name; what `catalogue` has not is read as words.
    """
    names = ItemNames(catalogue)
    found = []
    for _, record in json_rows(path):
        titles = {str(number): str(title) for number, title in enumerate(_listed(record, "names"))}
        positions = {number: at for number, title in titles.items() if (at := names.position(title)) is not None}
        turns = (turn for turn in _listed(record, "turns") if isinstance(turn, list) and len(turn) == 2)
        messages = ((speaker == "user", str(text)) for speaker, text in turns)
        if str(record["id"]) not in without:
            found.append(_dialogue(str(record["id"]), messages, titles, positions))
    return tuple(found)


def named_lines(dialogues: Iterable[Dialogue], catalogue: Catalogue) -> Iterator[str]:
    """What `read_named_dialogues` reads, a line for each dialogue that names an item; items are `@0`, `@1`, ..."""
    for dialogue in dialogues:
        if dialogue.items:
            names = [catalogue[catalogue.ids[item]].title for item in dialogue.items]
            numbers = {name: f"@{number}" for number, name in enumerate(names)}
            phrases = Phrases(numbers)
            turns = [[turn.role, phrases.replaced(turn.text, numbers.__getitem__)] for turn in dialogue.turns]
            yield json.dumps({"id": dialogue.id, "names": names, "turns": turns}, ensure_ascii=False)


def _dialogue(
    name: str, messages: Iterable[tuple[bool, str]], titles: Mapping[str, str], positions: Mapping[str, int]
) -> Dialogue:
    """Messages of one speaker in a row are one turn, and the user's turn comes first, though it may be empty."""
    turns: list[Turn] = []
    wishes: list[str] = []
    mentions: list[Mention] = []
    for is_user, text in messages:
        role: Role = "user" if is_user else "assistant"
        if not turns and not is_user:
            turns.append(Turn("user", ""))
            wishes.append("")
        if not turns or turns[-1].role != role:
            turns.append(Turn(role, ""))
            wishes.append("")
        spoken = _REFERENCE.sub(lambda found: titles.get(found[1], ""), text)
        turns[-1] = Turn(role, f"{turns[-1].text} {spoken}".strip())
        wishes[-1] = " ".join(f"{wishes[-1]} {_REFERENCE.sub('', text)}".split())
        referred = (positions.get(found) for found in _REFERENCE.findall(text))
        mentions += [Mention(item, len(turns) - 1) for item in referred if item is not None]
    return Dialogue(name, tuple(turns), tuple(mentions), tuple(wishes))


def _messages(record: Mapping[str, object], place: str) -> Iterator[tuple[bool, str]]:
    user = record.get("initiatorWorkerId")
    if not isinstance(record.get("messages"), list) or user is None:
        raise DataError(f'{place} is no dialogue: it needs "messages" and "initiatorWorkerId".')
    for message in _listed(record, "messages"):
        if not isinstance(message, dict) or not isinstance(message.get("text"), str):
            raise DataError(f"{place} has a message without text ({json.dumps(message)[:80]}).")
        yield message.get("senderWorkerId") == user, message["text"]


def _other_titles(record: Mapping[str, object]) -> Mapping[str, str]:
    """Titles of what the dialogue refers to, where it tells them; a dialogue without any has an empty list there."""
    told = record.get("movieMentions")
    return {key: " ".join(str(title or "").split()) for key, title in told.items()} if isinstance(told, dict) else {}


def _listed(record: Mapping[str, object], name: str) -> list[object]:
    value = record.get(name)
    return value if isinstance(value, list) else []
