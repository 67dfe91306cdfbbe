"""Rankings a second by one language model: in whole batches from the library, and for many callers of a service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import islice

import httpx

from benchmarks.load_traffic import client_of, metric
from llmrec.interfaces import rankings_of
from llmrec.recommender import Recommender
from llmrec.types import Candidate, Query

_N_CANDIDATES = 20


def batched_rate(recommender: Recommender, size: int, n_rankings: int) -> float:
    """Rankings a second of the recommender's ranker, asked `size` at a time."""
    ranker = recommender.assistant.stages.ranker
    queries = [Query(history=recommender.history(user_id)) for user_id in islice(recommender.user_ids, n_rankings)]
    candidates = _candidates(recommender)
    rankings_of(ranker, queries[:size], [candidates] * len(queries[:size]))  # the first call also warms up
    started = time.perf_counter()
    for start in range(0, n_rankings, size):
        own = [queries[number % len(queries)] for number in range(start, min(start + size, n_rankings))]
        rankings_of(ranker, own, [candidates] * len(own))
    return round(n_rankings / (time.perf_counter() - started), 3)


async def served_rate(url: str, user_ids: Sequence[str], *, n_callers: int, n_calls: int) -> Mapping[str, float]:
    """Rankings a second while `n_callers` ask for one recommendation after the other, `n_calls` in all.

    A recommendation may need several rankings, as explanations ask again; the service counts them all.
    """
    left = iter(range(n_calls))

    async def ask() -> None:
        for number in left:
            body = {"user_id": user_ids[number % len(user_ids)], "k": 3}
            (await client.post("/v1/recommend", json=body)).raise_for_status()

    async with client_of(url) as client:
        before = await _counts(client)
        started = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(n_callers)))
        seconds = time.perf_counter() - started
        after = await _counts(client)
    if after == before:
        raise SystemExit("no ranking was made: the recommender has no language model, or gives it no weight")
    n_rankings, n_model_calls = (now - then for now, then in zip(after, before, strict=True))
    return {"per_s": round(n_rankings / seconds, 3), "rankings_a_call": round(n_rankings / n_model_calls, 2)}


async def _counts(client: httpx.AsyncClient) -> tuple[float, float]:
    text = (await client.get("/metrics")).text
    return metric(text, "llmrec_model_served"), metric(text, "llmrec_model_calls")


def _candidates(recommender: Recommender) -> list[Candidate]:
    return [
        Candidate(item_id, -float(place), "given")
        for place, item_id in enumerate(islice(recommender.catalogue, _N_CANDIDATES))
    ]
