"""What an explored place has learned: how often each style was shown and clicked, kept beside the recommender."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from llmrec.errors import ArtifactError
from llmrec.experiments.means import Mean
from llmrec.experiments.off_policy import Logged, doubly_robust, ips, snips
from llmrec.experiments.thompson import Tally
from llmrec.types import Impression
from llmrec.whole_files import write_whole

LEARNED_FILE = "exploration.json"


class _Tally(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    shown: int = Field(ge=0)
    clicked: int = Field(ge=0)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    styles: dict[str, _Tally] = {}


@dataclass(frozen=True, slots=True)
class StyleValue:
    """What one style did, and what the explored place would earn if it were always that style's.

    Attributes:
        propensity: Mean probability with which it was drawn where it was.
        ips: Clicks for each time the place is shown, by inverse propensities.
        snips: The same, normalised.
        robust: The same, doubly robust.
        effective_size: How many rows the estimates are worth.
    """

    style: str
    tally: Tally
    propensity: float
    ips: Mean
    snips: Mean
    robust: Mean
    effective_size: float

    @property
    def estimates(self) -> Mapping[str, Mean]:
        """By name."""
        return {"IPS": self.ips, "SNIPS": self.snips, "doubly robust": self.robust}

    def to_json(self) -> Mapping[str, object]:
        """All of it, with 95 % intervals."""
        estimates = {name: {"value": one.value, "ci95": one.fixed_interval()} for name, one in self.estimates.items()}
        return {
            "style": self.style,
            "shown": self.tally.shown,
            "clicked": self.tally.clicked,
            "mean_propensity": self.propensity,
            "effective_size": self.effective_size,
            "if_always": estimates,
        }


def explored(impressions: Iterable[Impression]) -> list[Impression]:
    """Those at whose place something was drawn, oldest first; where one item alone was possible, its chance is 1."""
    return sorted((row for row in impressions if row.propensity < 1), key=lambda row: row.at)


def tallies_of(rows: Sequence[Impression], clicked: set[str]) -> Mapping[str, Tally]:
    """How often each style was shown and clicked; `clicked` has ids of impressions."""
    shown = {row.stage: 0 for row in rows}
    hits = dict(shown)
    for row in rows:
        shown[row.stage] += 1
        hits[row.stage] += row.impression_id in clicked
    return {style: Tally(n, hits[style]) for style, n in shown.items()}


def style_values(rows: Sequence[Impression], clicked: set[str]) -> Sequence[StyleValue]:
    """Every style's value, from rows of all of them; users are what is independent. Raises DataError."""
    users = np.unique([row.user_id for row in rows], return_inverse=True)[1].astype(np.int64)
    rewards = np.array([row.impression_id in clicked for row in rows], dtype=np.float64)
    propensities = np.array([row.propensity for row in rows], dtype=np.float64)
    drawn = np.array([row.stage for row in rows])
    tallies = tallies_of(rows, clicked)
    found = []
    for style, tally in tallies.items():
        is_it = drawn == style
        log = Logged(rewards, propensities, is_it.astype(np.float64), users)
        model = _click_rates(rewards, is_it, users)
        robust = doubly_robust(log, predicted=model, predicted_by_target=model)
        found.append(
            StyleValue(
                style, tally, float(propensities[is_it].mean()), ips(log), snips(log), robust, log.effective_size
            )
        )
    return found


def _click_rates(
    rewards: NDArray[np.float64], is_style: NDArray[np.bool_], users: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The style's click rate among the other half of the users, for each row: no row predicts itself."""
    half = users % 2
    rates = []
    for part in (0, 1):
        other = is_style & (half != part)
        rates.append((rewards[other].sum() + 1) / (other.sum() + 2))
    return np.asarray(rates)[half]


def read_tallies(directory: Path) -> Mapping[str, Tally]:
    """What the explored place of `directory` has learned; nothing without a file. Raises ArtifactError."""
    path = directory / LEARNED_FILE
    try:
        stored = _File.model_validate_json(path.read_bytes()).styles
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read.", hint="Remove it; exploration then begins anew.") from error
    return {style: Tally(one.shown, one.clicked) for style, one in stored.items()}


def write_tallies(directory: Path, tallies: Mapping[str, Tally]) -> None:
    """Keep `tallies` for `directory`, old or new, never a half. Raises ArtifactError."""
    styles = {style: {"shown": one.shown, "clicked": one.clicked} for style, one in tallies.items()}
    write_whole(directory / LEARNED_FILE, json.dumps({"format": 1, "styles": styles}, indent=1))
