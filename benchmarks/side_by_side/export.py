"""From a task to the files a peer gets: numbers, histories and texts, and no answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.exchange import PeerTask
from llmrec.data.catalogue import Catalogue
from llmrec.data.splits import Task
from llmrec.prompting.textualize import item_document

_SEED = 20_261_122


@dataclass(frozen=True)
class Exported:
    """A peer's task, and the way back to our numbers.

    Attributes:
        catalogue_position: int32 [n_items], of each of the peer's item numbers.
    """

    task: PeerTask
    catalogue_position: NDArray[np.int32]

    def ours(self, rankings: NDArray[np.int32]) -> NDArray[np.int32]:
        """A peer's rankings in catalogue positions; -1, where a list ended early, stays."""
        return np.where(rankings >= 0, self.catalogue_position[rankings], -1).astype(np.int32)


def exported(task: Task, catalogue: Catalogue) -> Exported:
    """What a peer gets of `task`. Items are shuffled: no tie of a peer may be broken by a number's place in a file.

    Raises SystemExit when a history says more or less than the interactions to fit on: peers know users by number.
    """
    _check(task)
    positions = np.random.default_rng(_SEED).permutation(len(catalogue)).astype(np.int32)
    numbers = np.empty_like(positions)
    numbers[positions] = np.arange(len(positions), dtype=np.int32)
    items = tuple(catalogue.values())
    peer_task = PeerTask(
        users=task.fit_on.users.astype(np.int32),
        items=numbers[task.fit_on.items],
        values=task.fit_on.values,
        n_users=len(task.fit_on.user_ids),
        n_items=len(items),
        tested=task.users.astype(np.int32),
        texts=tuple(item_document(items[position]) for position in positions),
    )
    return Exported(peer_task, positions)


def _check(task: Task) -> None:
    known = task.fit_on.histories(task.users)
    if not (np.array_equal(known.starts, task.histories.starts) and np.array_equal(known.items, task.histories.items)):
        raise SystemExit("a tested user's history is not what is fitted on: no peer could be asked")
