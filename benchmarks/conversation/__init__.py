"""Measures of the conversation: how turns are understood."""
