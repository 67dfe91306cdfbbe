"""Runs of peers, each in its own process with a limit of time, kept under a hash of all that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.side_by_side.systems import PEERS, Params, System

TOP = 100  # longest ranking kept; every metric at k <= 50 is exact on it
_RANKINGS, _OUTCOME, _LOG = "rankings.npz", "outcome.json", "log.txt"
_INHERITED = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True)
class Request:
    """One fit of one peer.

    Attributes:
        data: A directory that `write_task` wrote.
        data_sha256: Of what it holds.
    """

    system: System
    params: Params
    seed: int
    data: Path
    data_sha256: str

    @cached_property
    def key(self) -> str:
        """Hash of everything the rankings depend on, as it is when first asked for."""
        files = (f"{self.system.peer}_peer.py", "exchange.py", f"{self.system.peer}.txt")
        code = [hashlib.sha256((PEERS / file).read_bytes()).hexdigest() for file in files]
        known = [self.system.name, dict(self.params), self.seed, self.data_sha256, TOP, code]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Outcome:
    """What became of a request.

    Attributes:
        status: `done`, `failed` or `over the limit`.
        seconds: Of the whole process, start and imports among them.
        limit_s: The limit that held.
        about: What the peer said of itself: `fit_s`, `rank_s`, `peak_memory_gib`, `versions`; empty unless done.
        message: The end of its log where it failed.
        threads: It was allowed.
    """

    status: str
    seconds: float
    limit_s: float
    threads: int
    about: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


class Runner:
    """Runs requests, or finds what became of them before."""

    def __init__(self, root: Path, *, limit_s: float, threads: int) -> None:
        self._root = root
        self._limit_s = limit_s
        self._threads = threads

    def known(self, request: Request) -> Outcome | None:
        """The outcome of an earlier run; None when there was none, or a failure under a shorter limit."""
        path = self._place(request) / _OUTCOME
        if not path.is_file():
            return None
        outcome = Outcome(**json.loads(path.read_text(encoding="utf-8")))
        return None if outcome.status == "over the limit" and outcome.limit_s < self._limit_s else outcome

    def run(self, request: Request, python: Path) -> Outcome:
        """The outcome, from before or from now."""
        outcome = self.known(request)
        if outcome is None:
            place = self._place(request)
            place.mkdir(parents=True, exist_ok=True)
            outcome = self._started(request, python, place)
            (place / _OUTCOME).write_text(json.dumps(asdict(outcome), indent=1), encoding="utf-8")
        return outcome

    def forget(self, request: Request) -> None:
        """Make the next run of a request start from nothing."""
        (self._place(request) / _OUTCOME).unlink(missing_ok=True)

    def rankings(self, request: Request) -> NDArray[np.int32]:
        """int32 [n_tested, TOP] of a request that is done, in the peer's numbers."""
        with np.load(self._place(request) / _RANKINGS, allow_pickle=False) as file:
            found: NDArray[np.int32] = file["rankings"]
        return found

    def _place(self, request: Request) -> Path:
        return self._root / request.system.name / request.key

    def _started(self, request: Request, python: Path, place: Path) -> Outcome:
        out = place / _RANKINGS
        command = [
            str(python.absolute()), str(PEERS / f"{request.system.peer}_peer.py"),
            "--data", str(request.data.absolute()), "--model", request.system.model,
            "--params", json.dumps(dict(request.params)), "--out", str(out.absolute()),
            "--top", str(TOP), "--seed", str(request.seed),
        ]  # fmt: skip
        started = time.perf_counter()
        code = _run_limited(command, self._environment(place), place, self._limit_s)
        seconds = round(time.perf_counter() - started, 2)
        if code is None:
            return Outcome("over the limit", seconds, self._limit_s, self._threads)
        if code or not out.is_file():
            said = (place / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return Outcome(
                "failed", seconds, self._limit_s, self._threads, message=said[-1] if said else f"code {code}"
            )
        with np.load(out, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
        return Outcome("done", seconds, self._limit_s, self._threads, about=about)

    def _environment(self, place: Path) -> Mapping[str, str]:
        # A peer sees its task and nothing of the caller's: no data directory, no cache, no settings.
        threads = {f"{name}_NUM_THREADS": str(self._threads) for name in ("OMP", "OPENBLAS", "MKL", "RAYON", "NUMBA")}
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {**kept, **threads, "HOME": str(place.absolute()), "LK_NUM_THREADS": str(self._threads)}


def _run_limited(command: Sequence[str], environment: Mapping[str, str], place: Path, limit_s: float) -> int | None:
    """Exit code; None when the limit ran out and the process with its children was ended."""
    with (place / _LOG).open("wb") as log:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=place, stdout=log, stderr=log, start_new_session=True
        )
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
