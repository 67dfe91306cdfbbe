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
_PROBE_S = 15.0


def doctor(
    directory: Annotated[Path | None, typer.Argument(metavar="DIR", help="A recommender directory to check.")] = None,
    language_model: Annotated[
        str | None,
        typer.Option("--lm", metavar="openai:URL#MODEL", help="Ask the server of a language model what it can do."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say versions, device, threads, cache and hashes, and what is missing; with --lm what a server can do."""
    packages = {name: _version(name) for name in _PACKAGES}
    assets, missing = _assets()
    missing += [f"package {name}" for name, found in packages.items() if found is None]
    checked, problem = _directory(directory) if directory else (None, "")
    if problem:
        missing.append(problem)
    able, unable = _language_model(language_model) if language_model else (None, "")
    missing += [unable] if unable else []
    report: dict[str, object] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        **_compute(),
        **assets,
        "recommender": checked,
        "language model": able,
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


def _language_model(setting: str) -> tuple[str | None, str]:
    """What the server of a language model can do, or why that cannot be said."""
    from llmrec.language_model.remote import RemoteLM

    try:
        model = RemoteLM.connect(setting)
        try:
            return model.abilities(timeout_s=_PROBE_S).sentence(model.name), ""
        finally:
            model.close()
    except LLMRecError as error:
        return None, str(error)


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
