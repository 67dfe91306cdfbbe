"""What a result was measured on, in full, so that only like is compared with like."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from llmrec.data.splits import Part, Protocol, Split, Task, Ties
from llmrec.errors import DataError
from llmrec.evaluation.provenance import commit
from llmrec.evaluation.wording import counted


class ProtocolError(DataError):
    """Results of different protocols were to be put together."""

    code = "protocol"


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The interactions that were cut, after the core filter.

    Attributes:
        sha256: Of their content, whatever the order of reading.
        n_items: Of the catalogue that is ranked.
    """

    name: str
    sha256: str
    n_users: int
    n_items: int
    n_interactions: int


@dataclass(frozen=True, slots=True)
class ProtocolRecord:
    """Everything that has to be equal for two results to be comparable, and the code that gave them.

    Attributes:
        protocol: How the data was cut.
        part: What was asked for.
        ties: What orders interactions of one user at one moment.
        core: Interactions that every user and item has at least; 0 when nothing was filtered.
        split_sha256: Who was asked for what; see `split_sha256`.
        seeds: Of what is drawn or trained by chance.
        commit: Of the code. Not compared, for it is changes of code whose results one wants to compare.
        limit_users: How many users at most were tested, drawn by the first seed; None when nobody was left out.
        has_time: Whether the data has an order in time; without one, what was last is drawn by the seed. Not compared
            for itself: who was asked for what tells it.
    """

    protocol: Protocol
    part: Part
    ties: Ties
    core: int
    data: DataRecord
    split_sha256: str
    seeds: tuple[int, ...]
    commit: str
    limit_users: int | None = None
    has_time: bool = True

    @property
    def draws_the_last(self) -> bool:
        """Whether the protocol asks for a last interaction and chance said which one that is."""
        return not self.has_time and self.protocol in {"cold-items", "user-fold"}

    @classmethod
    def of(
        cls,
        splits: Sequence[Split],
        *,
        name: str,
        part: Part,
        core: int,
        seeds: Sequence[int],
        limit_users: int | None = None,
    ) -> ProtocolRecord:
        """The record of a run on one data set, called `name`, cut once or once for each seed.

        Raises:
            ProtocolError: The splits are of different data or protocols.
        """
        records = [
            cls(
                protocol=split.protocol,
                part=part,
                ties=split.ties,
                core=core,
                data=_data_record(split, name),
                split_sha256=split_sha256(splits, part),
                seeds=tuple(seeds),
                commit=commit(),
                limit_users=limit_users,
                has_time=split.has_time,
            )
            for split in splits
        ]
        for record in records[1:]:
            require_same(records[0], record)
        return records[0]


def require_same(a: ProtocolRecord, b: ProtocolRecord, *, names: tuple[str, str] = ("one", "the other")) -> None:
    """Raises ProtocolError that says in what two results, called `names`, differ; the commit may."""
    one, other = names
    pairs = zip(_compared(a), _compared(b), strict=True)
    differing = [f"{field} {x} in {one} and {y} in {other}" for (field, x), (_, y) in pairs if x != y]
    if a.split_sha256 != b.split_sha256 and not differing:
        differing = [f"the split's sha256 is {_short(a.split_sha256)} in {one} and {_short(b.split_sha256)} in {other}"]
    if differing:
        raise ProtocolError(f"results that were measured differently cannot be compared: {'; '.join(differing)}.")


def split_sha256(splits: Sequence[Split], part: Part) -> str:
    """sha256 of who is asked for what: lines `user, item` of each task, sorted as text, whatever the order of users."""
    digest = hashlib.sha256()
    for split in splits:
        for task in split.validation if part == "validation" else split.test:
            digest.update("\n".join(sorted(_asked(task))).encode() + b"\n\n")
    return digest.hexdigest()


def _asked(task: Task) -> list[str]:
    users, items = task.fit_on.user_ids, task.fit_on.item_ids
    numbers = task.users[task.answers.users]
    return [
        f"{users[user]}\t{items[item]}"
        for user, item in zip(numbers.tolist(), task.answers.items.tolist(), strict=True)
    ]


def _data_record(split: Split, name: str) -> DataRecord:
    met = split.interactions
    return DataRecord(name, met.content_hash, len(met.user_ids), len(met.item_ids), len(met))


def _compared(record: ProtocolRecord) -> list[tuple[str, str]]:
    """What tells results apart, with a verb, and its value; the split follows from these, but for how chance fell."""
    data = record.data
    sizes = ((data.n_users, "user"), (data.n_items, "item"), (data.n_interactions, "interaction"))
    counts = ", ".join(counted(n, word) for n, word in sizes)
    return [
        ("the data is", f"{data.name} ({counts}, sha256 {_short(data.sha256)})"),
        ("the protocol is", record.protocol),
        ("the part is", record.part),
        ("the core is", str(record.core)),
        ("ties are", record.ties),
        ("the seeds are", ", ".join(map(str, record.seeds))),
        ("tested are", "all users" if record.limit_users is None else counted(record.limit_users, "user")),
    ]


def _short(sha256: str) -> str:
    return f"{sha256[:12]}…"
