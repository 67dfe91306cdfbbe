"""Logs what the service shows, beside the answers and not before them."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from llmrec.errors import FeedbackError
from llmrec.feedback import SQLFeedbackStore
from llmrec.feedback.shown import impressions_of
from llmrec.types import Impression, Reply, UserId

logger = logging.getLogger(__name__)
_MAX_WAITING = 10_000


class ImpressionLog:
    """Writes in a thread of its own: nobody waits for a disk to be told what to watch, and no answer fails for it."""

    def __init__(self, store: SQLFeedbackStore, *, now: Callable[[], float] = time.time) -> None:
        """Write to `store`; `now` is the clock, in seconds since 1970."""
        self._store = store
        self._now = now
        self._room = BoundedSemaphore(_MAX_WAITING)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="llmrec-impressions")

    def shown(self, user_id: UserId | None, reply: Reply) -> str:
        """Note what `reply` shows to a user, None for nobody in particular; the id of this answer."""
        query_id = uuid.uuid4().hex
        rows = impressions_of(
            reply.recommendations, reply.trace, user_id=user_id or UserId(""), query_id=query_id, at=self._now()
        )
        if self._room.acquire(blocking=False):
            self._writer.submit(self._write, rows)
        else:
            logger.warning("impressions are lost: %d answers wait to be logged", _MAX_WAITING)
        return query_id

    def settle(self) -> None:
        """Wait until all that was shown so far is written, so that it can be given out or deleted."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        """Write what waits; nothing can be shown afterwards."""
        self._writer.shutdown(wait=True)

    def _write(self, rows: list[Impression]) -> None:
        try:
            self._store.record_impressions(rows)
        except FeedbackError as error:
            logger.warning("impressions are lost: %s", error)
        finally:
            self._room.release()
