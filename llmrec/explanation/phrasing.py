"""Livelier words for explanations, from a language model, kept only where the evidence covers them."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.explanation.checking import CoverageChecker
from llmrec.explanation.wording import merged, wordings
from llmrec.explanation.writing import SentenceWriter
from llmrec.interfaces import LanguageModel, TextChooser
from llmrec.prompting.neutralise import neutralise
from llmrec.types import Completion, Explanation, Prompt, Query

logger = logging.getLogger(__name__)

_MAX_TITLE_CHARS = 120
_MAX_REASON_CHARS = 240
# What is true of everyone's reply is no answer to "why me", so it is not put behind a "because".
_PERSONAL = frozenset({"constraint", "wish", "shared_fact", "similar_item", "contribution"})
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
        writer: SentenceWriter | None = None,
    ) -> None:
        """Phrase with `model`.

        Args:
            model: Writes the sentences; one that is a TextChooser too is held to sentences that the evidence covers.
            template: Asks for one sentence from `title` (a text) and `evidence` (a list of texts).
            catalogue: The records that sentences are checked against.
            limit: How many explanations are phrased, from the first; the others keep their template.
            max_new_tokens: Longest sentence of a model that writes freely.
            timeout_s: For all of them together.
            writer: Asked first, where there is one; `model` phrases what it leaves.
        """
        self._model = model
        self._template = template
        self._catalogue = catalogue
        self._checker = CoverageChecker(catalogue)
        self._limit = limit
        self._max_new_tokens = max_new_tokens
        self._timeout_s = timeout_s
        self._writer = writer

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        """The explanations, some rephrased; one whose new words its evidence does not cover stays as it was."""
        first = explanations[: self._limit]
        places = [place for place, e in enumerate(first) if any(piece.kind in _PERSONAL for piece in e.cites)]
        if not places:
            return explanations
        phrased = dict(enumerate(explanations))
        tried = {place: explanations[place] for place in places}
        deadline = time.monotonic() + self._timeout_s
        try:
            # What was written stands even if the rest fails.
            phrased |= self._written(tried)
            left = {place: one for place, one in tried.items() if phrased[place] is one}
            phrased |= self._rephrased(left, timeout_s=deadline - time.monotonic())
        except ModelError as error:
            logger.warning("explanations keep their templates", extra={"error": error.code})
        counts = Counter(one.phrased_by for one in phrased.values())
        logger.info("phrased", extra={"tried": len(places), "written": counts["adapter"], "chosen": counts["lm"]})
        return list(phrased.values())

    def _written(self, explanations: Mapping[int, Explanation]) -> Mapping[int, Explanation]:
        """Those that the writer could write, by place."""
        if self._writer is None:
            return {}
        texts = self._writer.write(list(explanations.values()), timeout_s=self._timeout_s)
        return {
            place: replace(explanations[place], text=text, phrased_by="adapter")
            for place, text in zip(explanations, texts, strict=True)
            if text
        }

    def _rephrased(self, explanations: Mapping[int, Explanation], *, timeout_s: float) -> Mapping[int, Explanation]:
        """All of them by place, those in new words that their evidence covers."""
        if not explanations:
            return {}
        texts = self._said(explanations, timeout_s=timeout_s)
        return {p: self._accepted(explanations[p], text) for p, text in zip(explanations, texts, strict=True)}

    def _said(self, explanations: Mapping[int, Explanation], *, timeout_s: float) -> list[str]:
        """One text per explanation, by place; a model that can be held to covered sentences is."""
        prompts = [self._prompt(explanation) for explanation in explanations.values()]
        if isinstance(self._model, TextChooser):
            choices = [self._choices(explanation, place) for place, explanation in explanations.items()]
            return [c.text for c in self._model.choose(prompts, choices, timeout_s=timeout_s)]
        free = self._model.generate(prompts, max_new_tokens=self._max_new_tokens, timeout_s=timeout_s)
        return [_one_sentence(completion) for completion in free]

    def _choices(self, explanation: Explanation, place: int) -> list[str]:
        item = self._catalogue[explanation.item_id]
        texts = wordings(merged(explanation.cites), place=place)
        return [text for text in texts if self._checker.check(text, explanation.cites, item).ok]

    def _prompt(self, explanation: Explanation) -> Prompt:
        title = neutralise(self._catalogue[explanation.item_id].title, max_chars=_MAX_TITLE_CHARS)
        reasons = [neutralise(evidence.text, max_chars=_MAX_REASON_CHARS) for evidence in explanation.cites]
        return self._template.render(title=title, evidence=reasons)

    def _accepted(self, explanation: Explanation, text: str) -> Explanation:
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
