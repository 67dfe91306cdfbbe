"""Conversational recommendation with language models: retrieve, rank with an LM, say why."""

__version__ = "0.1.0"
