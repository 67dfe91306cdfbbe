"""This package's own rankers, whole as they serve: prompts built, counted, read and scored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from benchmarks.lm_speed.loaded import Loaded
from benchmarks.lm_speed.systems import MAX_HISTORY
from benchmarks.lm_speed.users import Case
from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import CandidateScorer, Ranker
from llmrec.language_model.candidate_encoding import CandidateIds, Wanted
from llmrec.language_model.candidate_reader import CandidateReader, last_token
from llmrec.language_model.continuation_reader import continuation_ids, foretelling_tokens
from llmrec.language_model.packed import pack
from llmrec.language_model.prefix_cache import PrefixCache
from llmrec.prompting.rank_prompt import CandidatePrompt, IsolatedPrompt, RankPrompt
from llmrec.prompting.templates import PromptLibrary
from llmrec.prompting.textualize import ItemText
from llmrec.ranking.isolated import IsolatedLimits, IsolatedRanker
from llmrec.ranking.likelihood import LikelihoodScorer
from llmrec.ranking.listwise import ListwiseLimits, ListwiseRanker
from llmrec.types import Candidate

Mode = Literal["isolated", "likelihood"]
_TIMEOUT_S = 600.0
_MAX_SLATE = 1000


@dataclass(frozen=True, slots=True)
class Text:
    """How much of a user and of an item a prompt says.

    Attributes:
        n_history: Titles of the history.
        shown: How an item is shown, as `ranking.text` of the settings; never with its description.
    """

    n_history: int = MAX_HISTORY
    shown: ItemText = "full"

    def __str__(self) -> str:
        """In words."""
        return f"{self.n_history} titles of history, ranking.text={self.shown}"


class Isolated:
    """The ranker that judges candidates apart, and what it has the model read."""

    def __init__(self, loaded: Loaded, catalogue: Catalogue, text: Text, *, mode: Mode = "isolated") -> None:
        """Rank with `loaded`, by yes or no or by how likely a candidate is to come next."""
        self.loaded = loaded
        self.mode: Mode = mode
        self._catalogue = catalogue
        self._scorer: CandidateScorer = loaded.lm if mode == "isolated" else LikelihoodScorer(loaded.lm)
        self._prompt = IsolatedPrompt(
            PromptLibrary.load()[f"rank_{mode}"],
            max_history=text.n_history,
            max_description_chars=0,
            text=text.shown,
        )
        self._forgetful = CandidateReader(
            loaded.model, loaded.encoding, name=loaded.name, kept=PrefixCache(max_texts=0)
        )
        limits = IsolatedLimits(_MAX_SLATE, loaded.lm.max_prompt_tokens, min_label_mass=0.0, timeout_s=_TIMEOUT_S)
        self._ranker = IsolatedRanker(self._scorer, self._prompt, catalogue, limits=limits)

    def score(self, case: Case) -> Sequence[float]:
        """How much rather yes than no the model says to each candidate."""
        return scores_of(self._ranker, case)

    def ids(self, case: Case) -> CandidateIds:
        """What the model reads."""
        built = self._built(case)
        if self.mode == "likelihood":
            return continuation_ids(self.loaded.chat, built.prompt, built.candidates)
        return self.loaded.encoding.ids(built.prompt, built.candidates)

    @property
    def wanted(self) -> Wanted:
        """Of which tokens of a candidate the logits are asked for."""
        return last_token if self.mode == "isolated" else foretelling_tokens

    def texts(self, case: Case) -> tuple[str, tuple[str, ...]]:
        """What the model reads, as text: the prompt up to where the answer begins, and each candidate."""
        ids, decode = self.ids(case), self.loaded.tokenizer.decode
        return str(decode(ids.prefix)), tuple(str(decode(candidate)) for candidate in ids.candidates)

    def score_forgetting(self, case: Case) -> Sequence[float]:
        """The same scores by a reader that remembers no prompt."""
        with torch.inference_mode():
            scores, _ = self._forgetful.read(self.ids(case), adapter="", deadline=time.monotonic() + _TIMEOUT_S)
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
        return self._prompt.build(
            case.query,
            case.item_ids,
            self._catalogue,
            count_tokens=self._scorer.count_tokens,
            max_tokens=self._scorer.max_prompt_tokens,
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
