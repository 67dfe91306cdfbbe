import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from llmrec import __version__
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import Split, Ties, split
from llmrec.errors import DataError
from llmrec.evaluation.protocol import DataRecord, ProtocolError, ProtocolRecord, require_same, split_sha256
from llmrec.evaluation.provenance import commit
from llmrec.types import Interaction, Item, ItemId, UserId

ROWS = [
    ("ann", "1", 1.0),
    ("ann", "2", 2.0),
    ("ann", "3", 3.0),
    ("bob", "3", 1.0),
    ("bob", "2", 2.0),
    ("bob", "1", 3.0),
]


def met(rows: list[tuple[str, str, float]]) -> Interactions:
    catalogue = Catalogue(Item(ItemId(n), n) for n in "1234")
    return Interactions.from_rows((Interaction(UserId(u), ItemId(i), 1.0, at) for u, i, at in rows), catalogue)


def cut(rows: list[tuple[str, str, float]] = ROWS, *, ties: Ties = "file", seed: int = 0) -> Split:
    return split(met(rows), protocol="leave-last-out", ties=ties, seed=seed)


RECORD = ProtocolRecord(
    protocol="leave-last-out",
    part="test",
    ties="file",
    core=5,
    data=DataRecord("films", "a" * 64, 2, 4, 6),
    split_sha256="b" * 64,
    seeds=(0, 1),
    commit="c0ffee",
)


def test_a_record_tells_data_split_seeds_and_code() -> None:
    made = ProtocolRecord.of([cut()], name="films", part="test", core=0, seeds=[3, 4])
    assert (made.protocol, made.part, made.ties, made.core) == ("leave-last-out", "test", "file", 0)
    assert made.data == DataRecord("films", met(ROWS).content_hash, 2, 4, 6)
    assert made.seeds == (3, 4)
    assert made.commit == commit()


def test_the_same_run_twice_has_the_same_record() -> None:
    first, second = (ProtocolRecord.of([cut()], name="films", part="test", core=0, seeds=[0]) for _ in range(2))
    assert first == second
    require_same(first, second)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (
            replace(RECORD, data=replace(RECORD.data, name="books", n_users=1)),
            "the data is films (2 users, 4 items, 6 interactions, sha256 aaaaaaaaaaaa…) in one"
            " and books (1 user, 4 items, 6 interactions, sha256 aaaaaaaaaaaa…) in the other",
        ),
        (
            replace(RECORD, data=replace(RECORD.data, sha256="d" * 64)),
            "the data is films (2 users, 4 items, 6 interactions, sha256 aaaaaaaaaaaa…) in one"
            " and films (2 users, 4 items, 6 interactions, sha256 dddddddddddd…) in the other",
        ),
        (replace(RECORD, protocol="temporal"), "the protocol is leave-last-out in one and temporal in the other"),
        (replace(RECORD, part="validation"), "the part is test in one and validation in the other"),
        (replace(RECORD, core=0), "the core is 5 in one and 0 in the other"),
        (replace(RECORD, ties="random"), "ties are file in one and random in the other"),
        (replace(RECORD, seeds=(0,)), "the seeds are 0, 1 in one and 0 in the other"),
        (replace(RECORD, limit_users=9), "tested are all users in one and 9 users in the other"),
        (
            replace(RECORD, split_sha256="d" * 64),
            "the split's sha256 is bbbbbbbbbbbb… in one and dddddddddddd… in the other",
        ),
    ],
)
def test_results_that_were_measured_differently_refuse_to_be_compared(other: ProtocolRecord, named: str) -> None:
    said = f"results that were measured differently cannot be compared: {named}."
    with pytest.raises(ProtocolError, match=f"^{re.escape(said)}$") as caught:
        require_same(RECORD, other)
    assert isinstance(caught.value, DataError)


def test_all_that_differs_is_said_but_the_split_that_follows_from_it() -> None:
    other = replace(RECORD, ties="random", seeds=(9,), split_sha256="d" * 64)
    said = "compared: ties are file in a and random in b; the seeds are 0, 1 in a and 9 in b."
    with pytest.raises(ProtocolError, match=f"{re.escape(said)}$"):
        require_same(RECORD, other, names=("a", "b"))


def test_results_of_two_commits_may_be_compared() -> None:
    require_same(RECORD, replace(RECORD, commit="decade"))


def test_the_splits_hash_tells_other_answers_but_not_the_order_of_users() -> None:
    assert split_sha256([cut()], "test") == split_sha256([cut(ROWS[3:] + ROWS[:3])], "test")
    swapped = [*ROWS[:1], ("ann", "3", 2.0), ("ann", "2", 3.0), *ROWS[3:]]
    assert split_sha256([cut()], "test") != split_sha256([cut(swapped)], "test")
    assert split_sha256([cut()], "test") != split_sha256([cut()], "validation")


def test_one_record_stands_for_a_split_of_each_seed() -> None:
    tied = [(user, item, 1.0) for user, item, _ in ROWS]
    splits = [cut(tied, ties="random", seed=seed) for seed in range(5)]
    record = ProtocolRecord.of(splits, name="films", part="test", core=0, seeds=range(5))
    assert record.split_sha256 == split_sha256(splits, "test") != split_sha256(splits[:1], "test")


def test_splits_of_different_data_have_no_common_record() -> None:
    other = [*ROWS[:1], ("ann", "4", 2.0), *ROWS[2:]]
    with pytest.raises(ProtocolError, match="the data is films"):
        ProtocolRecord.of([cut(), cut(other)], name="films", part="test", core=0, seeds=[0])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").touch()
    git(tmp_path, "add", "code.py")
    git(tmp_path, "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "-m", "code")
    return tmp_path


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_the_checkouts_and_marked_when_code_differs_from_it(checkout: Path) -> None:
    code = checkout / "code.py"
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    (checkout / "log.jsonl").write_text("a look")
    git(checkout, "add", "log.jsonl")
    assert commit(code) == head
    code.write_text("changed")
    assert commit(code) == f"{head}-dirty"


def test_outside_a_checkout_the_version_stands_for_the_commit(tmp_path: Path) -> None:
    assert commit(tmp_path / "code.py") == __version__


def test_a_package_below_another_projects_checkout_is_not_of_its_commit(checkout: Path) -> None:
    installed = checkout / "installed.py"
    installed.touch()
    assert commit(installed) == __version__
