"""What the language model adds to its own retriever: adapters trained, stages measured, gains pooled."""
