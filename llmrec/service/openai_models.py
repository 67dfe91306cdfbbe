"""OpenAI's shape of a conversation, as far as a recommender can fill it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmrec.service.answers import RecommendationAnswer
from llmrec.service.models import MAX_REPLY_CHARS, MAX_TURNS, Name, ProfileModel, Text

# Clients send settings of sampling and tools that mean nothing here, and new ones every year: all are passed over.
_LENIENT = ConfigDict(frozen=True, extra="ignore")


class TextPart(BaseModel):
    """A part of a message; only text is read."""

    model_config = _LENIENT

    type: Literal["text"]
    text: Annotated[Text, Field(max_length=MAX_REPLY_CHARS)]


class Message(BaseModel):
    """One message; only the user's and the assistant's count, the system's has nothing to say here."""

    model_config = _LENIENT

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[
        Annotated[Text, Field(max_length=MAX_REPLY_CHARS)] | Annotated[list[TextPart], Field(max_length=100)] | None,
        Field(examples=["I loved Alien; something scary from the 90s"]),
    ] = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or [])


class CompletionRequest(BaseModel):
    """A conversation as OpenAI's clients send it; `profile` is ours, and spares reading the old turns again."""

    model_config = _LENIENT

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_TURNS)]
    model: Text = "llmrec"
    stream: bool | None = False
    user: Name | None = None
    profile: ProfileModel | None = None


class CompletionMessage(BaseModel):
    """The reply."""

    role: Literal["assistant"]
    content: str


class Choice(BaseModel):
    """The one reply there is."""

    index: int
    message: CompletionMessage
    finish_reason: Literal["stop"]


class Usage(BaseModel):
    """Words, for nothing is billed by tokens here."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionAnswer(BaseModel):
    """A chat completion, with the cards and the profile beside the text."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    recommendations: list[RecommendationAnswer]
    profile: ProfileModel
    degraded: str | None
    query_id: str


class ModelCard(BaseModel):
    """A model that can be named."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"]
    data: list[ModelCard]
