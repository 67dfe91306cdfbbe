"""`llmrec doctor`: what is installed, what is cached, what is missing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from llmrec.cli import data
from llmrec.cli.options import AsJson
from llmrec.cli.output import say, say_json
from llmrec.errors import LLMRecError

_PACKAGES = (
    "llmrec", "torch", "transformers", "sentence-transformers", "peft", "accelerate", "datasets", "gradio", "bm25s",
    "numpy",
)  # fmt: skip


def doctor(
    directory: Annotated[Path | None, typer.Argument(metavar="DIR", help="A recommender directory to check.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say versions, device, threads, cache and hashes, and what is missing."""
    packages = {name: _version(name) for name in _PACKAGES}
    assets, missing = _assets()
    missing += [f"package {name}" for name, found in packages.items() if found is None]
    checked, problem = _directory(directory) if directory else (None, "")
    if problem:
        missing.append(problem)
    report: dict[str, object] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        **_compute(),
        **assets,
        "recommender": checked,
        "missing": missing,
    }
    if as_json:
        say_json(report)
    else:
        _say(report)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _compute() -> dict[str, object]:
    from llmrec.language_model.devices import device_report

    return {"cpu_count": os.cpu_count(), **device_report()}


def _assets() -> tuple[dict[str, object], list[str]]:
    from llmrec.assets import AssetStore

    store = AssetStore.from_environment()
    cached = {status.asset.name: status.cached for status in store.statuses()}
    missing = [f"asset {name}: run `llmrec data fetch {name}`" for name in data.NEEDED if not cached[name]]
    return {"cache": str(store.cache_dir), "offline": store.offline, "assets": cached}, missing


def _directory(directory: Path) -> tuple[dict[str, object] | None, str]:
    from llmrec.bundle import open_bundle

    try:
        bundle = open_bundle(directory)
    except LLMRecError as error:
        return None, str(error)
    return {"path": str(directory), "version": bundle.files.name, **bundle.about}, ""


def _say(report: dict[str, object]) -> None:
    for key, value in report.items():
        if isinstance(value, dict):
            say(f"{key}:")
            for name, inner in value.items():
                say(f"  {name}: {inner}")
        elif isinstance(value, list):
            say(f"{key}: {'; '.join(map(str, value)) or 'nothing'}")
        else:
            say(f"{key}: {value}")
