"""The prompt of the second voice: a vocabulary and some words; training and serving build it here."""

from __future__ import annotations

from llmrec.dialogue.vocabulary import Vocabulary
from llmrec.prompting.neutralise import neutralise
from llmrec.prompting.templates import PromptTemplate
from llmrec.types import Prompt

MAX_CHARS = 200


def understand_prompt(template: PromptTemplate, vocabulary: Vocabulary, words: str) -> Prompt:
    """Asks what `words`, of which the first 200 characters count, mean in `vocabulary`."""
    fields = [
        {"name": neutralise(name, max_chars=MAX_CHARS), "listed": [neutralise(v, max_chars=MAX_CHARS) for v in values]}
        for name, values in vocabulary.values.items()
    ]
    return template.render(fields=fields, words=neutralise(words, max_chars=MAX_CHARS))
