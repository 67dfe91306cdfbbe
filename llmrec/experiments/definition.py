"""An experiment's definition, and the small file of a recommender's directory that keeps all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmrec.errors import ArtifactError, ConfigError
from llmrec.experiments.assignment import arm_number
from llmrec.experiments.outcomes import Signals, tag_of
from llmrec.types import Signal, UserId
from llmrec.whole_files import write_whole

EXPERIMENTS_FILE = "experiments.json"
CLICKS: tuple[Signal, ...] = ("click", "like", "purchase")
"""What counts as a click where nothing else is said."""
_LOCK_S = 10
# Of an impression's `NAME/ARM`, and of a hash: no blank, no slash.
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(_Value):
    """One way to serve: `room.key=value` assignments on top of the recommender's settings; none for as it is."""

    name: _Name
    settings: tuple[str, ...] = ()


class Experiment(_Value):
    """Two or more arms, the first of which the others are compared with.

    Attributes:
        name: Salt of the assignment, and in every impression.
        design: `split` gives each user one arm; `interleave` gives everybody lists that two arms take turns in.
        planned_users: Of all arms together; where the always-valid intervals are narrowest.
        clicks: Signals that count as a click.
        conversions: Signals that count as what is hoped for.
        started_at: Seconds since 1970 (UTC).
        stopped_at: The same; None while it runs.
    """

    name: _Name
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=10)
    design: Literal["split", "interleave"] = "split"
    planned_users: int = Field(5000, ge=100)
    clicks: tuple[Signal, ...] = CLICKS
    conversions: tuple[Signal, ...] = ("like", "purchase")
    started_at: float
    stopped_at: float | None = None

    @model_validator(mode="after")
    def _has_distinct_arms(self) -> Self:
        if len(set(self.arm_names)) < len(self.arms):
            raise ValueError(f"two arms of {self.name} have the same name")
        if self.design == "interleave" and len(self.arms) != 2:
            raise ValueError(f"{self.name} interleaves {len(self.arms)} arms; it can be two")
        return self

    @property
    def arm_names(self) -> tuple[str, ...]:
        """In the order of the arms."""
        return tuple(arm.name for arm in self.arms)

    @property
    def shares(self) -> tuple[float, ...]:
        """What part of the users each arm gets: all alike."""
        return (1 / len(self.arms),) * len(self.arms)

    @property
    def signals(self) -> Signals:
        """What counts."""
        return Signals(frozenset(self.clicks), frozenset(self.conversions))

    def arm_of(self, user_id: UserId) -> Arm:
        """The arm of this user, the same at every request."""
        return self.arms[arm_number(user_id, self.shares, salt=self.name)]

    def tag(self, arm: Arm) -> str:
        """How an impression names the arm."""
        return tag_of(self.name, arm.name)


class _File(_Value):
    format: Literal[1] = 1
    experiments: tuple[Experiment, ...] = ()


def new_experiment(**values: object) -> Experiment:
    """An experiment of the fields of `Experiment`. Raises ConfigError for the first that is wrong."""
    try:
        return Experiment.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"experiment {where}: {message}." if where else f"{message}.") from error


def read_experiments(directory: Path) -> tuple[Experiment, ...]:
    """All of `directory`, oldest first; none without a file. Raises ArtifactError."""
    path = directory / EXPERIMENTS_FILE
    try:
        return _File.model_validate_json(path.read_bytes()).experiments
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} cannot be read as experiments.", hint="Restore a copy, or move it away to serve without any."
        ) from error


def running(directory: Path) -> Experiment | None:
    """The one that runs; None for none. Raises ArtifactError."""
    return next((one for one in read_experiments(directory) if one.stopped_at is None), None)


def named(directory: Path, name: str) -> Experiment:
    """The experiment called `name`; for an empty name the one that was started last. Raises ConfigError."""
    known = read_experiments(directory)
    wanted = [one for one in known if not name or one.name == name]
    if not wanted:
        told = f"It has {', '.join(one.name for one in known)}." if known else "It has none."
        raise ConfigError(
            f"{directory} has no experiment {name!r}." if name else f"{directory} has none yet.", hint=told
        )
    return wanted[-1]


def start(directory: Path, experiment: Experiment) -> None:
    """Add `experiment`, which runs from now on.

    Raises:
        ConfigError: Another one runs, or one had this name: a name is a salt, and in old impressions.
        ArtifactError: The file cannot be read or written.
    """
    with _changing(directory):
        known = read_experiments(directory)
        if other := next((one for one in known if one.stopped_at is None), None):
            raise ConfigError(f"{other.name} is still running in {directory}.", hint="Stop it first.")
        if any(one.name == experiment.name for one in known):
            raise ConfigError(f"{directory} had an experiment {experiment.name} before.", hint="Choose another name.")
        _write(directory, (*known, experiment))


def stop(directory: Path, *, at: float) -> Experiment:
    """End the one that runs; everybody is served by the settings again. Raises ConfigError when none does."""
    with _changing(directory):
        known = read_experiments(directory)
        found = running(directory)
        if found is None:
            raise ConfigError(f"no experiment is running in {directory}.")
        ended = found.model_copy(update={"stopped_at": at})
        _write(directory, tuple(ended if one.name == ended.name else one for one in known))
        return ended


@contextmanager
def _changing(directory: Path) -> Iterator[None]:
    if not directory.is_dir():
        raise ArtifactError(f"there is no directory {directory}.", hint="Make one with `llmrec build --out DIR`.")
    try:
        with FileLock(directory / f".{EXPERIMENTS_FILE}.lock", timeout=_LOCK_S):
            yield
    except Timeout as error:
        raise ArtifactError(f"another process is changing the experiments of {directory}.") from error
    except OSError as error:
        raise ArtifactError(f"{directory} cannot be written: {error.strerror or error}.") from error


def _write(directory: Path, experiments: tuple[Experiment, ...]) -> None:
    text = json.dumps(_File(experiments=experiments).model_dump(mode="json"), indent=1)
    write_whole(directory / EXPERIMENTS_FILE, text)
