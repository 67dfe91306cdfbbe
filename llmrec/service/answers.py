"""What the API gives, as models: they write the OpenAPI document, and tests hold the answers to them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, JsonValue

from llmrec.service.models import ProfileModel, TurnModel


class EvidenceAnswer(BaseModel):
    """One reason that can be checked."""

    kind: str
    text: str
    field: str | None = None
    value: str | None = None
    item_id: str | None = None
    contribution: float | None = None


class RecommendationAnswer(BaseModel):
    """One recommended item; `score` is higher for better and comparable within one answer only."""

    item_id: str
    title: str
    score: float | None
    rank: int
    ranked_by: Literal["lm+retrieval", "retrieval"]
    explanation: str
    evidence: list[EvidenceAnswer]
    voices: dict[str, float] = {}


class StageAnswer(BaseModel):
    """One stage of the work."""

    name: str
    seconds: float
    n_in: int
    n_out: int
    order: list[str]


class TraceAnswer(BaseModel):
    """How an answer came about; models that were not asked are null."""

    stages: list[StageAnswer]
    prompt_hash: str | None
    model: str | None
    adapter: str | None
    notes: list[str]


class RecommendAnswer(BaseModel):
    """Items best first; `degraded` says why the language model's voice is missing, where it was wanted.

    Send `query_id` back with the feedback to what was shown.
    """

    recommendations: list[RecommendationAnswer]
    reply: str | None
    profile: ProfileModel
    trace: TraceAnswer
    degraded: str | None
    query_id: str


class ChatAnswer(RecommendAnswer):
    """A whole reply; send `turns` and `profile` back with the user's next turn."""

    turns: list[TurnModel]


class RankedItemAnswer(BaseModel):
    """One item of a ranking that is not explained."""

    item_id: str
    title: str
    score: float | None
    rank: int


class UserAnswer(BaseModel):
    """What one of many users gets."""

    user_id: str
    items: list[RankedItemAnswer]
    ranked_by: Literal["lm+retrieval", "retrieval"]
    degraded: str | None


class ManyAnswer(BaseModel):
    """What each user gets, in the order they were named."""

    users: list[UserAnswer]


class ExplainAnswer(BaseModel):
    """Why an item would suit: a text that says nothing beyond its evidence."""

    item_id: str
    title: str
    text: str
    evidence: list[EvidenceAnswer]
    phrased_by: Literal["template", "lm", "adapter"]


class SimilarAnswer(BaseModel):
    """Items close to one in content."""

    items: list[RankedItemAnswer]


class RecordedAnswer(BaseModel):
    """How many rows are on the disk now."""

    recorded: int


class ItemAnswer(BaseModel):
    """One item of the catalogue."""

    item_id: str
    title: str
    facts: dict[str, JsonValue]
    description: str
    url: str
    available: bool


class ItemsAnswer(BaseModel):
    """A page of the catalogue; `next_offset` is null on the last one."""

    items: list[ItemAnswer]
    total: int
    next_offset: int | None


class LearningAnswer(BaseModel):
    """Whether anything is learned from a user now."""

    allowed: bool


class DeletedAnswer(BaseModel):
    """What went; `learned` rows stay in what was built, but are not used for this user any more."""

    feedback: int
    interactions: int
    impressions: int
    learned: int
    note: str


class HealthAnswer(BaseModel):
    """Whether it lives."""

    status: str


class AliveAnswer(HealthAnswer):
    """That it lives, and with which version of the recommender; empty when that was not loaded from a directory."""

    version: str


class ReloadAnswer(BaseModel):
    """Whether there was another version, and which one answers now."""

    reloaded: bool
    version: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it: `detail` is one sentence, `code` a stable word for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
