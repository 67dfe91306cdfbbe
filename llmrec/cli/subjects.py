"""What `evaluate` and `tune` work on, from the same options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import setting_changes
from llmrec.errors import ConfigError

if TYPE_CHECKING:
    from llmrec.evaluation.estimates import Estimate
    from llmrec.evaluation.protocol import ProtocolRecord
    from llmrec.evaluation.search_spaces import Values
    from llmrec.evaluation.subjects import Subject
    from llmrec.settings import Settings

Evaluated = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="A recommender directory made by `llmrec build`.")
]
Dataset = Annotated[str | None, typer.Option("--dataset", help="Or a data set by name: see `llmrec data list`.")]
Protocol = Annotated[
    Literal["leave-last-out", "temporal", "cold-items", "random-one-out", "user-fold"],
    typer.Option("--protocol", help="What is held out."),
]
Core = Annotated[
    int, typer.Option("--core", min=0, help="Interactions that every user and item must have; 0 keeps all.")
]


def stage_names(text: str | None) -> tuple[str, ...]:
    """The stages that `--stages` names, each once; none where it was not given. Raises ConfigError when it is empty."""
    named = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    if text is not None and not named:
        raise ConfigError("--stages names no stage.", hint="Give names with commas between, or leave the option out.")
    return named


def open_subject(
    directory: Path | None,
    dataset: str | None,
    source: Path | None,
    *,
    core: int,
    stages: tuple[str, ...],
    settings: Callable[[Settings], Settings],
    quiet: bool,
    answers: Path | None = None,
) -> Subject:
    """The data set or recommender directory that the command line names. Raises LLMRecError.

    What a language model answers is kept in `answers`, by default in the cache.
    """
    from llmrec.build import Overrides
    from llmrec.evaluation.fitting import reads_text
    from llmrec.evaluation.subjects import dataset_subject, directory_subject
    from llmrec.settings import Settings

    overrides = Overrides(progress=not quiet)
    if dataset is not None and directory is None:
        with_texts = any(map(reads_text, stages))
        chosen = settings(Settings())
        return dataset_subject(
            dataset,
            source,
            core=core,
            settings=chosen,
            with_texts=with_texts,
            overrides=overrides,
            answers=answers,
        )
    if directory is not None and dataset is None and source is None:
        _require_no_name(directory)
        return directory_subject(directory, core=core, settings=settings, overrides=overrides, answers=answers)
    raise ConfigError(
        "give either a recommender directory or --dataset NAME (and only then --from).",
        hint="See `llmrec COMMAND --help`.",
    )


def _require_no_name(directory: Path) -> None:
    """Raise ConfigError when there is no such directory, and a data set has its name."""
    from llmrec.data.sources import DATASETS

    if str(directory) in DATASETS and not directory.exists():
        raise ConfigError(f"there is no directory {directory}.", hint=f"Did you mean --dataset {directory}?")


def chosen_settings(
    own: Settings,
    file: Path | None,
    assignments: list[str] | None,
    device: str | None,
    kept: Values = MappingProxyType({}),
) -> Settings:
    """The subject's `own` settings, or those of `file`, then what is `kept`, then what the command line assigns."""
    from llmrec.evaluation.search_spaces import with_values

    given = type(own).from_file(file) if file else own
    return with_values(given, kept).changed(setting_changes(device=device, assignments=assignments))


def data_line(record: ProtocolRecord) -> str:
    """What was measured on, in one line."""
    from llmrec.evaluation.wording import counted

    data = record.data
    sizes = ((data.n_users, "user"), (data.n_items, "item"), (data.n_interactions, "interaction"))
    said = ", ".join(counted(n, word) for n, word in sizes)
    return f"{data.name}: {said}, core {record.core}, sha256 {data.sha256[:12]}"


def with_interval(estimate: Estimate) -> str:
    """A mean and its interval, if it has one, as the cell of a table."""
    low, high = estimate.ci95
    interval = f" [{low:.4f}, {high:.4f}]" if low == low else ""  # one user alone shows no spread
    return f"{estimate.mean:.4f}{interval}"
