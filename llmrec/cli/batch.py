"""`llmrec recommend --batch`: many users of a file ranked into JSON Lines; a run that was cut off goes on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from llmrec import __version__
from llmrec.arguments import checked_k
from llmrec.cli.batch_file import BatchFile, Record
from llmrec.cli.output import note, say, say_json
from llmrec.cli.user_file import known_users, read_user_ids
from llmrec.data.where import parse_where
from llmrec.errors import ConfigError
from llmrec.evaluation.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmrec.recommender import Recommender
    from llmrec.results import UserRecommendations
    from llmrec.types import UserId


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch is asked for.

    Attributes:
        directory: The recommender's.
        users: The file of user ids.
        out: The file of the result.
        where: Hard conditions for everybody.
        changes: Settings the command line changes.
        prompts: A directory of own templates.
        keep_viewed: Whether users get what they already met, too.
        skip_unknown: Whether to leave out users without interactions.
        progress: Whether to show a bar on a terminal.
    """

    directory: Path
    users: Path
    out: Path
    k: int
    where: tuple[str, ...]
    changes: tuple[str, ...]
    prompts: Path | None
    keep_viewed: bool
    skip_unknown: bool
    progress: bool


@dataclass
class _Counts:
    n_users: int
    n_unknown: int
    n_before: int
    n_done: int = 0
    degraded: Counter[str] = field(default_factory=Counter)


def required_files(batch: Path | None, out: Path | None, of_one: Mapping[str, object]) -> tuple[Path, Path]:
    """Both files. Raises ConfigError when one is missing, or when one of `of_one`, options of one user, is given."""
    if batch is None or out is None:
        missing = "--out FILE" if out is None else "--batch FILE"
        raise ConfigError(f"{missing} is missing: --batch reads users from one file and --out takes their items.")
    given = [name for name, value in of_one.items() if value]
    if given:
        raise ConfigError(f"{given[0]} is of one user, and --batch ranks for many; leave it out.")
    return batch, out


def recommend_batch(batch: Batch, opened: Callable[[], Recommender], *, as_json: bool) -> None:
    """Rank for every user of the file who is not in the result yet.

    Args:
        batch: What is asked for.
        opened: Gives the recommender, once files and options are known to be right.
        as_json: Whether the summary is a JSON object.

    Raises:
        LLMRecError: A file, an option, a user or the recommender is wrong, before anybody is ranked.
    """
    checked_k(batch.k)
    file = BatchFile(batch.out)
    rows = read_user_ids(batch.users)
    file.require_writable()
    recommender = opened()
    users = known_users(rows, recommender.user_ids, batch.users.name, skip_unknown=batch.skip_unknown)
    parse_where(batch.where, recommender.catalogue.fields)  # before the record of a run that cannot be is written
    n_before = file.resume(_record(batch, recommender), users)
    counts = _Counts(len(users), len(rows) - len(users), n_before)
    try:
        _rank(batch, recommender, file, users, counts)
    except KeyboardInterrupt:
        n_done = counts.n_before + counts.n_done
        note(f"Stopped after {n_done} of {counted(len(users), 'user')}. Run the same command again to go on.")
        raise
    _say_counts(batch.out, counts, as_json=as_json)


def _rank(batch: Batch, recommender: Recommender, file: BatchFile, users: Sequence[UserId], counts: _Counts) -> None:
    left = users[counts.n_before :]
    if not left:
        return
    found = recommender.recommend_many(left, k=batch.k, where=batch.where, filter_viewed=not batch.keep_viewed)
    hidden = None if batch.progress else True
    with (
        file.appending() as writer,
        tqdm(total=len(users), initial=counts.n_before, desc="ranking", unit="user", disable=hidden) as bar,
    ):
        for one in found:
            writer.add(_line(one))
            counts.n_done += 1
            counts.degraded.update([one.degraded] if one.degraded else [])
            bar.update()


def _line(found: UserRecommendations) -> Mapping[str, object]:
    items = [
        {
            "item_id": item.item_id,
            "title": item.title,
            "score": float(item.score) if math.isfinite(item.score) else None,
            "rank": item.rank,
        }
        for item in found.items
    ]
    return {"user_id": found.user_id, "items": items, "ranked_by": found.ranked_by}


def _record(batch: Batch, recommender: Recommender) -> Record:
    """All that decides the items of a user, devices aside."""
    from llmrec.bundle import seal_of

    settings = recommender.settings.changed(batch.changes)
    flat = {
        f"{room}.{key}": value
        for room, keys in settings.model_dump(mode="json").items()
        for key, value in keys.items()
        if not key.endswith("device")
    }
    return {
        "recommender": seal_of(batch.directory)[:12],
        "k": batch.k,
        "where": list(batch.where),
        "keep_viewed": batch.keep_viewed,
        **flat,
        "prompts": _prompt_hashes(batch.prompts),
        "adapter files": _file_hashes(settings.language_model.adapter),
        "llmrec": __version__,
    }


def _prompt_hashes(directory: Path | None) -> Mapping[str, str]:
    from llmrec.prompting.templates import PromptLibrary

    return {prompt.name: prompt.hash for prompt in PromptLibrary.load(directory).values()} if directory else {}


def _file_hashes(adapter: str) -> Mapping[str, str]:
    """An adapter keeps its path when it is trained again."""
    from llmrec.bundle import sha256_of

    files = sorted(path for path in Path(adapter).glob("*") if path.is_file()) if adapter else []
    return {path.name: sha256_of(path)[:12] for path in files}


def _say_counts(out: Path, counts: _Counts, *, as_json: bool) -> None:
    for reason, n_users in counts.degraded.most_common():
        note(f"Ranked without the language model's voice: {counted(n_users, 'user')}, because {reason}")
    if as_json:
        sizes = {"n_users": counts.n_users, "n_before": counts.n_before, "n_unknown": counts.n_unknown}
        say_json({"out": str(out), **sizes, "n_degraded": counts.degraded.total()})
        return
    before = f", {counts.n_before} of them before this run" if counts.n_before else ""
    unknown = f"; {counts.n_unknown} unknown left out" if counts.n_unknown else ""
    say(f"{counted(counts.n_users, 'user')} ranked in {out}{before}{unknown}.")
