"""The recommender over HTTP: an API, the chat page, and one engine that owns the language model."""

from __future__ import annotations

from llmrec.service.app import create_app
from llmrec.service.settings import ServiceSettings

__all__ = ["ServiceSettings", "create_app"]
