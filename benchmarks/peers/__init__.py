"""One small script per peer library; each runs in its own virtual environment and imports nothing of llmrec."""
