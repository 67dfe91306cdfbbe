"""How far one interaction moves what its user gets in the next request: of what is related to it, and of what is not.

Some users, drawn by seed, meet an item they had not met, drawn from all interactions. Related is what most shares users
with it. Unrelated are items that share no user and no fact with it, and of these the 100 least like it in text. Changes
are in spreads of the user's scores by the hybrid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from llmrec.evaluation.estimates import PerUser
from llmrec.index import Fitted
from llmrec.retrieval.content import ContentSignals
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.retrieval.item_to_item import matmul
from llmrec.retrieval.item_weights import met_table
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories, History, Interaction, Query

_N_FARTHEST, _N_LEAST, _N_SHOWN = 100, 20, 10
_VOICES: Mapping[str, tuple[str, ...]] = {"texts": ("text@",), "facts": ("same:", "amounts")}
_OTHERS = "what others met"


@dataclass(frozen=True)
class Case:
    """One interaction that is made up.

    Attributes:
        user: Who does it.
        histories: Of this user and of another one, before.
        item: What is met.
        related: The item that shares most users with it.
        unrelated: Items that share nothing with it.
        unmet: All that the user has not met after it.
    """

    user: int
    histories: Histories
    item: int
    related: int
    unrelated: NDArray[np.int64]
    unmet: NDArray[np.int64]


def moved_by_one(fitted: Fitted, *, n_users: int, seed: int) -> Mapping[str, PerUser]:
    """By name of a figure its value for each of `n_users`, or of as many as have enough unrelated items."""
    hybrid = fitted.retrievers["hybrid"]
    assert isinstance(hybrid, HybridRetriever)
    found: dict[str, list[float]] = {}
    for case in islice(_cases(fitted, seed), n_users):
        for name, value in {**_added(fitted, hybrid, case), **_moved(hybrid, case)}.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def _cases(fitted: Fitted, seed: int) -> Iterator[Case]:
    rng, met = np.random.default_rng(seed), fitted.interactions
    content = ContentSignals.fit(fitted.catalogue, fitted.vectors.matrix)
    by_item = sparse.csr_array(met_table(met).T)
    for user, other in pairwise(rng.permutation(len(met.user_ids)).tolist()):
        histories = met.histories(np.array([user, other]))
        item = int(rng.choice(met.items[~np.isin(met.items, histories.items)]))
        unmet = np.setdiff1d(np.arange(len(met.item_ids)), [*histories.of(slice(0, 1)).items.tolist(), item])
        shared = matmul(by_item, sparse.csr_array(by_item[[item]].T)).toarray()[:, 0]
        apart = unmet[~(_alike_in_facts(content, item) | (shared > 0))[unmet]]
        farthest = apart[np.argsort(content.texts[apart] @ content.texts[item], kind="stable")[:_N_FARTHEST]]
        if len(farthest) >= _N_LEAST:
            yield Case(user, histories, item, int(unmet[shared[unmet].argmax()]), farthest, unmet)


def _alike_in_facts(content: ContentSignals, item: int) -> NDArray[np.bool_]:
    alike = np.zeros(len(content.amounts), dtype=np.bool_)
    for values in content.values.values():
        alike |= matmul(values, sparse.csr_array(values[[item]].T)).toarray()[:, 0] > 0
    return alike


def _added(fitted: Fitted, hybrid: HybridRetriever, case: Case) -> Mapping[str, float]:
    """What the interaction itself adds, by the tables of what others met; the rest is that older items count less."""
    met = fitted.interactions
    user_id, item_id = met.user_ids[case.user], met.item_ids[case.item]
    history = History((*met.history(user_id).interactions, Interaction(user_id, item_id)))
    spread = float(hybrid.score_histories(met_too(case.histories, case.item))[0].std())
    return {
        f"adds to {name}": hybrid.explain(Query(history=history), met.item_ids[place]).items.get(item_id, 0.0) / spread
        for name, place in (("related", case.related), ("unrelated", int(case.unrelated[0])))
    }


def _moved(hybrid: HybridRetriever, case: Case) -> Mapping[str, float]:
    before, after = (_by_voice(hybrid, each) for each in (case.histories, met_too(case.histories, case.item)))
    scores, scores_after = (np.sum([*each.values()], axis=0) for each in (before, after))
    spread = float(scores[0].std())
    change = (scores_after[0] - scores[0]) / spread
    apart = case.unrelated
    first, first_after = (
        set(case.unmet[np.argsort(-each[0, case.unmet])[:_N_SHOWN]].tolist()) for each in (scores, scores_after)
    )
    return {
        "change of another user": float(np.abs(scores_after[1] - scores[1]).max()),
        "change of related": float(change[case.related]),
        "related changed": float(change[case.related] != 0),
        "change of unrelated": float(change[apart].mean()),
        "|change of unrelated|": float(np.abs(change[apart]).mean()),
        **{
            f"|change of unrelated|, {name}": float(np.abs(after[name][0, apart] - table[0, apart]).mean()) / spread
            for name, table in before.items()
        },
        "order of the unrelated, tau": float(stats.kendalltau(scores[0, apart], scores_after[0, apart]).statistic),
        "of the first ten, new": float(len(first_after - first)),
        "of the first ten, unrelated that came or went": float(len((first ^ first_after) & set(apart.tolist()))),
    }


def _by_voice(hybrid: HybridRetriever, histories: Histories) -> Mapping[str, ScoreTable]:
    """The scores, as what texts, facts and everything else add to them."""
    tables: dict[str, ScoreTable] = {}
    for name, table in hybrid.voices(histories):
        said = name.removeprefix("cold:")
        group = next((group for group, names in _VOICES.items() if said.startswith(names)), _OTHERS)
        tables[group] = tables[group] + table if group in tables else table
    return tables


def met_too(histories: Histories, item: int) -> Histories:
    """The same histories, and the first user has met `item` at last."""
    place = int(histories.starts[1])
    starts = histories.starts + (np.arange(len(histories.starts)) > 0)
    return Histories(
        starts,
        np.insert(histories.items, place, item).astype(np.int32),
        np.insert(histories.values, place, 1.0).astype(np.float32),
        np.insert(histories.at, place, np.nan).astype(np.float64),
    )
