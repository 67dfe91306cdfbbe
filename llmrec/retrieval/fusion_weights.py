"""What each signal is worth: a multinomial logit over candidates, penalised, fitted on held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, special

_FOLDS, _MAX_STEPS = 3, 80
_NEWTON_STEPS, _AT_ONCE = 5, 128


@dataclass(frozen=True)
class Examples:
    """Held-out interactions, each among the candidates it competed with.

    Attributes:
        names: Of the signals.
        signals: float32 [n_examples, n_candidates, n_signals], standardised per user; the answer stands first.
        log_shares: float32 [n_examples, n_candidates], log of how many items each candidate stands for.
        users: int64 [n_examples], whose they are: folds never part a user.
    """

    names: tuple[str, ...]
    signals: NDArray[np.float32]
    log_shares: NDArray[np.float32]
    users: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> Examples:
        """Those with `chosen`, bool [n_examples], true."""
        return Examples(self.names, self.signals[chosen], self.log_shares[chosen], self.users[chosen])


def joined(pieces: Sequence[Examples]) -> Examples:
    """All examples of `pieces`; a signal that a piece lacks is 0 there, as is any that says nothing."""
    if not pieces:
        return Examples((), np.zeros((0, 1, 0), np.float32), np.zeros((0, 1), np.float32), np.zeros(0, np.int64))
    names = tuple(dict.fromkeys(name for piece in pieces for name in piece.names))
    signals = [piece.signals if piece.names == names else _widened(piece, names) for piece in pieces]
    columns = ([getattr(piece, name) for piece in pieces] for name in ("log_shares", "users"))
    return Examples(names, np.concatenate(signals), *(np.concatenate(column) for column in columns))


def _widened(piece: Examples, names: tuple[str, ...]) -> NDArray[np.float32]:
    wide = np.zeros((*piece.signals.shape[:2], len(names)), dtype=np.float32)
    wide[..., [names.index(name) for name in piece.names]] = piece.signals
    return wide


def fitted_weights(examples: Examples, *, l2: float, start: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Weights float64 [n_signals] that make the answers most likely; l2 pulls them towards 0."""
    signals = examples.signals
    n_examples, _, n_signals = signals.shape
    flat, answers = signals.reshape(-1, n_signals), signals[:, 0].sum(axis=0, dtype=np.float64)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = (flat @ weights.astype(np.float32)).reshape(n_examples, -1) + examples.log_shares
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        totals = odds.sum(axis=1, keepdims=True)
        surprise = float((np.log(totals[:, 0]) - scores[:, 0]).mean(dtype=np.float64))
        expected = (odds / totals).ravel() @ flat
        gradient = (expected - answers) / n_examples + 2 * l2 * weights
        return surprise + l2 * float(weights @ weights), np.asarray(gradient, dtype=np.float64)

    first = np.zeros(n_signals) if start is None else start
    found = optimize.minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": _MAX_STEPS})
    return np.asarray(found.x, dtype=np.float64)


def settled(weights: NDArray[np.float64], examples: Examples, *, l2: float) -> NDArray[np.float64]:
    """`weights` after Newton steps in double precision, as long as these bring the gradient down.

    Where single precision stops is a matter of the order of items and the number of threads, in the third digit.
    """
    gradient, curvature = _derivatives(weights, examples, l2)
    for _ in range(_NEWTON_STEPS):
        following = weights - linalg.lstsq(curvature, gradient)[0]
        next_gradient, next_curvature = _derivatives(following, examples, l2)
        if not np.abs(next_gradient).max(initial=0.0) < np.abs(gradient).max(initial=0.0):
            break
        weights, gradient, curvature = following, next_gradient, next_curvature
    return weights


def _derivatives(
    weights: NDArray[np.float64], examples: Examples, l2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the mean loss: the gradient [n_signals] and the curvature [n_signals, n_signals]."""
    gradient, curvature = np.zeros_like(weights), np.zeros((len(weights), len(weights)))
    for start in range(0, len(examples.users), _AT_ONCE):
        signals = examples.signals[start : start + _AT_ONCE].astype(np.float64)
        odds = special.softmax(signals @ weights + examples.log_shares[start : start + _AT_ONCE], axis=1)
        means = (odds[:, None, :] @ signals)[:, 0]
        gradient += (means - signals[:, 0]).sum(axis=0)
        flat = signals.reshape(-1, len(weights))
        curvature += flat.T @ (flat * odds.reshape(-1, 1)) - means.T @ means
    n_examples = len(examples.users)
    return gradient / n_examples + 2 * l2 * weights, curvature / n_examples + 2 * l2 * np.eye(len(weights))


def safe_weights(examples: Examples, *, l2: float, seed: int) -> Mapping[str, float]:
    """`fitted_weights` by name, unless one signal alone serves unseen users better; then that signal's 1 among zeros.

    Judged by NDCG@10 among the candidates, in cross-validation over users.
    """
    if not len(examples.users):
        return {}
    weights = settled(fitted_weights(examples, l2=l2), examples, l2=l2)
    fold = np.random.default_rng(seed).integers(_FOLDS, size=int(examples.users.max()) + 1)[examples.users]
    fused = np.zeros(len(fold))
    for number in range(_FOLDS):
        inside = fold == number
        if inside.any() and not inside.all():
            learned = fitted_weights(examples.of(~inside), l2=l2, start=weights)
            fused[inside] = _gains(examples.signals[inside] @ learned.astype(np.float32), examples.log_shares[inside])
    alone = np.array(
        [_gains(examples.signals[..., s], examples.log_shares).mean() for s in range(examples.signals.shape[2])]
    )
    if alone.max() > fused.mean():
        weights = np.zeros_like(weights)
        weights[int(alone.argmax())] = 1.0
    return dict(zip(examples.names, weights.tolist(), strict=True))


def _gains(scores: NDArray[np.float32], log_shares: NDArray[np.float32]) -> NDArray[np.float64]:
    """NDCG@10 of the first candidate among all, [n_examples]; equal scores share their mean rank."""
    answers, shares = scores[:, :1], np.exp(log_shares)
    above = (shares * (scores > answers)).sum(axis=1)
    equal = (shares * (scores == answers)).sum(axis=1) - 1
    ranks = 1.0 + above + equal / 2
    return np.where(ranks <= 10, 1.0 / np.log2(ranks + 1), 0.0)
