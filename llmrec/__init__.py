"""Conversational recommendation with language models: retrieve, rank with an LM, say why.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmrec.build import Overrides
    from llmrec.client import AsyncClient, Client
    from llmrec.errors import LLMRecError
    from llmrec.prompt_ranker import PromptRanker as Ranker
    from llmrec.recommender import Recommender
    from llmrec.results import Recommendations
    from llmrec.settings import Settings
    from llmrec.types import Profile, Turn

__version__ = "0.1.0"
__all__ = [
    "AsyncClient",
    "Client",
    "LLMRecError",
    "Overrides",
    "Profile",
    "Ranker",
    "Recommendations",
    "Recommender",
    "Settings",
    "Turn",
]

_HOMES = {
    "AsyncClient": ("llmrec.client", "AsyncClient"),
    "Client": ("llmrec.client", "Client"),
    "LLMRecError": ("llmrec.errors", "LLMRecError"),
    "Overrides": ("llmrec.build", "Overrides"),
    "Profile": ("llmrec.types", "Profile"),
    "Ranker": ("llmrec.prompt_ranker", "PromptRanker"),
    "Recommendations": ("llmrec.results", "Recommendations"),
    "Recommender": ("llmrec.recommender", "Recommender"),
    "Settings": ("llmrec.settings", "Settings"),
    "Turn": ("llmrec.types", "Turn"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the home module holds under that name
    """The public name `name`, imported from its home. Raises AttributeError."""
    if name not in _HOMES:
        raise AttributeError(f"module 'llmrec' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
