"""Livelier words for explanations, from a language model, kept only where the evidence covers them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.explanation.checking import CoverageChecker
from llmrec.interfaces import LanguageModel
from llmrec.prompting.neutralise import neutralise
from llmrec.types import Completion, Explanation, Prompt, Query

logger = logging.getLogger(__name__)

_MAX_TITLE_CHARS = 120
_MAX_REASON_CHARS = 240
_FIRST_SENTENCE = re.compile(r"^.+?[.!](?=\s|$)", re.DOTALL)


class ExplainPrompt(Protocol):
    """A prompt template with the inputs `title` and `evidence`."""

    def render(self, **values: object) -> Prompt:
        """The prompt with `values` filled in."""
        ...


class LMPhraser:
    """Rephrases the first explanations of a reply; implements Phraser."""

    def __init__(
        self,
        model: LanguageModel,
        template: ExplainPrompt,
        catalogue: Catalogue,
        *,
        limit: int = 3,
        max_new_tokens: int = 30,
        timeout_s: float,
    ) -> None:
        """Phrase with `model`.

        Args:
            model: Writes the sentences.
            template: Asks for one sentence from `title` (a text) and `evidence` (a list of texts).
            catalogue: The records that sentences are checked against.
            limit: How many explanations are phrased, from the first; the others keep their template.
            max_new_tokens: Longest sentence.
            timeout_s: For all of them together.
        """
        self._model = model
        self._template = template
        self._catalogue = catalogue
        self._checker = CoverageChecker(catalogue)
        self._limit = limit
        self._max_new_tokens = max_new_tokens
        self._timeout_s = timeout_s

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        """The explanations, some rephrased; one whose new words its evidence does not cover stays as it was."""
        places = [place for place, e in enumerate(explanations[: self._limit]) if e.cites]
        if not places:
            return explanations
        prompts = [self._prompt(explanations[place]) for place in places]
        try:
            completions = self._model.generate(prompts, max_new_tokens=self._max_new_tokens, timeout_s=self._timeout_s)
        except ModelError as error:
            logger.warning("explanations keep their templates", extra={"error": error.code})
            return explanations
        phrased = list(explanations)
        for place, completion in zip(places, completions, strict=True):
            phrased[place] = self._accepted(explanations[place], completion)
        n_accepted = sum(e.phrased_by == "lm" for e in phrased)
        logger.info("phrased", extra={"tried": len(places), "accepted": n_accepted})
        return phrased

    def _prompt(self, explanation: Explanation) -> Prompt:
        title = neutralise(self._catalogue[explanation.item_id].title, max_chars=_MAX_TITLE_CHARS)
        reasons = [neutralise(evidence.text, max_chars=_MAX_REASON_CHARS) for evidence in explanation.cites]
        return self._template.render(title=title, evidence=reasons)

    def _accepted(self, explanation: Explanation, completion: Completion) -> Explanation:
        text = _one_sentence(completion)
        if not text or not self._checker.check(text, explanation.cites, self._catalogue[explanation.item_id]).ok:
            return explanation
        return replace(explanation, text=text, phrased_by="lm")


def _one_sentence(completion: Completion) -> str:
    """The first whole sentence of a completion; empty when it was cut off before its end."""
    text = completion.text.strip().strip('"').strip()
    first = _FIRST_SENTENCE.match(text)
    if first is not None:
        return first.group()
    return text if completion.finished == "stop" else ""
