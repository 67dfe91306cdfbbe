"""Speed of retrieval + fusion + filters on a large synthetic catalogue, with the vectors ready.

Run: `python -m benchmarks.retrieval [--json] [--n-items 100000] [--n-queries 200]`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.interfaces import Retriever
from llmrec.retrieval.collaborative import EASERetriever
from llmrec.retrieval.dense import DenseRetriever
from llmrec.retrieval.filters import HardFilter
from llmrec.retrieval.fusion import ReciprocalRankFusion
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.lexical import BM25Retriever
from llmrec.retrieval.popularity import PopularityRetriever
from llmrec.retrieval.transitions import TransitionRetriever
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.types import (
    Candidate,
    Constraint,
    ConstraintEntry,
    History,
    Interaction,
    Item,
    ItemId,
    Profile,
    Query,
    Ranking,
    UserId,
    WishEntry,
)

T = TypeVar("T")
DIM = 384
N_WORDS = 20_000
K = 200
N_SHOWN = 10
GENRES = tuple(f"Genre{n}" for n in range(20))


@dataclass
class Timings:
    """Milliseconds of every query by stage."""

    by_stage: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, stage: str, work: Callable[[], T]) -> T:
        """Run `work` and note how long it took."""
        started = time.perf_counter()
        result = work()
        self.by_stage.setdefault(stage, []).append(1000 * (time.perf_counter() - started))
        return result

    def percentile(self, stage: str, percent: float) -> float:
        """Milliseconds that `percent` of the queries stayed under."""
        return round(float(np.percentile(self.by_stage[stage], percent)), 2)


def words_of(rng: np.random.Generator, n: int) -> str:
    """`n` words with the frequencies of natural text (Zipf)."""
    return " ".join(f"w{number % N_WORDS}" for number in rng.zipf(1.3, n))


def popular_items(rng: np.random.Generator, n_items: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Positions of items, the early ones much more often than the late ones."""
    return np.minimum(rng.zipf(1.2, shape) - 1, rng.integers(0, n_items, shape))


def make_catalogue(rng: np.random.Generator, n_items: int) -> Catalogue:
    """Items with a title, a year, genres and a description of 30 words."""
    return Catalogue(
        Item(
            ItemId(str(n)),
            words_of(rng, 3),
            {"year": int(rng.integers(1950, 2026)), "genres": tuple(rng.choice(GENRES, 2, replace=False).tolist())},
            words_of(rng, 30),
        )
        for n in range(n_items)
    )


def make_interactions(rng: np.random.Generator, catalogue: Catalogue, n_users: int) -> Interactions:
    """Histories of 30 items, popular ones more often."""
    popular = popular_items(rng, len(catalogue), (n_users, 30))
    return Interactions.from_rows(
        (
            Interaction(UserId(str(user)), catalogue.ids[item], 1.0, float(step))
            for user, row in enumerate(popular.tolist())
            for step, item in enumerate(row)
        ),
        catalogue,
    )


def make_query(rng: np.random.Generator, catalogue: Catalogue) -> Query:
    """A wish of six words, a history of 20 items, a caller's constraint and one of the user's."""
    met = popular_items(rng, len(catalogue), (20,)).tolist()
    return Query(
        profile=Profile(
            wishes=(WishEntry(words_of(rng, 6), 0),),
            constraints=(ConstraintEntry(Constraint("genres", "$ne", str(rng.choice(GENRES))), 0),),
        ),
        history=History(tuple(Interaction(UserId("x"), catalogue.ids[item]) for item in met)),
        constraints=(Constraint("year", "$gte", int(rng.integers(1950, 2000))),),
    )


def make_retrievers(rng: np.random.Generator, catalogue: Catalogue) -> Sequence[Retriever]:
    """All retrievers, fitted; the vectors are random unit rows."""
    vectors = rng.standard_normal((len(catalogue), DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    interactions = make_interactions(rng, catalogue, n_users=len(catalogue) // 5)
    return [
        DenseRetriever(ExactVectorStore(catalogue.ids, vectors), HashingEmbedder(DIM)),
        BM25Retriever.fit(catalogue),
        EASERetriever.fit(interactions),
        TransitionRetriever.fit(interactions),
        PopularityRetriever.fit(interactions),
    ]


def answer(query: Query, retrievers: Sequence[Retriever], item_filter: HardFilter, timings: Timings) -> None:
    """One query through filter, retrievers, fusion and selection."""
    fusion = ReciprocalRankFusion({retriever.name: 1.0 for retriever in retrievers})
    started = time.perf_counter()
    allowed = timings.measure("filter", lambda: item_filter.allowed(query))
    lists = [
        timings.measure(retriever.name, partial(retriever.retrieve, query, K, allowed=allowed.mask))
        for retriever in retrievers
    ]
    fused: Sequence[Candidate] = timings.measure("fusion", lambda: fusion.fuse(lists, K))
    ranking = Ranking(tuple(c.item_id for c in fused), tuple(c.score for c in fused), "retrieval")
    timings.measure("select", lambda: item_filter.select(query, allowed, ranking, N_SHOWN))
    timings.by_stage.setdefault("total", []).append(1000 * (time.perf_counter() - started))


def main() -> None:
    """Build, warm up, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--n-items", type=int, default=100_000)
    parser.add_argument("--n-queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    catalogue = make_catalogue(rng, arguments.n_items)
    retrievers, item_filter = make_retrievers(rng, catalogue), HardFilter(catalogue)
    # What is computed on first use (columns of facts, series) belongs to start-up.
    answer(make_query(rng, catalogue), retrievers, item_filter, Timings())
    timings = Timings()
    for _ in range(arguments.n_queries):
        answer(make_query(rng, catalogue), retrievers, item_filter, timings)
    report = {
        "benchmark": "retrieval",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "n_items": arguments.n_items,
        "n_queries": arguments.n_queries,
        "k": K,
        "p50_ms": {stage: timings.percentile(stage, 50) for stage in timings.by_stage},
        "p95_ms": {stage: timings.percentile(stage, 95) for stage in timings.by_stage},
    }
    print(json.dumps(report) if arguments.json else json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
