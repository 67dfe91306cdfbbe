"""Where the answers stand in a ranking of the whole catalogue, and the accuracy of every user from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmrec.data.splits import Answers
from llmrec.errors import DataError
from llmrec.evaluation.estimates import PerUser
from llmrec.retrieval.scoring import ScoreTable
from llmrec.types import Histories, ItemMask

CUTOFFS = (1, 5, 10, 20, 50)
_OUT = np.float32(-np.inf)  # below every finite score


@dataclass(frozen=True)
class AnswerRanks:
    """Where each answer stands among the candidates of its user.

    Attributes:
        users: int64 [n], row of the user, non-decreasing.
        items: int32 [n], catalogue position of the answer.
        ranks: float64 [n], from 1; candidates with equal scores share the mean of their places.
        tied: int64 [n], how many candidates have the answer's score, itself among them.
        n_candidates: int64 [n_users], how many items were ranked; 0 for a user without answers.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int32]
    ranks: NDArray[np.float64]
    tied: NDArray[np.int64]
    n_candidates: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The ranks of consecutive batches of users as one."""
        starts = np.cumsum([0] + [len(part.n_candidates) for part in parts])
        return cls(
            np.concatenate([part.users + start for part, start in zip(parts, starts[:-1], strict=True)]),
            np.concatenate([part.items for part in parts]),
            np.concatenate([part.ranks for part in parts]),
            np.concatenate([part.tied for part in parts]),
            np.concatenate([part.n_candidates for part in parts]),
        )

    def where(self, kept: NDArray[np.bool_]) -> AnswerRanks:
        """Only the answers with `kept`, bool [n], true; nothing moves up for those left out."""
        return AnswerRanks(self.users[kept], self.items[kept], self.ranks[kept], self.tied[kept], self.n_candidates)


def answers_of(answers: Answers, users: slice) -> Answers:
    """The answers of a batch of users; its first user becomes row 0."""
    inside = slice(*np.searchsorted(answers.users, [users.start, users.stop]))
    return Answers(answers.users[inside] - users.start, answers.items[inside])


def answer_ranks(
    scores: ScoreTable, histories: Histories, answers: Answers, *, candidates: ItemMask | None = None
) -> AnswerRanks:
    """Rank every answer among all items that are not in the user's own history.

    Args:
        scores: float32 [n_users, n_items], finite; row u is the user of `histories` row u.
        histories: What each user met before; left out of the ranking.
        answers: What is sought, each once per user; several answers of one user stay among the candidates of each
            other, as in trec_eval.
        candidates: bool [n_items], what may be ranked at all, e.g. cold items only; None for all.

    Raises:
        DataError: When a score is nan or infinite, or an answer is no candidate or stands there twice.
    """
    _check_answers(scores, answers)
    ranks, tied = np.empty(len(answers.items)), np.empty(len(answers.items), dtype=np.int64)
    n_candidates = np.zeros(len(scores), dtype=np.int64)
    starts = np.searchsorted(answers.users, np.arange(len(scores) + 1))
    for user, row in candidate_rows(scores, histories, candidates):
        mine = slice(starts[user], starts[user + 1])
        if mine.start == mine.stop:
            continue
        n_candidates[user] = np.count_nonzero(row > _OUT)
        for place, score in enumerate(row[answers.items[mine]], start=mine.start):
            if score == _OUT:
                raise DataError(f"answer {answers.items[place]} of user row {user} is in the history or no candidate.")
            tied[place] = np.count_nonzero(row == score)
            ranks[place] = np.count_nonzero(row > score) + (tied[place] + 1) / 2
    return AnswerRanks(answers.users, answers.items, ranks, tied, n_candidates)


def candidate_rows(
    scores: ScoreTable, histories: Histories, candidates: ItemMask | None = None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Each user with their scores, -inf where an item is not to be ranked; valid until the next one is asked for.

    Raises:
        DataError: When a score is nan or infinite: nan would compare as worse than everything and rank first.
    """
    if len(scores) != len(histories):
        raise DataError(f"scores have {len(scores)} rows for {len(histories)} users.")
    barred = None if candidates is None else np.flatnonzero(~candidates)
    row = np.empty(scores.shape[1], dtype=np.float32)
    for user in range(len(scores)):
        if not np.isfinite(scores[user]).all():
            raise DataError(f"scores of user row {user} hold nan or infinity; every score must be finite.")
        row[:] = scores[user]
        row[histories.items[histories.starts[user] : histories.starts[user + 1]]] = _OUT
        if barred is not None:
            row[barred] = _OUT
        yield user, row


def user_metrics(ranks: AnswerRanks, *, cutoffs: Sequence[int] = CUTOFFS) -> Mapping[str, PerUser]:
    """Accuracy of every user: `R@k`, `HR@k`, `NDCG@k`, `MRR@k`, `MAP@k`, `P@k`, `F1@k` and `AUC`, all in [0, 1].

    Each is float64 [n_users], nan for a user without answers; `AUC` also where every candidate is an answer.

    - `R@k`: share of the answers inside k. `HR@k`: 1 if any is; with one answer both are the accuracy@k.
    - `P@k`: answers inside k, divided by k even if fewer items were ranked. `F1@k`: harmonic mean of P@k and R@k.
    - `NDCG@k`: gain 1, discount 1 / log2(rank + 1), divided by what the best order of all answers would give.
      Source: Jarvelin & Kekalainen 2002.
    - `MRR@k`: 1 / rank of the first answer, 0 outside k. `MAP@k`: precision at each answer inside k, summed and divided
      by the number of all answers (trec_eval's map_cut).
    - `AUC`: chance that an answer stands above a candidate that is none, ties half. Source: Mann & Whitney 1947.

    Ties: an answer alone among equal scores has their mean rank, and is inside k if that rank is. Of several answers
    that are tied with each other the j-th takes the rank that the j-th of them has on average when equals are shuffled,
    first + (tied + 1) * j / (n + 1) with `first` items above, n answers and `tied` items in the tie, which for n = 1
    is the mean rank, too. So a metric lies between those of the worst and the best order of the equals, whatever order
    a tool would have picked (trec_eval: descending id), and equals trec_eval's value where there are no ties.
    """
    spread = _spread_ties(ranks)
    n_users = len(ranks.n_candidates)
    n_answers = np.bincount(spread.users, minlength=n_users).astype(np.float64)
    known = n_answers > 0
    metrics = {"AUC": _auc(spread, n_answers)}
    for k in cutoffs:
        for name, values in _metrics_at(spread, n_answers, k).items():
            metrics[f"{name}@{k}"] = np.where(known, values, np.nan)
    return metrics


@dataclass(frozen=True)
class _Spread:
    """Answers of each user from first to last: float64 ranks at least 1 apart, and `order` = 1, 2, ... per user."""

    users: NDArray[np.int64]
    ranks: NDArray[np.float64]
    order: NDArray[np.int64]
    n_candidates: NDArray[np.int64]


def _spread_ties(ranks: AnswerRanks) -> _Spread:
    best_first = np.lexsort((ranks.ranks, ranks.users))
    users, places, tied = ranks.users[best_first], ranks.ranks[best_first], ranks.tied[best_first]
    new_user = np.diff(users, prepend=-1) != 0
    new_tie = new_user | (np.diff(places, prepend=-1.0) != 0)
    n_in_tie = np.diff(np.flatnonzero(np.append(new_tie, True)))
    j = _counted_from(new_tie)
    moved = places + (tied + 1) * (j / (np.repeat(n_in_tie, n_in_tie) + 1) - 0.5)
    return _Spread(users, moved, _counted_from(new_user), ranks.n_candidates)


def _counted_from(first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """1, 2, 3, ... from each place where `first` is true."""
    numbers = np.arange(len(first))
    return numbers - np.maximum.accumulate(np.where(first, numbers, 0)) + 1


def _metrics_at(answers: _Spread, n_answers: NDArray[np.float64], k: int) -> Mapping[str, PerUser]:
    n_users = len(n_answers)
    inside = answers.ranks <= k
    users, ranks, order = answers.users[inside], answers.ranks[inside], answers.order[inside]
    hits = np.bincount(users, minlength=n_users).astype(np.float64)
    dcg = np.bincount(users, weights=1 / np.log2(ranks + 1), minlength=n_users)
    ideal = np.concatenate([[1.0], np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1))])
    precisions = np.bincount(users, weights=order / ranks, minlength=n_users)
    first = order == 1
    wanted = np.maximum(n_answers, 1)
    return {
        "R": hits / wanted,
        "HR": (hits > 0).astype(np.float64),
        "NDCG": dcg / np.where(n_answers > 0, ideal[np.minimum(n_answers, k).astype(np.int64)], 1),
        "MRR": np.bincount(users[first], weights=1 / ranks[first], minlength=n_users),
        "MAP": precisions / wanted,
        "P": hits / k,
        "F1": 2 * hits / (k + wanted),
    }


def _auc(answers: _Spread, n_answers: NDArray[np.float64]) -> PerUser:
    n_others = answers.n_candidates - n_answers
    pairs = np.where(n_answers > 0, n_answers * n_others, 0)
    above = np.bincount(answers.users, weights=answers.ranks - answers.order, minlength=len(n_answers))
    return np.where(pairs > 0, (pairs - above) / np.maximum(pairs, 1), np.nan)


def _check_answers(scores: ScoreTable, answers: Answers) -> None:
    n_users, n_items = scores.shape
    if not len(answers.users):
        return
    if answers.users.min() < 0 or answers.users.max() >= n_users or np.any(np.diff(answers.users) < 0):
        raise DataError(f"users of answers must be in ascending order and below {n_users}.")
    if answers.items.min() < 0 or answers.items.max() >= n_items:
        raise DataError(f"items of answers must be from 0 to {n_items - 1}.")
    if len(np.unique(answers.users * n_items + answers.items)) < len(answers.users):
        raise DataError("an answer stands twice for one user; give each once.")
