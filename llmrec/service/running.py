"""Running the service until it is told to stop."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from llmrec.errors import ConfigError
from llmrec.service.settings import ServiceSettings

_KEEP_ALIVE_S = 30
# The loop lets go of the interpreter at every send and receive, and gets it back when the thread that took it has had
# its interval: at Python's 5 ms a refusal of some syscalls waits 30 ms, and three hundred of them for seconds.
_SWITCH_INTERVAL_S = 0.0005


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to that address, so that a taken port is known before models are loaded. Raises ConfigError."""
    # Named as TCP, for asyncio sends at once on such sockets only; else each answer waits 40 ms for the one before.
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}.", hint="Choose another one with --port."
        ) from error
    return bound


def server_of(app: FastAPI, settings: ServiceSettings) -> uvicorn.Server:
    """A server for `app` that ends running requests within `settings.drain_s` when it is told to stop."""
    config = uvicorn.Config(
        app,
        # Paths hold user ids; the gate counts requests by route instead.
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
    )
    return uvicorn.Server(config)


def one_processor_each() -> threadpool_limits:
    """A context in which no product of matrices takes more than one processor.

    Requests run beside each other already; products that each want all processors wait for one another, which cost a
    request half its time even where nothing else ran.
    """
    return threadpool_limits(1, user_api="blas")


def serve_forever(app: FastAPI, bound: socket.socket, settings: ServiceSettings, ready: Callable[[], None]) -> None:
    """Answer on `bound` until SIGTERM or Ctrl-C; then take nothing new, finish what runs, and return."""
    # Once it has stopped, the server raises the signal again; that it was told to is no fault.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # What was loaded stays until the end: looking through all of it for garbage would hold up every request meanwhile.
    gc.collect()
    gc.freeze()
    ready()
    with bound, one_processor_each():
        server_of(app, settings).run(sockets=[bound])
