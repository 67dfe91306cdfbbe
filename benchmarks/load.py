"""What a service holds: sessions at once, its overhead over the library, a steady rate, too much at once, batches.

Run: `python -m benchmarks.load [--json] [--parts overload,steady] [--recommender DIR]`. The service runs in a process
of its own over made-up items; its language model is a stub that takes 0.2 s, two calls at a time. `--recommender`
lets the part `real` put a built recommender with its own model under load. See docs/serve.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx

from benchmarks.load_rankings import batched_rate, served_rate
from benchmarks.load_service import USER_IDS, made_up
from benchmarks.load_traffic import compare, hold, keep_rate, overwhelm
from benchmarks.provenance import commit, machine
from llmrec.recommender import Recommender

_START_S = 600.0
_OVERLOAD_QUEUE = 32
_OVERHEAD_ITEMS = 200


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="", help=f"Some of {', '.join(_PARTS)}; by default all that can be.")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--model-s", type=float, default=0.2, help="Seconds of one call of the stub.")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4, help="Requests in one call, for the part throughput.")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--steady-items", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=20.0, help="Requests a second of the steady rate.")
    parser.add_argument("--seconds", type=float, default=10.0, help="Of the steady rate.")
    parser.add_argument("--calls", type=int, default=200, help="Of each kind, for the overhead and the throughput.")
    parser.add_argument("--recommender", type=Path, help="A directory of `llmrec build`, for the part real.")
    parser.add_argument("--real-sessions", type=int, default=8)
    parser.add_argument("--real-turns", type=int, default=3, help="Turns of each; the target is over 20.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measure(asked)
    print(json.dumps(found, allow_nan=False) if asked.json else as_text(found))


def measure(asked: argparse.Namespace) -> Mapping[str, Any]:
    """All figures, ready for JSON."""
    names = asked.parts.split(",") if asked.parts else [n for n in _PARTS if n != "real" or asked.recommender]
    if unknown := set(names) - set(_PARTS):
        raise SystemExit(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
    found: dict[str, Any] = {name: _PARTS[name](asked) for name in names}
    options = {name: str(value) if isinstance(value, Path) else value for name, value in vars(asked).items()}
    return {**found, "options": options, "machine": machine(), "commit": commit()}


def sessions(asked: argparse.Namespace) -> Mapping[str, Any]:
    """Conversations at once with the stub, against what waiting in turn must take."""
    options = {"items": asked.items, "model-s": asked.model_s, "slots": asked.slots, "queue": 4 * asked.sessions}
    with served(options) as url:
        found = asyncio.run(hold(url, USER_IDS, asked.sessions, asked.turns))
    return found.figures(bound_s=asked.sessions * asked.model_s / asked.slots)


def overhead(asked: argparse.Namespace) -> Mapping[str, Any]:
    """What the service adds to the library's call; over few items, as a longer call would hide it."""
    with served({"items": _OVERHEAD_ITEMS}) as url:
        return compare(url, made_up(_OVERHEAD_ITEMS, 0.0), asked.calls)


def steady(asked: argparse.Namespace) -> Mapping[str, Any]:
    """A rate of recommendations over many items whose vectors are ready, without a language model."""
    with served({"items": asked.steady_items}) as url:
        found = asyncio.run(keep_rate(url, asked.rate, asked.seconds))
    return {"rate": asked.rate, "n_items": asked.steady_items, **found}


def overload(asked: argparse.Namespace) -> Mapping[str, Any]:
    """Far more at once than there is room for."""
    options = {"items": asked.items, "model-s": asked.model_s, "slots": asked.slots, "queue": _OVERLOAD_QUEUE}
    with served(options) as url:
        return asyncio.run(overwhelm(url))


def throughput(asked: argparse.Namespace) -> Mapping[str, Any]:
    """Rankings a second of many callers, against those of whole batches without a service."""
    options = {"items": asked.items, "model-s": asked.model_s, "batch": asked.batch}
    batched = batched_rate(made_up(asked.items, asked.model_s), asked.batch, asked.calls)
    with served(options) as url:
        found = asyncio.run(served_rate(url, USER_IDS, n_callers=4 * asked.batch, n_calls=asked.calls))
    return {"batch": asked.batch, "batched_per_s": batched, **found, "ratio": round(found["per_s"] / batched, 3)}


def real(asked: argparse.Namespace) -> Mapping[str, Any]:
    """A built recommender with its own model: sessions, and rankings a second."""
    if asked.recommender is None:
        raise SystemExit("the part real needs --recommender DIR")
    library = Recommender.from_pretrained(asked.recommender)
    library.warm_up()
    user_ids = library.user_ids[: asked.real_sessions]
    alone, batched = (batched_rate(library, size, asked.calls // 8) for size in (1, asked.batch))
    del library  # the service loads its own
    with served({"recommender": asked.recommender, "queue": 4 * asked.real_sessions}) as url:
        one = asyncio.run(hold(url, user_ids, 1, asked.real_turns))
        held = asyncio.run(hold(url, user_ids, asked.real_sessions, asked.real_turns))
        rankings = asyncio.run(served_rate(url, user_ids, n_callers=asked.real_sessions, n_calls=asked.calls // 8))
    best = max(alone, batched)
    return {
        "sessions": held.figures(bound_s=asked.real_sessions * fmean(one.seconds)),
        "alone_per_s": alone,
        f"batches_of_{asked.batch}_per_s": batched,
        **rankings,
        "ratio": round(rankings["per_s"] / best, 3),
    }


_PARTS: Mapping[str, Callable[[argparse.Namespace], Mapping[str, Any]]] = {
    part.__name__: part for part in (sessions, overhead, steady, overload, throughput, real)
}


@contextmanager
def served(options: Mapping[str, object]) -> Iterator[str]:
    """The address of a service that runs within."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [part for name, value in {"port": port, **options}.items() for part in (f"--{name}", str(value))]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.load_service", *words])
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


def as_text(found: Mapping[str, Any]) -> str:
    """The figures, one group a line."""
    lines = []
    for name, figures in found.items():
        shown = figures if isinstance(figures, str) else ", ".join(f"{key} {value}" for key, value in figures.items())
        lines.append(f"{name}: {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
