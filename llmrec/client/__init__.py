"""A recommender that runs elsewhere: `Client(url, key)` has the methods of `Recommender`, and so has `AsyncClient`."""

from __future__ import annotations

from llmrec.client.asynchronous import AsyncClient
from llmrec.client.errors import ServiceError
from llmrec.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "ServiceError"]
