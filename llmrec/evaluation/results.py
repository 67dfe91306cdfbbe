"""What an evaluation found: values by user, by stage and by metric, and the directory that keeps them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from llmrec.errors import ArtifactError
from llmrec.evaluation.estimates import Estimate, PerUser, bootstrap_means
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.types import UserId

RESULT_FILE, PER_USER_FILE = "result.json", "per_user.npz"
REPORT_FILE, METRICS_FILE = "report.html", "metrics.json"
ORACLE = "oracle"
"""The stage that is measured as if the answer stood first wherever it can: a ceiling, and nobody's rival."""
WEIGHT, SPREAD, TEMPERATURE = "weight:", "spread:", "temperature"
"""What was learned, among the metrics of all users together; a feature's name follows the first two."""
_BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """`a` minus `b` in `metric`, paired by user; where the interval holds 0, no difference is shown."""

    a: str
    b: str
    metric: str
    mean: float
    ci95: tuple[float, float]

    @property
    def is_shown(self) -> bool:
        """Whether the interval excludes 0."""
        low, high = self.ci95
        return low > 0 or high < 0


@dataclass(frozen=True, slots=True)
class GroupEstimate:
    """A stage's metric among some of the users.

    Attributes:
        column: What divides them, e.g. `user activity`.
        group: Which part, e.g. `few`.
        n_users: How many tested users belong to it.
    """

    column: str
    group: str
    metric: str
    n_users: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of one range of confidence, `low` < confidence <= `high`.

    Attributes:
        n: How many predictions fell into it.
        confidence: Their mean probability of the likeliest label; nan when there are none.
        accuracy: How often that label was right; nan when there are none.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class StageResult:
    """What one stage reached.

    Attributes:
        name: The stage's name in settings; `NAME@cold` and `NAME@all` where items were made cold.
        per_user: By metric, float64 [n_users] in the order of the evaluation's users, mean over seeds; nan where
            undefined.
        overall: By metric, what exists for all users together only (coverage, Gini, ECE); mean over seeds.
        seconds: `fit` and `score` of all users, and the latency of scoring one user alone: `p50`, `p95`, `p99`.
        exposure: float64 [n_items], how often each item stood among the first 10, in catalogue order, mean over seeds.
        groups: Metrics among parts of the users.
        gaps: The best part of each column minus the worst; `group` names both.
        reliability: How often it was right by how sure it was; empty where it gives no probabilities.
    """

    name: str
    per_user: Mapping[str, PerUser]
    overall: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    exposure: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    groups: tuple[GroupEstimate, ...] = ()
    gaps: tuple[GroupEstimate, ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """Every metric: those of users with their bootstrap interval, then those of all together."""
        measured = bootstrap_means(self.per_user, seed=_BOOTSTRAP_SEED)
        return {**measured, **{metric: Estimate(value) for metric, value in self.overall.items()}}

    @property
    def users_per_s(self) -> float:
        """Throughput of scoring in batches; nan when it was not timed."""
        n_users = max(map(len, self.per_user.values()), default=0)
        spent = self.seconds.get("score", 0.0)
        return n_users / spent if spent > 0 else float("nan")


@dataclass(frozen=True)
class Evaluation:
    """All stages of one run under one protocol.

    Attributes:
        protocol: How it was measured, on which data, by which code.
        users: The tested users; every per-user column has their order.
        stages: By name, in the order they were asked for.
        differences: Between stages, paired by user.
        popularity: float64 [n_items], how many interactions each item had to learn from, in catalogue order.
        notes: Sentences whoever reads the numbers must know.
    """

    protocol: ProtocolRecord
    users: tuple[UserId, ...]
    stages: Mapping[str, StageResult]
    differences: tuple[Difference, ...] = ()
    popularity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The record that programs read: the protocol, then every stage's metrics with mean and interval."""
        return {
            **asdict(self.protocol),
            "n_tested": len(self.users),
            "stages": {
                name: {metric: asdict(estimate) for metric, estimate in stage.estimates.items()}
                for name, stage in self.stages.items()
            },
            "differences": [asdict(difference) for difference in self.differences],
            "seconds": {name: dict(stage.seconds) for name, stage in self.stages.items()},
            "groups": {name: [asdict(group) for group in stage.groups] for name, stage in self.stages.items()},
            "gaps": {name: [asdict(gap) for gap in stage.gaps] for name, stage in self.stages.items()},
            "reliability": {name: [asdict(part) for part in stage.reliability] for name, stage in self.stages.items()},
            "notes": list(self.notes),
        }

    def save(self, directory: Path) -> None:
        """Write `result.json` and `per_user.npz` into `directory`. Raises ArtifactError."""
        arrays = {"users": np.array(self.users, dtype=np.str_), "popularity": self.popularity}
        for name, stage in self.stages.items():
            arrays[f"exposure/{name}"] = stage.exposure
            arrays |= {f"metric/{name}/{metric}": values for metric, values in stage.per_user.items()}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with (directory / PER_USER_FILE).open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            record = self.to_json() | {"per_user_sha256": _sha256(directory / PER_USER_FILE)}
            text = json.dumps(without_nan(record), indent=1, ensure_ascii=False)
            (directory / RESULT_FILE).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ArtifactError(f"results cannot be written to {directory}: {error.strerror or error}.") from error

    @classmethod
    def load(cls, directory: Path) -> Evaluation:
        """What `save` wrote, verified. Raises ArtifactError when missing, damaged, or of another run."""
        stored = _read_record(directory)
        path = directory / PER_USER_FILE
        if not path.is_file():
            raise ArtifactError(f"{directory} has no {PER_USER_FILE}.", hint=_AGAIN)
        if _sha256(path) != stored.per_user_sha256:
            raise ArtifactError(f"{path} is damaged or of another run than {RESULT_FILE}.", hint=_AGAIN)
        arrays = _read_arrays(path)
        users = tuple(UserId(str(user)) for user in arrays.pop("users", np.zeros(0, dtype=np.str_)))
        return cls(
            protocol=stored.protocol,
            users=users,
            stages={name: stored.stage(name, arrays, len(users), path) for name in stored.stages},
            differences=stored.differences,
            popularity=arrays.get("popularity", np.zeros(0)),
            notes=stored.notes,
        )


_AGAIN = "Run `llmrec evaluate --out DIR` again."


@dataclass(frozen=True, slots=True)
class _Record:
    """result.json, taken apart and checked."""

    protocol: ProtocolRecord
    stages: Mapping[str, Mapping[str, Estimate]]
    differences: tuple[Difference, ...]
    seconds: Mapping[str, Mapping[str, float]]
    groups: Mapping[str, tuple[GroupEstimate, ...]]
    gaps: Mapping[str, tuple[GroupEstimate, ...]]
    notes: tuple[str, ...]
    per_user_sha256: str
    reliability: Mapping[str, tuple[ReliabilityBin, ...]] = field(default_factory=dict)  # results before it have none

    def stage(self, name: str, arrays: Mapping[str, NDArray[np.float64]], n_users: int, path: Path) -> StageResult:
        prefix = f"metric/{name}/"
        per_user = {key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)}
        if not per_user:
            raise ArtifactError(f"{path} has no values of the stage {name!r} that {RESULT_FILE} names.", hint=_AGAIN)
        for metric, values in per_user.items():
            if values.shape != (n_users,) or values.dtype != np.float64:
                raise ArtifactError(
                    f"{path} is damaged: {metric} of {name} has shape {values.shape}, not ({n_users},).", hint=_AGAIN
                )
        overall = {metric: found.mean for metric, found in self.stages[name].items() if metric not in per_user}
        return StageResult(
            name,
            per_user,
            overall,
            self.seconds.get(name, {}),
            arrays.get(f"exposure/{name}", np.zeros(0)),
            self.groups.get(name, ()),
            self.gaps.get(name, ()),
            self.reliability.get(name, ()),
        )


def _read_record(directory: Path) -> _Record:
    if not directory.is_dir():
        raise ArtifactError(f"there is no directory {directory}.", hint="Make one with `llmrec evaluate --out DIR`.")
    path = directory / RESULT_FILE
    if not path.is_file():
        raise ArtifactError(f"{directory} holds no results: it has no {RESULT_FILE}.", hint=_AGAIN)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("not an object")
        named = {name: _with_nan(value) for name, value in values.items() if name in _Record.__dataclass_fields__}
        protocol = {name: values[name] for name in ProtocolRecord.__dataclass_fields__ if name in values}
        return TypeAdapter(_Record).validate_python({**named, "protocol": protocol})
    except (OSError, ValueError, KeyError, ValidationError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: it cannot be read as results.", hint=_AGAIN) from error


def _read_arrays(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ArtifactError(f"{path} cannot be read.", hint=_AGAIN) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_nan(value: object) -> object:
    """The same with null for nan and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return value


def _with_nan(value: object) -> object:
    """The other way: every null stands for a number that is not known."""
    if value is None:
        return float("nan")
    if isinstance(value, dict):
        return {key: _with_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_nan(inner) for inner in value]
    return value
