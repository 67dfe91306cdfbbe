"""An answer as rows of the log: what was shown at which place, and what put it there."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.types import Impression, Recommendation, Trace, UserId


def impressions_of(
    recommendations: Sequence[Recommendation], trace: Trace, *, user_id: UserId, query_id: str, at: float
) -> list[Impression]:
    """One row for each place of the answer `query_id`, whose id says which place it is.

    Args:
        recommendations: What was shown, in order.
        trace: How it came about.
        user_id: To whom; empty for somebody without a name.
        query_id: Of this answer alone.
        at: Seconds since 1970 (UTC).
    """
    return [
        Impression(
            impression_id=f"{query_id}:{position}",
            user_id=user_id,
            query_id=query_id,
            item_id=shown.item_id,
            position=position,
            propensity=shown.placement.propensity,
            stage=shown.placement.stage or ("fused" if shown.ranked_by == "lm+retrieval" else "retrieval"),
            arm=shown.placement.arm,
            prompt_hash=trace.prompt_hash,
            adapter=trace.adapter,
            at=at,
        )
        for position, shown in enumerate(recommendations, start=1)
    ]
