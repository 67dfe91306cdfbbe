"""What a server can do, found out by asking it two things whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmrec.errors import ModelError
from llmrec.language_model.remote_calls import RefusedError
from llmrec.language_model.remote_wire import label_scores
from llmrec.prompting.templates import PromptLibrary
from llmrec.types import Label, Prompt

FirstToken = Callable[[Prompt, int], Mapping[str, float]]
"""Log-probabilities of so many tokens at the answer's first place; empty where the server lists none."""

_A, _B = Label("A"), Label("B")
# Most servers list as many as they are asked for or at most 20, and some refuse what is too much.
_WIDTHS = (256, 20, 5)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model behind a URL can do.

    Attributes:
        n_listed: How many tokens it lists with their log-probabilities when asked; 0 for none.
        is_sound: Whether they follow the question: each of two letters gets more where it is the answer.
    """

    n_listed: int
    is_sound: bool

    @property
    def can_rank(self) -> bool:
        """Whether its log-probabilities are an opinion."""
        return self.n_listed > 0 and self.is_sound

    def sentence(self, name: str) -> str:
        """What the model `name` can do, for whoever connected it."""
        if not self.n_listed:
            return f"{name} answers chats but lists no log-probabilities: it has no say in the order."
        if not self.is_sound:
            return f"{name} lists log-probabilities that do not follow the question: it has no say in the order."
        return f"{name} answers chats and lists the log-probabilities of {self.n_listed} tokens: it has its say."


def probe(first_token: FirstToken) -> Abilities:
    """The abilities of whoever answers `first_token`. Raises ModelError, ModelTimeout."""
    template = PromptLibrary.load()["probe"]
    prompt_a, prompt_b = template.render(label=_A), template.render(label=_B)
    width, listed_a = _widest(first_token, prompt_a)
    if not listed_a:
        return Abilities(0, is_sound=False)
    listed_b = first_token(prompt_b, width)
    return Abilities(min(width, len(listed_a)), _lean_to_a(listed_a) > _lean_to_a(listed_b))


def _widest(first_token: FirstToken, prompt: Prompt) -> tuple[int, Mapping[str, float]]:
    """The widest list that the server does not refuse, and what it holds; width 0 when it refuses each."""
    for width in _WIDTHS:
        try:
            return width, first_token(prompt, width)
        except RefusedError:
            continue
    first_token(prompt, 0)  # a wrong model or key is refused here too, and said
    return 0, {}


def _lean_to_a(listed: Mapping[str, float]) -> float:
    """How much rather A than B is the answer."""
    if not listed:
        raise ModelError("the server listed log-probabilities for one question and none for the next.")
    log_probs = label_scores(listed, (_A, _B), n_prompt_tokens=0).log_probs
    return float(log_probs[0] - log_probs[1])
