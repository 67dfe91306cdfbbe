"""Adapters that come with the package, and how a recommender's settings let one rank."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.data.sources import dataset_info
from llmrec.errors import ConfigError
from llmrec.prompting.templates import PromptLibrary, PromptTemplate
from llmrec.settings import RankingSettings, Settings

if TYPE_CHECKING:
    from llmrec.language_model.adapter_files import AdapterAbout

PACKAGED = "packaged"
WRITER_FILE = "explain.json"
_WRITER, _RANKER_FILE = "explain", "ranker.json"
_DIRECTORY = Path(__file__).resolve().parent / "adapters"


def adapter_named(name: str, dataset: str | None) -> Path:
    """The directory of the adapter called `name`: a path, or `packaged` for the one that comes with `dataset`.

    Raises:
        ConfigError: Nothing of the kind is there.
    """
    if name != PACKAGED:
        return Path(name)
    known = sorted(path.parent.name for path in _DIRECTORY.glob(f"*/{_RANKER_FILE}"))
    if dataset is None or dataset_info(dataset).name not in known:
        raise ConfigError(
            f"no adapter for {dataset or 'files of your own'} comes with the package.",
            hint=f"There is one for: {', '.join(known) or 'nothing'}; train another with finetune/train_ranker.py.",
        )
    return _DIRECTORY / dataset_info(dataset).name


def writer_named(name: str) -> Path:
    """The directory of the adapter that writes explanations called `name`: a path, or `packaged` for the package's."""
    return _DIRECTORY / _WRITER if name == PACKAGED else Path(name)


def writing_template(adapter: Path, prompts: PromptLibrary) -> PromptTemplate:
    """The prompt that an adapter which writes explanations was trained with.

    Raises:
        ConfigError: It does not say with which, or with another one than `prompts` have.
    """
    try:
        record = json.loads((adapter / WRITER_FILE).read_text(encoding="utf-8"))
        name, trained_with = record["template"], record["template_hash"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"the adapter {adapter} does not say how it writes: its {WRITER_FILE} cannot be read ({error}).",
            hint="Give one that finetune/train_explain.py made.",
        ) from error
    template = prompts[name]
    if template.hash != trained_with:
        raise _other_template(adapter, template, trained_with)
    return template


def place_of(adapter: Path, recommender: Path) -> Path:
    """Where a recommender keeps its own copy of `adapter`, which moves with it.

    Raises:
        ConfigError: There is no such directory.
        ModelError: It holds no adapter, or a damaged one.
    """
    return recommender / "adapters" / _read(adapter).name


def copy_to(place: Path, adapter: Path) -> None:
    """Copy `adapter` to `place`; one that stands there already is replaced."""
    if place.resolve() != adapter.resolve():
        shutil.copytree(adapter, place, dirs_exist_ok=True)


def ranking_with(settings: Settings, adapter: Path, prompts: PromptLibrary, *, place: Path | None = None) -> Settings:
    """`settings` that rank with `adapter`, to be found at `place` if that is elsewhere, as it was validated.

    Raises:
        ConfigError: It was trained elsewhere, or with another template than `prompts` have.
        ModelError: It is damaged.
    """
    record = _read(adapter).record
    try:
        template = prompts[record["template"]] if record["template"] else None
        ranking = settings.ranking.model_dump() | {name: record[name] for name in ("mode", "text", "max_history")}
        ranking |= {name: record[name] for name in ("slate_size", "max_prompt_tokens")}
        # Where no gain was shown the voice stays as small as that of any model.
        learned = record["fusion"]["with_lm"]["lm"] if record["gains"] else 0
        ranking["lm_weight"] = learned or RankingSettings().lm_weight
    except KeyError as error:
        raise ConfigError(
            f"the adapter {adapter} does not say how it ranks: its ranker.json has no {error}.",
            hint="Give one that finetune/train_ranker.py made.",
        ) from error
    if template is not None and template.hash != record["template_hash"]:
        raise _other_template(adapter, template, record["template_hash"])
    model = settings.language_model.model_copy(update={"adapter": str((place or adapter).resolve())})
    return settings.model_copy(update={"language_model": model, "ranking": RankingSettings.model_validate(ranking)})


def _read(adapter: Path) -> AdapterAbout:
    # Imported here, so that a recommender without weights starts without torch.
    from llmrec.language_model.adapter_files import read_adapter

    return read_adapter(adapter)


def _other_template(adapter: Path, template: PromptTemplate, trained_with: str) -> ConfigError:
    return ConfigError(
        f"the adapter {adapter} was trained with another {template.name}.jinja ({trained_with}, here it is "
        f"{template.hash}).",
        hint="Use the prompts that it was trained with, or train it again.",
    )
