"""How much each voice says for a candidate: parts that sum to its score, for whoever shows or checks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from llmrec.types import Candidate

LANGUAGE_MODEL = "language model"
"""The name of the model's own part."""
_EQUAL = 1e-12  # a spread below this is rounding, not an opinion


def parts_of(candidate: Candidate) -> Mapping[str, float]:
    """What each retriever adds to the candidate's score; they sum to it."""
    return candidate.parts or {candidate.source: candidate.score}


def standardised_parts(candidates: Sequence[Candidate]) -> Sequence[Mapping[str, float]]:
    """The parts of the candidates' standardised scores: each part less its mean, over the spread of the whole scores.

    A retriever that did not find a candidate adds 0 to its score, which below the mean counts against it.
    """
    spread = float(np.std([candidate.score for candidate in candidates])) if candidates else 0.0
    names = dict.fromkeys(name for candidate in candidates for name in parts_of(candidate))
    columns = {name: np.array([parts_of(c).get(name, 0.0) for c in candidates]) for name in names}
    if spread <= _EQUAL:
        return [dict.fromkeys(names, 0.0) for _ in candidates]
    scaled = {name: (column - column.mean()) / spread for name, column in columns.items()}
    return [{name: float(column[at]) for name, column in scaled.items()} for at in range(len(candidates))]
