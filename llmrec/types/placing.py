"""What stands at which place of a list, and how probable that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmrec.types.items import ItemId
from llmrec.types.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Placement:
    """How an item came to its place; an impression keeps it.

    Attributes:
        propensity: How probable it was that this item came to this place, in (0, 1]; 1 where nothing was drawn.
        stage: The style that won an explored place; empty for the ranking itself.
        arm: The experiment and its arm, `NAME/ARM`; empty outside of experiments.
    """

    propensity: float = 1.0
    stage: str = ""
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is shown, in order; `placements` has the items that did not just come from the ranking."""

    ranking: Ranking
    placements: Mapping[ItemId, Placement] = field(default_factory=dict)
