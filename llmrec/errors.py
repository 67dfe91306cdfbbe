"""Every error a caller can meet; each says what is wrong, with which value, and what to do.

LLMRecError
├── DataError          a file, table, row set or data set cannot be used
├── AssetError         a model or data set cannot be fetched or is not the one that was pinned
├── ConfigError        a setting, an argument or a prompt template is wrong
│   └── ConstraintError    a `where` names an unknown field or operator, or contradicts itself
├── UnknownItemError   an item id or title is not in the catalogue
├── UnknownUserError   a user id has no history here
├── ArtifactError      a recommender directory is missing, damaged or of another version
├── ModelError         a language model or encoder failed
│   └── ModelTimeout       it did not answer in time
├── VectorStoreError   a vector database cannot be reached or used
└── FeedbackError      feedback could not be stored
"""

from __future__ import annotations


class LLMRecError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        code: Stable word for programs, e.g. `unknown_item`.
        hint: What to do next, one sentence; may be empty.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep `message` (what is wrong, with which value) and `hint` (what to do)."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Message and hint in one line."""
        return f"{self.message} {self.hint}".rstrip()


class DataError(LLMRecError):
    """A file, table, row set or data set cannot be used."""

    code = "data"


class AssetError(LLMRecError):
    """A model or data set cannot be fetched, or is not the one that was pinned."""

    code = "asset"


class ConfigError(LLMRecError):
    """A setting, an argument or a prompt template is wrong."""

    code = "config"


class ConstraintError(ConfigError):
    """A `where` names an unknown field or operator, or contradicts itself."""

    code = "constraint"


class UnknownItemError(LLMRecError):
    """An item id or title is not in the catalogue, or a title stands for several items."""

    code = "unknown_item"


class UnknownUserError(LLMRecError):
    """A user id has no history here."""

    code = "unknown_user"


class ArtifactError(LLMRecError):
    """A recommender directory is missing, damaged or of another version."""

    code = "artifact"


class ModelError(LLMRecError):
    """A language model or sentence encoder failed or cannot be loaded."""

    code = "model"


class ModelTimeout(ModelError):  # noqa: N818 - reads as what happened, like TimeoutError's own children
    """A model did not answer in time."""

    code = "model_timeout"


class VectorStoreError(LLMRecError):
    """A vector database cannot be reached, or does not do as it is asked."""

    code = "vector_store"


class FeedbackError(LLMRecError):
    """Feedback could not be stored or read."""

    code = "feedback"
