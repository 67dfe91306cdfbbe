"""A virtual environment for each peer, with the versions its requirements file pins."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.side_by_side.systems import PEERS

_STAMP = ".installed"


def peer_python(peer: str, root: Path) -> Path | None:
    """The interpreter of the peer's environment; None when it is not installed as its requirements say."""
    home = root / peer / "venv"
    stamp = home / _STAMP
    return home / "bin" / "python" if stamp.is_file() and stamp.read_text() == _wanted(peer) else None


def install(peer: str, root: Path) -> str:
    """Make the peer's environment; an empty string, or why it could not be made.

    torch goes first: its pin takes a build for processors where one is offered, which other packages would not ask for.
    """
    home = root / peer / "venv"
    pins = (PEERS / f"{peer}.txt").read_text(encoding="utf-8").split()
    steps = [[sys.executable, "-m", "venv", str(home)]]
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    steps += [[*pip, pin] for pin in pins if pin.startswith("torch==")] + [[*pip, *pins]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            return said[-1] if said else f"{step[0]} ended with {done.returncode}"
    (home / _STAMP).write_text(_wanted(peer))
    return ""


def _wanted(peer: str) -> str:
    return hashlib.sha256((PEERS / f"{peer}.txt").read_bytes()).hexdigest()
