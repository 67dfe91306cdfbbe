"""What a service holds: sessions at once, its overhead over the library, a steady rate, and too much at once.

Run: `python -m benchmarks.load [--json] [--turns 20] [--items 2000] [--rate 20]`. The service runs in a process of its
own over made-up items; its language model is a stub that takes 0.2 s, two calls at a time. See docs/serve.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from benchmarks.load_service import N_USERS, made_up
from benchmarks.provenance import commit, machine

_WISHES = ("something tense", "a warm comedy", "bleak, at night", "a funny western", "a train in winter")
_START_S = 300.0
_QUICK_S = 1.0  # in which a refusal has to come
_N_OVERLOAD, _OVERLOAD_QUEUE = 300, 32
_RECOVERED_S = 10.0


@dataclass
class Sessions:
    """What became of every turn of every session."""

    seconds: list[float] = field(default_factory=list)
    n_dropped: int = 0
    n_mixed: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--model-s", type=float, default=0.2, help="Seconds of one call of the stub.")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=20.0, help="Requests a second of the steady rate.")
    parser.add_argument("--seconds", type=float, default=10.0, help="Of the steady rate.")
    parser.add_argument("--calls", type=int, default=200, help="Of each kind, for the overhead.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measure(asked)
    print(json.dumps(found, allow_nan=False) if asked.json else as_text(found))


def measure(asked: argparse.Namespace) -> Mapping[str, Any]:
    """All figures, ready for JSON."""
    with served(asked, model_s=asked.model_s, queue=4 * asked.sessions) as url:
        sessions = asyncio.run(hold(url, asked.sessions, asked.turns))
    with served(asked, model_s=0.0, queue=64) as url:
        overhead = compare(url, asked)
        steady = asyncio.run(keep_rate(url, asked.rate, asked.seconds))
    with served(asked, model_s=asked.model_s, queue=_OVERLOAD_QUEUE) as url:
        overload = asyncio.run(overwhelm(url))
    bound = asked.sessions * asked.model_s / asked.slots
    return {
        "sessions": {
            "n": asked.sessions,
            "turns": asked.turns,
            "dropped": sessions.n_dropped,
            "mixed": sessions.n_mixed,
            "bound_s": bound,
            **percentiles(sessions.seconds),
            "p95_over_bound": round(float(np.percentile(sessions.seconds, 95)) / bound, 3),
        },
        "overhead": overhead,
        "steady": {"rate": asked.rate, "n_items": asked.items, **steady},
        "overload": overload,
        "machine": machine(),
        "commit": commit(),
    }


@contextmanager
def served(asked: argparse.Namespace, *, model_s: float, queue: int) -> Iterator[str]:
    """The address of a service that runs within."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    numbers = {"port": port, "items": asked.items, "model-s": model_s, "slots": asked.slots, "queue": queue}
    options = [part for name, value in numbers.items() for part in (f"--{name}", str(value))]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.load_service", *options])
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the service answers."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit("the service did not start")
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.ConnectError:
            time.sleep(0.2)
    raise SystemExit("the service does not answer")


def client_of(url: str) -> httpx.AsyncClient:
    """A client for many requests at once."""
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False)


async def hold(url: str, n_sessions: int, n_turns: int) -> Sessions:
    """`n_sessions` conversations at once, each of whose turns follows the answer to the one before."""
    found = Sessions()

    async def converse(number: int) -> None:
        word = f"canary{number:03}"
        turns: list[dict[str, str]] = []
        profile: dict[str, Any] | None = None
        await asyncio.sleep(0.02 * number)
        for turn in range(n_turns):
            turns = [*turns[-8:], {"role": "user", "text": f"{_WISHES[turn % len(_WISHES)]}, {word}"}]
            body = {"turns": turns, "profile": profile, "k": 3, "user_id": f"user{number % N_USERS}"}
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


def compare(url: str, asked: argparse.Namespace) -> Mapping[str, float]:
    """Milliseconds of the same recommendations from the library and over HTTP, in turns."""
    recommender = made_up(asked.items, 0.0)
    recommender.warm_up()
    library, service, library_cpu_s = [], [], 0.0
    with httpx.Client(base_url=url, trust_env=False) as client:
        before_s = processor_seconds(client)
        for number in range(asked.calls):
            query, user_id = _WISHES[number % len(_WISHES)], f"user{number % N_USERS}"
            started, cpu_s = time.perf_counter(), time.process_time()
            recommender.recommend(query, user_id=user_id, k=10)
            library_cpu_s += time.process_time() - cpu_s
            between = time.perf_counter()
            client.post("/v1/recommend", json={"query": query, "user_id": user_id, "k": 10}).raise_for_status()
            library.append(between - started)
            service.append(time.perf_counter() - between)
        service_cpu_s = processor_seconds(client) - before_s
    p50 = {"library_p50_ms": library, "service_p50_ms": service}
    medians = {name: round(statistics.median(values) * 1000, 2) for name, values in p50.items()}
    return {
        **medians,
        "overhead_p50_ms": round(medians["service_p50_ms"] - medians["library_p50_ms"], 2),
        # Means, which a machine that does other work too leaves alone.
        "overhead_cpu_ms": round((service_cpu_s - library_cpu_s) / asked.calls * 1000, 2),
    }


def processor_seconds(client: httpx.Client) -> float:
    """What the service's process has used so far."""
    lines = client.get("/metrics").text.splitlines()
    (found,) = (line for line in lines if line.startswith("process_cpu_seconds_total "))
    return float(found.split()[1])


async def keep_rate(url: str, rate: float, seconds: float) -> Mapping[str, Any]:
    """Recommendations without a model that begin `rate` times a second, whether or not those before have ended."""

    async def ask(number: int) -> float:
        await asyncio.sleep(number / rate)
        started = time.perf_counter()
        body = {"query": _WISHES[number % len(_WISHES)], "user_id": f"user{number % N_USERS}"}
        (await client.post("/v1/recommend", json=body)).raise_for_status()
        return time.perf_counter() - started

    async with client_of(url) as client:
        return percentiles(await asyncio.gather(*(ask(number) for number in range(int(rate * seconds)))))


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


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Seconds at 50 and 95 %."""
    return {f"p{share}_s": round(float(np.percentile(seconds, share)), 4) for share in (50, 95)}


def as_text(found: Mapping[str, Any]) -> str:
    """The figures, one group a line."""
    lines = []
    for name, figures in found.items():
        shown = figures if isinstance(figures, str) else ", ".join(f"{key} {value}" for key, value in figures.items())
        lines.append(f"{name}: {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
