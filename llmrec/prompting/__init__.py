"""From items, histories and labels to text, and from a model's text back to labels."""
