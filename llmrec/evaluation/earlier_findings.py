"""What earlier searches wrote into the file of a search: kept for the stages that are not searched now."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from llmrec.errors import ConfigError
from llmrec.evaluation.search_spaces import TUNABLE, Values, settings_of, tuned_keys
from llmrec.evaluation.wording import listed, printable
from llmrec.settings import Settings

_ABOUT = ("data: ", "split: ", "code: ", "search: ")  # what a run says of itself, in this order
_OF_A_STAGE = re.compile(rf"({'|'.join(TUNABLE)})(: | has )")


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The comment lines of a run: what it says of itself, and of each stage."""

    about: tuple[str, ...]
    of_stages: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class EarlierFindings:
    """Stages as earlier runs left them, with where that was found.

    Attributes:
        settings: All that the file says.
        runs: That found something for one of `stages`.
        overwritten: Keys that belong to stages searched now.
    """

    settings: Settings
    runs: tuple[EarlierRun, ...] = ()
    overwritten: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Of the file at `path`; nothing when there is none. Raises ConfigError when its settings cannot be read."""
        if not path.exists():
            return cls(Settings())
        try:
            settings = Settings.from_file(path)
        except ConfigError as error:
            raise ConfigError(
                f"what {path} holds of an earlier search cannot be kept: {error}", hint="Mend it or name another file."
            ) from error
        lines = [line.removeprefix("# ") for line in path.read_text(encoding="utf-8").split("\n") if line[:2] == "# "]
        return cls(settings, tuple(_runs(lines)))

    @property
    def stages(self) -> tuple[str, ...]:
        """Whose settings are kept."""
        found = {stage for run in self.runs for stage in run.of_stages}
        return tuple(stage for stage in TUNABLE if stage in found)

    @property
    def values(self) -> Values:
        """Their settings."""
        of_all = {key: value for stage in self.stages for key, value in settings_of(stage, self.settings).items()}
        return {key: value for key, value in of_all.items() if key not in self.overwritten}

    def without(self, stages: Collection[str]) -> Self:
        """The same but for `stages`, which are searched again."""
        searched = frozenset(key for stage in stages for key in tuned_keys(stage))
        return replace(self._of([stage for stage in self.stages if stage not in stages]), overwritten=searched)

    def require_of(self, data: str, path: Path) -> None:
        """Raise ConfigError when one of them was found on other data than that called `data`; `path` is the file's."""
        for run in self.runs:
            if not run.about[0].startswith(f"{_ABOUT[0]}{printable(data)}, "):
                raise ConfigError(
                    f"{path} holds what was found for {listed(list(run.of_stages))} on other data than {data}"
                    f" ({run.about[0].removeprefix(_ABOUT[0]).partition(', sha256 ')[0]}).",
                    hint="Name another file with --out.",
                )

    def standing_in(self, settings: Settings) -> Self:
        """Only the stages whose tuned settings are those of `settings`, too."""
        return self._of([stage for stage in self.stages if _tuned(stage, settings) == _tuned(stage, self.settings)])

    def comments(self) -> Iterator[str]:
        """Lines that `read` takes."""
        for run in self.runs:
            yield from ("", "kept from an earlier run", *run.about)
            for lines in run.of_stages.values():
                yield from lines

    def _of(self, stages: Collection[str]) -> Self:
        runs = [
            EarlierRun(run.about, {stage: lines for stage, lines in run.of_stages.items() if stage in stages})
            for run in self.runs
        ]
        return replace(self, runs=tuple(run for run in runs if run.of_stages))


NOTHING_EARLIER = EarlierFindings(Settings())


def _tuned(stage: str, settings: Settings) -> Values:
    keys = tuned_keys(stage)
    return {key: value for key, value in settings_of(stage, settings).items() if key in keys}


def _runs(lines: list[str]) -> Iterator[EarlierRun]:
    """Runs of a file; each begins with what it says of its data."""
    starts = [number for number, line in enumerate(lines) if line.startswith(_ABOUT[0])]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        of_stages: dict[str, tuple[str, ...]] = {}
        for line in lines[start:end]:
            if found := _OF_A_STAGE.match(line):
                of_stages[found[1]] = (*of_stages.get(found[1], ()), line)
        yield EarlierRun(tuple(line for line in lines[start:end] if line.startswith(_ABOUT)), of_stages)
