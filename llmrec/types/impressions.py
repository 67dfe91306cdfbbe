"""What was shown to whom, where and why: the rows that experiments and off-policy estimates read."""

from __future__ import annotations

from dataclasses import dataclass

from llmrec.types.items import ItemId, UserId


@dataclass(frozen=True, slots=True)
class Impression:
    """One item shown at one place of one answer.

    Attributes:
        impression_id: Given by whoever logs it; the same one sent again is stored once.
        user_id: To whom it was shown.
        query_id: The answer it was part of; all places of one answer share it.
        item_id: What was shown.
        position: Its place, beginning at 1.
        propensity: How probable it was that this item came to this place, in (0, 1]; 1 where nothing was drawn.
        stage: What put it there: `fused`, `retrieval`, or the name of an explored slot.
        arm: The experiment and its arm, `NAME/ARM`; empty outside of experiments.
        prompt_hash: The prompt that ranked it, empty without a language model.
        adapter: The adapter that ranked it, empty without one.
        at: Seconds since 1970 (UTC).
    """

    impression_id: str
    user_id: UserId
    query_id: str
    item_id: ItemId
    position: int
    propensity: float
    stage: str
    arm: str
    prompt_hash: str
    adapter: str
    at: float
