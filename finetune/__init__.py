"""Recipes that fit a model to a data set; what they write is loaded by `llmrec` like any other model."""
