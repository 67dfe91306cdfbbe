"""What each voice is worth: a linear model over what is known of a slate's candidates, and the file that keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from llmrec.errors import ArtifactError, ConfigError
from llmrec.types import Candidate, ItemId

LM, RETRIEVAL = "lm", "retrieval"
FEATURES = (LM, RETRIEVAL, "log_rank", "log_popularity")
"""What can have a weight. Higher is better for each, and each has mean 0 over the slate."""
FUSION_FILE = "fusion.json"
"""Its name in an adapter's directory."""
MEASURED = "measured"
"""In it, for an adapter that was trained anew on the validation's answers: the one before, which weights are of."""

Column = NDArray[np.float64]  # [n_candidates], in the slate's order
_EQUAL = 1e-12  # a spread below this is rounding, not an opinion
_FORMAT = 2
_AGAIN = "Fit it again, or delete the file to rank without it."


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """What features are divided by: the same for all slates, for a slate whose scores lie close together says less.

    Attributes:
        source: Whose candidates it was learned from. Another's scores have another unit.
        spreads: Mean standard deviation over the slates it was learned from, by feature.
    """

    source: str = ""
    spreads: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ConfigError for a name that is not known or a number that is no spread."""
        for name, spread in self.spreads.items():
            _require_known(name)
            if not (math.isfinite(spread) and spread >= 0):
                raise ConfigError(f"the spread of {name} is {spread}; it must be a finite number, 0 or above.")

    def applied(self, features: Mapping[str, Column], *, source: str) -> Mapping[str, Column]:
        """`features` of a slate of `source`, each of a spread about 1.

        One without a known spread, and the scores of another source, get a spread of 1 on every slate.
        """
        known = {name: spread for name, spread in self.spreads.items() if name != RETRIEVAL or source == self.source}
        return {
            name: _divided(column, known[name]) if name in known else standardised(column)
            for name, column in features.items()
        }


@dataclass(frozen=True, slots=True)
class FusionModel:
    """Weights by feature, and the temperature of the language model's probabilities.

    Attributes:
        weights: By name, of FEATURES; one that is not named weighs 0. Where `lm` does, the model need not be asked.
        temperature: What the model's scores are divided by before a softmax over the slate makes them probabilities.
        scale: Of the features that are weighed.
    """

    weights: Mapping[str, float]
    temperature: float = 1.0
    scale: FeatureScale = FeatureScale()

    def __post_init__(self) -> None:
        """Raise ConfigError for a name that is not known or a number that is none."""
        for name, weight in self.weights.items():
            _require_known(name)
            if not math.isfinite(weight):
                raise ConfigError(f"the fusion weight of {name} is {weight}; it must be a finite number.")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ConfigError(f"the temperature is {self.temperature}; it must be a finite number above 0.")

    @property
    def hears_model(self) -> bool:
        """Whether the language model has a weight."""
        return self.weights.get(LM, 0.0) != 0

    def scores(self, features: Mapping[str, Column], *, source: str) -> Column:
        """The weighted sum of `features` of a slate of `source`, float64 [n_candidates]; higher is better."""
        total = np.zeros_like(features[RETRIEVAL])
        for part in self.parts(features, source=source).values():
            total += part
        return total

    def parts(self, features: Mapping[str, Column], *, source: str) -> Mapping[str, Column]:
        """What each weighted feature adds to the score of every candidate."""
        scaled = self.scale.applied(features, source=source)
        return {name: weight * scaled[name] for name, weight in self.weights.items()}

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises ArtifactError."""
        values = {
            "format": _FORMAT,
            "weights": dict(self.weights),
            "temperature": self.temperature,
            "source": self.scale.source,
            "spreads": dict(self.scale.spreads),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise ArtifactError(f"{path} cannot be written: {error.strerror or error}.") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote. Raises ArtifactError when it is missing, damaged, or holds what no fusion has."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != _FORMAT:
                raise ArtifactError(f"{path} has format {values['format']!r}, not {_FORMAT}.", hint=_AGAIN)
            weights, spreads = (
                {str(name): float(number) for name, number in values[key].items()} for key in ("weights", "spreads")
            )
            return cls(weights, float(values["temperature"]), FeatureScale(str(values["source"]), spreads))
        except ConfigError as error:
            raise ArtifactError(f"{path} cannot be used: {error.message}", hint=_AGAIN) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ArtifactError(f"{path} cannot be read as a fusion of voices.", hint=_AGAIN) from error

    @classmethod
    def of_adapter(cls, directory: Path) -> Self | None:
        """The one kept in an adapter's directory; None where there is none. Raises ArtifactError."""
        path = directory / FUSION_FILE
        return cls.load(path) if path.exists() else None


def slate_features(
    slate: Sequence[Candidate], popularity: Mapping[ItemId, int], lm_scores: Mapping[ItemId, float]
) -> Mapping[str, Column]:
    """Every feature of a slate in its own unit, less its mean over the slate.

    Args:
        slate: Candidates of one source.
        popularity: How many users met each item; one that is not there was met by nobody.
        lm_scores: The model's own; an item without one gets 0, as all do where the model said nothing.
    """
    scores = np.array([candidate.score for candidate in slate], dtype=np.float64)
    counts = np.array([popularity.get(candidate.item_id, 0) for candidate in slate], dtype=np.float64)
    return {
        LM: _known(slate, lm_scores),
        RETRIEVAL: _centred(scores),
        # Equals share their mean rank, so that no order of items decides.
        "log_rank": _centred(-np.log(stats.rankdata(-scores, method="average"))),
        "log_popularity": _centred(np.log1p(counts)),
    }


def standardised(values: Sequence[float] | Column) -> Column:
    """`values` with mean 0 and standard deviation 1; zeros when all are equal."""
    column = np.asarray(values, dtype=np.float64)
    spread = float(column.std()) if len(column) else 0.0
    return (column - column.mean()) / spread if spread > _EQUAL else np.zeros_like(column)


def _known(slate: Sequence[Candidate], lm_scores: Mapping[ItemId, float]) -> Column:
    column = np.zeros(len(slate))
    places = [place for place, candidate in enumerate(slate) if candidate.item_id in lm_scores]
    column[places] = _centred(np.array([lm_scores[slate[place].item_id] for place in places]))
    return column


def _centred(column: Column) -> Column:
    return column - column.mean() if len(column) else column


def _divided(column: Column, spread: float) -> Column:
    return column / spread if spread > _EQUAL else np.zeros_like(column)


def _require_known(name: str) -> None:
    if name not in FEATURES:
        raise ConfigError(f"no fusion feature is called {name!r}; known are {', '.join(FEATURES)}.")
