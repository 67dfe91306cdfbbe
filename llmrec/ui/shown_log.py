"""Logs what the page shows, for whoever learns from reactions; a log that cannot be written costs no answer."""

from __future__ import annotations

import logging
import uuid

from llmrec.errors import FeedbackError
from llmrec.feedback.shown import impressions_of
from llmrec.interfaces import FeedbackStore
from llmrec.types import Event, ReplyEvent, UserId

logger = logging.getLogger(__name__)


def note_shown(feedback: FeedbackStore | None, user_id: UserId, event: Event, *, at: float) -> None:
    """Write the cards of a whole reply to `feedback`; other events show nothing new."""
    if feedback is None or not isinstance(event, ReplyEvent) or not event.reply.recommendations:
        return
    rows = impressions_of(
        event.reply.recommendations, event.reply.trace, user_id=user_id, query_id=uuid.uuid4().hex, at=at
    )
    try:
        feedback.record_impressions(rows)
    except FeedbackError as error:
        logger.warning("impressions are lost: %s", error)
