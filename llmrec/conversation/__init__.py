"""Retrieval for a conversation: what to recommend next, out of all that both sides have said so far."""
