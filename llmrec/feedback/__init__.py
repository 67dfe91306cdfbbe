"""What users were shown, said and did: kept in one database, and given out to learn from."""

from llmrec.feedback.migrations import SCHEMA_VERSION
from llmrec.feedback.opening import FEEDBACK_FILE, SQLiteFeedbackStore, open_store
from llmrec.feedback.store import RowCounts, SQLFeedbackStore

__all__ = ["FEEDBACK_FILE", "SCHEMA_VERSION", "RowCounts", "SQLFeedbackStore", "SQLiteFeedbackStore", "open_store"]
