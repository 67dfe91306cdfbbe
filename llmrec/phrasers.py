"""Who puts explanations into words, as settings choose: the language model, one of its adapters, or nobody."""

from __future__ import annotations

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.phrasing import LMPhraser
from llmrec.explanation.writing import SentenceWriter
from llmrec.interfaces import AdapterHost, LanguageModel
from llmrec.models import WRITER
from llmrec.packaged_adapters import writer_named, writing_template
from llmrec.prompting.templates import PromptLibrary
from llmrec.settings import LanguageModelSettings, Settings


def phraser_of(
    catalogue: Catalogue, settings: Settings, model: LanguageModel | None, prompts: PromptLibrary
) -> LMPhraser | None:
    """What phrases with `model`; None without one, or where settings want templates alone. Raises ConfigError."""
    chosen = settings.explanation
    if model is None or chosen.n_phrased == 0:
        return None
    return LMPhraser(
        # The adapter in use has learned to rank, and nothing else.
        model.with_adapter("") if isinstance(model, AdapterHost) else model,
        prompts["explain"],
        catalogue,
        limit=chosen.n_phrased,
        max_new_tokens=chosen.max_new_tokens,
        timeout_s=chosen.timeout_s,
        writer=_writer(catalogue, settings.language_model, model, prompts),
    )


def _writer(
    catalogue: Catalogue, settings: LanguageModelSettings, model: LanguageModel, prompts: PromptLibrary
) -> SentenceWriter | None:
    """What writes explanations, where an adapter was trained for it and `model` was loaded with it."""
    if not settings.writer or not isinstance(model, AdapterHost):
        return None
    template = writing_template(writer_named(settings.writer), prompts)
    return SentenceWriter(model.with_adapter(WRITER), template, catalogue)
