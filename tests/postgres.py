"""A throw-away PostgreSQL behind a socket in a folder of its own, from whatever Debian's packages installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INSTALLED = "/usr/lib/postgresql"
_PATIENCE_S = 300


def programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are; None where PostgreSQL is not installed."""
    versions = sorted(Path(_INSTALLED).glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


@contextmanager
def running(bin_dir: Path) -> Iterator[str]:
    """The URL of an empty database; server and files are gone afterwards."""
    # The path of a socket may have some hundred bytes only, and a port would have to be guessed.
    directory = Path(tempfile.mkdtemp(prefix="llmrec-postgres-", dir="/tmp"))
    owner = _server_owner()
    if owner is not None:
        shutil.chown(directory, owner)
    data, log = directory / "data", directory / "log"
    options = f"-c listen_addresses='' -k {directory} -c fsync=off -c max_connections=50"
    initdb = (bin_dir / "initdb", "-D", data, "-U", "llmrec", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    try:
        _run(*initdb, owner=owner)
        control = (bin_dir / "pg_ctl", "-D", data, "-w", "-t", _PATIENCE_S)
        _run(*control, "-l", log, "-o", options, "start", owner=owner)
        try:
            yield f"postgresql+psycopg://llmrec@/postgres?host={directory}"
        finally:
            _run(*control, "-m", "immediate", "stop", owner=owner)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _server_owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(*command: object, owner: str | None) -> None:
    # The server keeps the output it inherits open; a pipe would never end.
    done = subprocess.run(
        list(map(str, command)), user=owner, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", check=False
    )
    assert done.returncode == 0, f"{command[0]} failed with {done.returncode}"
