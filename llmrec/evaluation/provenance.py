"""Which code measured something."""

from __future__ import annotations

import subprocess
from pathlib import Path

from llmrec import __version__

# What a run itself writes into the checkout, such as the log of looks at test rows, does not make it another program.
_CODE = ("*.py", "*.toml", "*.jinja", "*.j2")


def commit(source: Path = Path(__file__)) -> str:
    """The commit of the checkout that `source` belongs to, marked when code differs from it; else the version."""
    try:
        # A package installed somewhere below another project's checkout is not of that project's commit.
        _git("ls-files", "--error-unmatch", source.name, directory=source.parent)
        head = _git("describe", "--always", "--abbrev=12", directory=source.parent)
        root = Path(_git("rev-parse", "--show-toplevel", directory=source.parent))
        return f"{head}-dirty" if _git("diff", "--name-only", "HEAD", "--", *_CODE, directory=root) else head
    except (OSError, subprocess.CalledProcessError):
        return __version__


def _git(*arguments: str, directory: Path) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, cwd=directory)
    return done.stdout.strip()
