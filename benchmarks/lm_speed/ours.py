"""This package's own rankers, whole as they serve: prompts built, counted, read and scored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.lm_speed.loaded import Loaded
from benchmarks.lm_speed.systems import MAX_HISTORY
from benchmarks.lm_speed.users import Case
from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Ranker
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.language_model.candidate_reader import CandidateReader
from llmrec.language_model.packed import pack
from llmrec.language_model.prefix_cache import PrefixCache
from llmrec.prompting.rank_prompt import CandidatePrompt, IsolatedPrompt, RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.ranking.isolated import IsolatedLimits, IsolatedRanker
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.types import Candidate, Item

_TIMEOUT_S = 600.0
_MAX_SLATE = 1000


@dataclass(frozen=True, slots=True)
class Text:
    """How much of a user and of an item a prompt says.

    Attributes:
        n_history: Titles of the history.
        max_values: Values of a fact that has several, such as genres; None for all.
    """

    n_history: int = MAX_HISTORY
    max_values: int | None = None

    def __str__(self) -> str:
        """In words."""
        values = "all" if self.max_values is None else f"at most {self.max_values}"
        return f"{self.n_history} titles of history, {values} values of each fact"

    def said_of(self, catalogue: Catalogue) -> Catalogue:
        """`catalogue` with as many values as are said."""
        if self.max_values is None:
            return catalogue
        return Catalogue(_shortened(item, self.max_values) for item in catalogue.values())


class Isolated:
    """The ranker that judges candidates apart, and what it has the model read."""

    def __init__(self, loaded: Loaded, catalogue: Catalogue, text: Text) -> None:
        """Rank with `loaded`; descriptions are never shown."""
        self.loaded = loaded
        self._catalogue = text.said_of(catalogue)
        template = PromptLibrary.load()["rank_isolated"]
        self._prompt = IsolatedPrompt(template, max_history=text.n_history, max_description_chars=0)
        limits = IsolatedLimits(_MAX_SLATE, loaded.lm.max_prompt_tokens, min_label_mass=0.0, timeout_s=_TIMEOUT_S)
        self._ranker = IsolatedRanker(loaded.lm, self._prompt, self._catalogue, limits=limits)

    def score(self, case: Case) -> Sequence[float]:
        """How much rather yes than no the model says to each candidate."""
        return scores_of(self._ranker, case)

    def ids(self, case: Case) -> CandidateIds:
        """What the model reads."""
        built = self._built(case)
        return self.loaded.encoding.ids(built.prompt, built.candidates)

    def texts(self, case: Case) -> tuple[str, tuple[str, ...]]:
        """What the model reads, as text: the prompt up to where the answer begins, and each candidate."""
        ids, decode = self.ids(case), self.loaded.tokenizer.decode
        return str(decode(ids.prefix)), tuple(str(decode(candidate)) for candidate in ids.candidates)

    def score_forgetting(self, case: Case) -> Sequence[float]:
        """The same scores by a reader that remembers no prompt."""
        reader = CandidateReader(
            self.loaded.model, self.loaded.encoding, name=self.loaded.name, kept=PrefixCache(max_texts=0)
        )
        with torch.inference_mode():
            scores, _ = reader.read(self.ids(case), adapter="", deadline=time.monotonic() + _TIMEOUT_S)
        return [float(score) for score in scores]

    def score_in_one_pass(self, case: Case) -> Sequence[float]:
        """The same scores without any lever: all of it in one row, nothing remembered, logits at every token."""
        ids, encoding = self.ids(case), self.loaded.encoding
        packed = pack([ids.segments()])
        with torch.inference_mode():
            hidden = self.loaded.model.base_model(
                input_ids=packed.input_ids,
                position_ids=packed.position_ids,
                attention_mask=packed.additive_mask(torch.float32),
                use_cache=False,
            ).last_hidden_state
            logits = self.loaded.model.get_output_embeddings()(hidden)[0, packed.ends[0, 1:]]
        return [float(score) for score in logits[:, encoding.yes_id] - logits[:, encoding.no_id]]

    def _built(self, case: Case) -> CandidatePrompt:
        lm = self.loaded.lm
        return self._prompt.build(
            case.query, case.item_ids, self._catalogue, count_tokens=lm.count_tokens, max_tokens=lm.max_prompt_tokens
        )


class Listwise:
    """The ranker that shows all candidates under labels."""

    def __init__(self, loaded: Loaded, catalogue: Catalogue, *, n_candidates: int) -> None:
        """Rank with `loaded`; descriptions are never shown."""
        limits = ListwiseLimits(n_candidates, loaded.lm.max_prompt_tokens, min_label_mass=0.0, timeout_s=_TIMEOUT_S)
        prompt = RankPrompt(PromptLibrary.load()["rank"], max_history=MAX_HISTORY, max_description_chars=0)
        self._ranker = ListwiseRanker(loaded.lm, prompt, catalogue, limits=limits)

    def score(self, case: Case) -> Sequence[float]:
        """Log-probability of each candidate's label."""
        return scores_of(self._ranker, case)


def scores_of(ranker: Ranker, case: Case) -> Sequence[float]:
    """What `ranker` says of each candidate, in the order given. Ends the run when the model did not rank."""
    candidates = [Candidate(item_id, -float(place), "drawn") for place, item_id in enumerate(case.item_ids)]
    ranking = ranker.rank(case.query, candidates)
    if ranking.report.degraded:
        raise SystemExit(f"the model did not rank: {ranking.report.degraded}")
    return [ranking.report.lm_scores[item_id] for item_id in case.item_ids]


def _shortened(item: Item, max_values: int) -> Item:
    facts = {name: value[:max_values] if isinstance(value, tuple) else value for name, value in item.facts.items()}
    return replace(item, facts=facts)
