"""Which code measured something."""

from __future__ import annotations

import subprocess
from pathlib import Path

from llmrec import __version__


def commit(source: Path = Path(__file__)) -> str:
    """The commit of the checkout that `source` belongs to, marked when files differ from it; else the version."""
    try:
        # A package installed somewhere below another project's checkout is not of that project's commit.
        _git("ls-files", "--error-unmatch", source.name, directory=source.parent)
        return _git("describe", "--always", "--dirty", "--abbrev=12", directory=source.parent)
    except (OSError, subprocess.CalledProcessError):
        return __version__


def _git(*arguments: str, directory: Path) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, cwd=directory)
    return done.stdout.strip()
