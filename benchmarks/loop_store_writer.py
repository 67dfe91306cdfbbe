"""Writes events to a store until it is killed, and says of each when it is kept: the child of `benchmarks.loop_store`.

Run: `python -m benchmarks.loop_store_writer STORE USER FIRST`. Event n is a reaction, an interaction and two
impressions.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from llmrec.feedback import SQLFeedbackStore, open_store
from llmrec.types import Feedback, Impression, Interaction, ItemId, UserId


def main(arguments: Sequence[str]) -> None:
    """Write event after event."""
    where, user, first = arguments
    store, number = open_store(where), int(first)
    while True:
        write(store, UserId(user), number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


def write(store: SQLFeedbackStore, user_id: UserId, number: int) -> None:
    """Event `number`, under the same ids whenever it is written."""
    at, item_id, event_id = float(number), ItemId(str(number)), f"e{number}"
    shown = [
        Impression(f"{user_id}:{number}:{place}", user_id, event_id, item_id, place, 1.0, "fused", "", "", "", at)
        for place in (1, 2)
    ]
    store.record_impressions(shown)
    store.record(Feedback(user_id, item_id, "like", at, event_id=event_id))
    store.record_interactions([Interaction(user_id, item_id, 1.0, at)], event_ids=[event_id])


if __name__ == "__main__":
    main(sys.argv[1:])
