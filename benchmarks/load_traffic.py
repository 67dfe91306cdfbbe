"""What is sent at a service under load, and what became of it: conversations, steady rates, bursts."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from benchmarks.load_service import N_USERS
from benchmarks.provenance import median_ci95
from llmrec.recommender import Recommender
from llmrec.service.running import one_processor_each

WISHES = ("something tense", "a warm comedy", "bleak, at night", "a funny western", "a train in winter")
_QUICK_S = 1.0  # in which a refusal has to come
_N_OVERLOAD = 300
_RECOVERED_S = 10.0
_N_DRAWS = 2000


@dataclass
class Sessions:
    """What became of every turn of every session."""

    seconds: list[float] = field(default_factory=list)
    n_dropped: int = 0
    n_mixed: int = 0

    def figures(self, *, bound_s: float) -> dict[str, Any]:
        """What was found, and how far the slow turns are beyond waiting in turn for a model, `bound_s`."""
        return {
            "turns": len(self.seconds) + self.n_dropped,
            "dropped": self.n_dropped,
            "mixed": self.n_mixed,
            "bound_s": round(bound_s, 3),
            **percentiles(self.seconds),
            "p95_over_bound": round(float(np.percentile(self.seconds, 95)) / bound_s, 3),
        }


def client_of(url: str) -> httpx.AsyncClient:
    """A client for many requests at once."""
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, timeout=3600, limits=limits, trust_env=False)


async def hold(url: str, user_ids: Sequence[str], n_sessions: int, n_turns: int) -> Sessions:
    """`n_sessions` conversations at once, each of whose turns follows the answer to the one before; users in turn."""
    found = Sessions()

    async def converse(number: int) -> None:
        word = f"canary{number:03}"
        turns: list[dict[str, str]] = []
        profile: dict[str, Any] | None = None
        await asyncio.sleep(0.02 * number)
        for turn in range(n_turns):
            turns = [*turns[-8:], {"role": "user", "text": f"{WISHES[turn % len(WISHES)]}, {word}"}]
            body = {"turns": turns, "profile": profile, "k": 3, "user_id": user_ids[number % len(user_ids)]}
            started = time.perf_counter()
            try:
                reply = await last_event(client, body)
            except (httpx.HTTPError, ValueError):
                found.n_dropped += 1
                continue
            found.seconds.append(time.perf_counter() - started)
            text = json.dumps(reply)
            found.n_mixed += text.count("canary") != text.count(word)
            turns, profile = reply["turns"], without_old(reply["profile"])

    async with client_of(url) as client:
        await asyncio.gather(*(converse(number) for number in range(n_sessions)))
    return found


def without_old(profile: dict[str, Any]) -> dict[str, Any]:
    """`profile` without wishes and conditions, so that each turn is answered from the whole catalogue."""
    return {**profile, "wishes": [], "constraints": [], "where": {}}


async def last_event(client: httpx.AsyncClient, body: Mapping[str, object]) -> dict[str, Any]:
    """The reply at the end of a streamed chat. Raises ValueError when the stream ends without one."""
    async with client.stream("POST", "/v1/chat", json=body) as answer:
        answer.raise_for_status()
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif name == "reply" and line.startswith("data: "):
                return dict(json.loads(line.removeprefix("data: ")))
    raise ValueError("no reply")


def compare(url: str, library: Recommender, n_calls: int) -> Mapping[str, Any]:
    """Milliseconds of the same recommendations from the library and over HTTP, in turns."""
    library.warm_up()
    in_library, in_service, library_cpu_s = [], [], 0.0
    # The library computes as it does in the service, for what is asked is what HTTP adds.
    with one_processor_each(), httpx.Client(base_url=url, trust_env=False) as client:
        before_s = metric(client.get("/metrics").text, "process_cpu_seconds_total")
        for number in range(n_calls):
            query, user_id = WISHES[number % len(WISHES)], f"user{number % N_USERS}"
            started, cpu_s = time.perf_counter(), time.process_time()
            library.recommend(query, user_id=user_id, k=10)
            library_cpu_s += time.process_time() - cpu_s
            between = time.perf_counter()
            client.post("/v1/recommend", json={"query": query, "user_id": user_id, "k": 10}).raise_for_status()
            in_library.append((between - started) * 1000)
            in_service.append((time.perf_counter() - between) * 1000)
        service_cpu_s = metric(client.get("/metrics").text, "process_cpu_seconds_total") - before_s
    more = [service - own for service, own in zip(in_service, in_library, strict=True)]
    return {
        "library_ms": median_ci95(in_library),
        "service_ms": median_ci95(in_service),
        "overhead_ms": median_ci95(more),
        # A mean of processor time, which a machine that does other work too leaves alone.
        "overhead_cpu_ms": round((service_cpu_s - library_cpu_s) / n_calls * 1000, 2),
    }


def metric(text: str, name: str) -> float:
    """The value of a metric without labels, in Prometheus' format."""
    (found,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(found.split()[1])


async def keep_rate(url: str, rate: float, seconds: float) -> Mapping[str, Any]:
    """Recommendations without a model that begin `rate` times a second, whether or not those before have ended."""

    async def ask(number: int) -> float | None:
        await asyncio.sleep(number / rate)
        started = time.perf_counter()
        body = {"query": WISHES[number % len(WISHES)], "user_id": f"user{number % N_USERS}"}
        answer = await client.post("/v1/recommend", json=body)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return None
        answer.raise_for_status()
        return time.perf_counter() - started

    async with client_of(url) as client:
        await ask(0)  # the first request of a process loads what the others find
        found = await asyncio.gather(*(ask(number) for number in range(int(rate * seconds))))
    answered = [each for each in found if each is not None]
    return {"refused": len(found) - len(answered), **percentiles(answered)}


async def overwhelm(url: str) -> Mapping[str, Any]:
    """Far more requests in a second than there is room for: each is answered rightly or refused at once."""
    address = httpx.URL(url)

    async def ask(delay_s: float) -> tuple[int, float, Sequence[str]]:
        await asyncio.sleep(delay_s)
        started = time.perf_counter()
        status, text = await posted(address, {"query": "something tense", "user_id": "user1", "k": 5})
        seconds = time.perf_counter() - started
        return status, seconds, [card["item_id"] for card in json.loads(text).get("recommendations", [])]

    _, alone_s, right = await ask(0)
    found = await asyncio.gather(*(ask(number / _N_OVERLOAD) for number in range(_N_OVERLOAD)))
    ended = time.perf_counter()
    while (await ask(0))[1] > 1.2 * alone_s and time.perf_counter() - ended < 2 * _RECOVERED_S:
        await asyncio.sleep(0.1)
    recovered_s = time.perf_counter() - ended
    refused = [seconds for status, seconds, _ in found if status != 200]
    return {
        "statuses": {str(status): n for status, n in sorted(Counter(status for status, _, _ in found).items())},
        "wrong": sum(status == 200 and cards != right for status, _, cards in found),
        "refused_p95_s": round(float(np.percentile(refused, 95)), 3) if refused else 0.0,
        "refused_late": sum(seconds > _QUICK_S for seconds in refused),
        "recovered_s": round(recovered_s, 2),
    }


async def posted(address: httpx.URL, body: Mapping[str, object]) -> tuple[int, bytes]:
    """Status and body of an answer over a connection of its own; a client that does more would be the bottleneck."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    content = json.dumps(body)
    head = f"POST /v1/recommend HTTP/1.1\r\nhost: {address.host}:{address.port}\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write((head + content).encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    top, _, text = answer.partition(b"\r\n\r\n")
    return int(top.split(maxsplit=2)[1]), text


def percentiles(seconds: Sequence[float]) -> dict[str, object]:
    """Seconds at 50 and 95 %, each with a percentile bootstrap interval. Source: Efron & Tibshirani 1993."""
    sample = np.asarray(seconds, dtype=np.float64)
    draws = np.random.default_rng(0).choice(sample, size=(_N_DRAWS, len(sample)))
    found: dict[str, object] = {}
    for share in (50, 95):
        low, high = np.percentile(np.percentile(draws, share, axis=1), [2.5, 97.5])
        found[f"p{share}_s"] = round(float(np.percentile(sample, share)), 4)
        found[f"p{share}_ci95"] = [round(float(low), 4), round(float(high), 4)]
    return found
