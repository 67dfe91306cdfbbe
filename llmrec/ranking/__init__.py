"""Candidates into an order: the language model's voice, the retrievers' voice, and both together."""
