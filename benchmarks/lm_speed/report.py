"""From seconds and scores to what is printed: users a second, quality, shares of the machine, and targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lm_gain.gains import Gain
from benchmarks.lm_speed.line_up import DECISION, FAST, ISOLATED, PLAIN, POINTWISE, LineUp
from benchmarks.lm_speed.systems import System
from benchmarks.lm_speed.timing import Measured
from benchmarks.lm_speed.users import Case
from benchmarks.provenance import median_ci95
from llmrec.evaluation.estimates import bootstrap_means

_CUT = 10
# What is promised: users a second of one as a multiple of those of the other, for each user by himself.
_RATIOS = (
    (PLAIN, DECISION, 1.2),
    (PLAIN, POINTWISE, 8.0),
    (ISOLATED, DECISION, 3.0),
    (ISOLATED, POINTWISE, 15.0),
    (FAST, ISOLATED, 2.0),
)
_GEMM_SHARE = 0.7


@dataclass(frozen=True)
class Findings:
    """What was measured, and of whom.

    Attributes:
        cases: Users by place.
        measured: By name of a system.
    """

    line_up: LineUp
    cases: Sequence[Case]
    measured: Mapping[str, Measured]

    def systems(self) -> Mapping[str, Mapping[str, Any]]:
        """By name: users a second, NDCG@10, and on how many users either rests."""
        return {system.name: {**self._row(system), **self._share(system.name)} for system in self.line_up.systems}

    def levers(self) -> Sequence[Mapping[str, Any]]:
        """Each step with one lever more than the one before."""
        return [{"lever": system.name, **self._row(system)} for system in self.line_up.levers]

    def gemm_gflops(self) -> Mapping[str, Any]:
        """By number format, the rate of products alone at the model's shapes: median over users, in 1e9 a second."""
        found = {}
        for reading, kind in self.line_up.readings.values():
            seconds = self._seconds(self.line_up.products[kind].name)
            found[kind] = [reading.products_flop(self.cases[place]) / s / 1e9 for place, s in seconds.items()]
        return {kind: round(float(np.median(rates)), 1) for kind, rates in found.items()}

    def targets(self) -> Sequence[Mapping[str, Any]]:
        """What is promised, what was measured, and whether it holds."""
        ratios = [self._ratio_target(a, b, wanted) for a, b, wanted in _RATIOS if {a, b} <= set(self.measured)]
        shares = [
            _target(f"share of the rate of products, {name}", self._share(name)["gemm_share"], _GEMM_SHARE)
            for name in self.line_up.readings
        ]
        return [*ratios, *shares]

    def _row(self, system: System) -> dict[str, Any]:
        found = self.measured[system.name]
        ndcg = self._ndcg(found)
        mean = bootstrap_means({"ndcg": ndcg}, seed=0)["ndcg"]
        rates = found.users_per_s
        return {
            "about": system.about,
            "users_per_s": round(float(np.median(rates)), 4),
            "users_per_s_of_rounds": [round(float(rate), 4) for rate in rates],
            "n_users_timed": len(found.by_user),
            "ndcg@10": round(mean.mean, 4),
            "ndcg@10_ci95": [round(end, 4) for end in mean.ci95],
            "n_users_ndcg": len(ndcg),
            "ndcg@10_over_isolated_plain": self._beside_plain(found),
        }

    def _share(self, name: str) -> Mapping[str, Any]:
        if name not in self.line_up.readings:
            return {}
        reading, kind = self.line_up.readings[name]
        ranking, products = self._seconds(name), self._seconds(self.line_up.products[kind].name)
        shares = [
            reading.ranking_flop(case) / ranking[place] / (reading.products_flop(case) / products[place])
            for place, case in enumerate(self.cases)
            if place in ranking
        ]
        tokens = [reading.n_tokens(self.cases[place]) for place in ranking]
        return {"dtype": kind, "n_tokens": round(float(np.median(tokens))), "gemm_share": median_ci95(shares)}

    def _ratio_target(self, a: str, b: str, wanted: float) -> Mapping[str, Any]:
        quick, slow = self._seconds(a), self._seconds(b)
        ratios = [slow[place] / seconds for place, seconds in quick.items() if place in slow]
        return _target(f"users a second, {a} over {b}", median_ci95(ratios), wanted)

    def _beside_plain(self, found: Measured) -> Mapping[str, Any]:
        plain = self.measured[PLAIN]
        both = sorted(found.scores.keys() & plain.scores.keys())
        pair = [np.array([_gain(self.cases[place], one.scores[place]) for place in both]) for one in (found, plain)]
        return Gain.of(*pair).to_json() if len(both) > 1 else {"n_users": len(both)}

    def _ndcg(self, found: Measured) -> NDArray[np.float64]:
        return np.array([_gain(self.cases[place], scores) for place, scores in sorted(found.scores.items())])

    def _seconds(self, name: str) -> Mapping[int, float]:
        return self.measured[name].by_user


def without_nan(value: object) -> object:
    """`value` with None where a number is not one; JSON knows no nan."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def ndcg_of_answer(scores: Sequence[float], answer: int) -> float:
    """NDCG@10 of a ranking with one relevant candidate, number `answer`; equal scores share the gains of their ranks.

    Source: Jarvelin & Kekalainen 2002; ties: McSherry & Najork 2008.
    """
    n_better = sum(score > scores[answer] for score in scores)
    n_equal = sum(score == scores[answer] for score in scores)
    ranks = range(n_better + 1, n_better + n_equal + 1)
    return float(np.mean([1 / np.log2(rank + 1) if rank <= _CUT else 0.0 for rank in ranks]))


def _gain(case: Case, scores: Sequence[float]) -> float:
    return ndcg_of_answer(scores, case.item_ids.index(case.answer))


def _target(what: str, found: Mapping[str, Any], wanted: float) -> Mapping[str, Any]:
    return {"what": what, **found, "wanted": wanted, "met": bool(found["median"] >= wanted)}
