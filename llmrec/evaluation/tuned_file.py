"""What a search found as a settings file: TOML that says in comments what it was found on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from llmrec.errors import ConfigError
from llmrec.evaluation.earlier_findings import NOTHING_EARLIER, EarlierFindings
from llmrec.evaluation.search_spaces import SettingValue
from llmrec.evaluation.significance import verdict
from llmrec.evaluation.targets import require_place
from llmrec.evaluation.tuning import StageTuning, Tuning
from llmrec.evaluation.wording import counted, interval_text, printable
from llmrec.settings import Settings
from llmrec.whole_files import write_whole

_MARK = "# Settings found by `llmrec tune`"


def require_writable(path: Path) -> None:
    """Raise ConfigError, before hours of search, when `path` cannot become a settings file or is one of someone's."""
    if path.suffix == ".json":
        raise ConfigError(f"{path} would be read as JSON, and the settings are written as TOML; name it .toml.")
    if path.is_dir():
        raise ConfigError(f"{path} is a directory; name a file.")
    require_place(path.parent, "settings file")
    if path.exists() and not path.read_bytes().startswith(_MARK.encode()):
        raise ConfigError(f"{path} is there already and was not written by `llmrec tune`; name another file.")


def save_tuned(tuning: Tuning, path: Path, earlier: EarlierFindings = NOTHING_EARLIER) -> None:
    """Write the file whole or not at all, with what stands of `earlier`; `Settings.from_file` reads it.

    Raises:
        ArtifactError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, tuned_text(tuning, earlier))


def tuned_text(tuning: Tuning, earlier: EarlierFindings = NOTHING_EARLIER) -> str:
    """The tuned settings, and whatever else is not as in a fresh install; devices are a machine's own business."""
    earlier = earlier.standing_in(tuning.settings)
    tuned = {key for found in tuning.stages for key in found.chosen.values} | earlier.values.keys()
    comments = (*_comments(tuning), *earlier.comments())
    default, lines = Settings().model_dump(), [f"# {printable(line)}".rstrip() for line in comments]
    for room, keys in tuning.settings.model_dump().items():
        kept = {
            key: value
            for key, value in keys.items()
            if (f"{room}.{key}" in tuned or value != default[room][key]) and not key.endswith("device")
        }
        if kept:
            lines += ["", f"[{room}]", *(f"{key} = {_toml(value)}" for key, value in kept.items())]
    return "\n".join([_MARK + " on validation; no answer of the test part was used.", *lines, ""])


def _comments(tuning: Tuning) -> Iterator[str]:
    record, search = tuning.record, tuning.search
    data = record.data
    yield (
        f"data: {data.name}, {data.n_users} users, {data.n_items} items, {data.n_interactions} interactions, "
        f"sha256 {data.sha256}"
    )
    yield f"split: {record.protocol}, ties {record.ties}, core {record.core}, validation, sha256 {record.split_sha256}"
    yield f"code: {record.commit}"
    yield f"search: {search.metric}, at most {search.n_trials} trials for each stage, seed {search.seed}"
    for found in tuning.stages:
        yield f"{found.stage}: {_summary(found, search.metric)}"
    for stage in tuning.overruled:
        yield f"{stage} has other settings below than its best: a later stage did better with them"


def _summary(found: StageTuning, metric: str) -> str:
    reached = f"{metric} {interval_text(found.reached.mean, *found.reached.ci95)} after"
    reached = f"{reached} {counted(len(found.trials), 'trial')}"
    if found.difference is None:
        return f"{reached}; settings as they were"
    return f"{reached}, {found.before.mean:.4f} before; {verdict(found.difference)}"


def _toml(value: SettingValue) -> str:
    """A value as TOML; text is escaped as in JSON, but for DEL, which JSON lets stand."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
