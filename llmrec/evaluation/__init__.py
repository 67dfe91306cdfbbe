"""Evaluation that can be checked: protocols, metrics per user, intervals, and what was measured kept with its data."""
