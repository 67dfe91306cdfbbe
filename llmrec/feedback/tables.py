"""The tables of feedback as they are now; `migrations` says how they came to be."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, MetaData, Table, Text

METADATA = MetaData()

IMPRESSIONS = Table(
    "impressions",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("impression_id", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False),
    Column("query_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("propensity", Double, nullable=False),
    Column("stage", Text, nullable=False),
    Column("arm", Text, nullable=False),
    Column("prompt_hash", Text, nullable=False),
    Column("adapter", Text, nullable=False),
    Column("at", Double, nullable=False),
)
# An `event_id` of NULL stands for none: it is no duplicate of another NULL.
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("text", Text, nullable=False),
    Column("query_id", Text, nullable=False),
    Column("event_id", Text),
)
# `recorded_at` is this program's clock and never goes back for one user; `at` is what the caller says, if anything.
INTERACTIONS = Table(
    "interactions",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("value", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("event_id", Text),
)
# Whom to forget, and whom not to learn from, must be known without keeping the name.
FORGOTTEN = Table("forgotten", METADATA, Column("user_hash", Text, primary_key=True))
OPTED_OUT = Table("opted_out", METADATA, Column("user_hash", Text, primary_key=True))
