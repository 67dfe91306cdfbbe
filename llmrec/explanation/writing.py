"""Explanations that a model writes itself, with the adapter trained for it; kept where all they claim is cited."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.data.titles import split_year
from llmrec.explanation.checking import CoverageChecker
from llmrec.explanation.claims import OPENINGS, claims, reasons, told_in
from llmrec.interfaces import LanguageModel
from llmrec.prompting.neutralise import neutralise
from llmrec.prompting.templates import PromptTemplate
from llmrec.types import Evidence, Explanation, ItemId, Prompt

MAX_NEW_TOKENS = 30
_MAX_REASON_CHARS = 240
_MANY = 3


class SentenceWriter:
    """Writes sentences about items of one catalogue."""

    def __init__(self, model: LanguageModel, template: PromptTemplate, catalogue: Catalogue) -> None:
        """Write with `model`, which answers with the adapter that was trained with `template`."""
        self._model = model
        self._template = template
        self._catalogue = catalogue
        self._checker = CoverageChecker(catalogue)

    def write(self, explanations: Sequence[Explanation], *, timeout_s: float) -> list[str]:
        """A sentence for each, all in one batch; empty where it claims what is not cited. Raises ModelError."""
        # Neighbours begin differently, and so do replies.
        start = zlib.crc32("".join(one.item_id for one in explanations).encode())
        prompts = [self._prompt(one.cites, start + place) for place, one in enumerate(explanations)]
        written = self._model.generate(prompts, max_new_tokens=MAX_NEW_TOKENS, timeout_s=timeout_s)
        return [
            done.text if done.finished == "stop" and self._is_true(done.text, one) else ""
            for one, done in zip(explanations, written, strict=True)
        ]

    def _prompt(self, cites: Sequence[Evidence], turn: int) -> Prompt:
        words = first_words(cites)
        return writing_prompt(self._template, cites, self._catalogue, first=words[turn % len(words)])

    def _is_true(self, text: str, explanation: Explanation) -> bool:
        cites = explanation.cites
        told = told_in(text, claims(cites, names_of(cites, self._catalogue)))
        whole = len(told) == len(cites)
        return whole and self._checker.check(text, cites, self._catalogue[explanation.item_id]).ok


def writing_prompt(
    template: PromptTemplate, evidence: Sequence[Evidence], catalogue: Catalogue, *, first: str
) -> Prompt:
    """Asks for one sentence that says `evidence` and begins with the word `first`; training and serving ask alike."""
    names = names_of(evidence, catalogue)
    titles = {item_id: catalogue[item_id].title for item_id in names}
    told = [neutralise(text, max_chars=_MAX_REASON_CHARS) for text in reasons(evidence, names, titles)]
    return template.render(reasons=told, first=first)


def first_words(evidence: Sequence[Evidence]) -> Sequence[str]:
    """With which word a sentence that says `evidence` may begin: where there is much to say, at once."""
    return tuple(OPENINGS) if len(evidence) < _MANY else ("It",)


def names_of(evidence: Sequence[Evidence], catalogue: Catalogue) -> Mapping[ItemId, str]:
    """What the cited items are called in a sentence: their titles, without the year where nobody mistakes them."""
    cited = [one.item_id for one in evidence if one.item_id is not None and one.item_id in catalogue]
    bare = Counter(split_year(catalogue[item_id].title)[0] for item_id in dict.fromkeys(cited))
    return {
        item_id: name if bare[name] == 1 else catalogue[item_id].title
        for item_id in cited
        if (name := split_year(catalogue[item_id].title)[0])
    }
