"""OpenAI's chat completions on the wire: what is asked, and answers read as if anybody had written them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmrec.errors import ModelError
from llmrec.types import Completion, Label, LabelScores, Prompt

M = TypeVar("M", bound=BaseModel)

LogProb = Annotated[float, Field(le=1e-3, allow_inf_nan=False)]  # rounding may lift a certain token above 0
_UNLISTED = -1000.0  # servers write -9999 or the lowest float for a probability of 0
_MAX_SUM = 1.01
_SPACES = " \t\n▁Ġ"  # how tokenizers spell the space before a word
_MAX_SAID = 160


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Token(_Lenient):
    token: str
    logprob: LogProb


class _Place(_Token):
    top_logprobs: tuple[_Token, ...] = ()


class _LogProbs(_Lenient):
    content: tuple[_Place, ...] | None = None


class _Message(_Lenient):
    content: str | None = None


class _Choice(_Lenient):
    message: _Message
    finish_reason: str | None = None
    logprobs: _LogProbs | None = None


class _Answer(_Lenient):
    choices: Annotated[tuple[_Choice, ...], Field(min_length=1)]


class _Delta(_Lenient):
    delta: _Message


class _Chunk(_Lenient):
    choices: tuple[_Delta, ...] = ()


def request_body(
    model: str, prompt: Prompt, *, max_tokens: int, n_listed: int = 0, stream: bool = False
) -> Mapping[str, Any]:
    """A request for a greedy answer.

    Args:
        model: The server's name for it.
        prompt: The messages.
        max_tokens: Longest answer.
        n_listed: How many tokens are to be listed with their log-probabilities; 0 for none.
        stream: Whether the answer comes in pieces.
    """
    messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
    body: dict[str, Any] = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
    if n_listed:
        body |= {"logprobs": True, "top_logprobs": n_listed}
    return body | {"stream": True} if stream else body


def completion_of(content: bytes) -> Completion:
    """The text of an answer. Raises ModelError when it is none."""
    choice = _read(_Answer, content).choices[0]
    # What was cut for any reason, a filter's too, is not a whole text.
    return Completion((choice.message.content or "").strip(), "stop" if choice.finish_reason == "stop" else "length")


def first_token_of(content: bytes) -> Mapping[str, float]:
    """Log-probability of each token that the answer lists for its first place; empty when it lists none.

    Raises:
        ModelError: The answer is none, or what it lists are no log-probabilities.
    """
    listed = _read(_Answer, content).choices[0].logprobs
    if listed is None or not listed.content:
        return {}
    first = listed.content[0]
    found = {one.token: one.logprob for one in (first, *first.top_logprobs) if one.logprob > _UNLISTED}
    if math.fsum(map(math.exp, found.values())) > _MAX_SUM:
        raise ModelError("the server's answer has log-probabilities that sum to more than 1.")
    return found


def delta_of(line: bytes) -> str:
    """The text in one line of a streamed answer; empty where there is none. Raises ModelError."""
    kind, _, data = line.strip().partition(b":")
    if kind != b"data" or data.strip() in {b"", b"[DONE]"}:
        return ""
    choices = _read(_Chunk, data).choices
    return (choices[0].delta.content or "") if choices else ""


def label_scores(listed: Mapping[str, float], labels: Sequence[Label], *, n_prompt_tokens: int) -> LabelScores:
    """What `listed` says of `labels`; a label with and without a space before it is the same.

    A label that is not listed gets the lowest log-probability that is: it has at most that. Such labels count
    nothing in the label mass, which is then the least that all labels have.
    """
    known: dict[str, float] = {}
    for token, value in listed.items():
        text = token.strip(_SPACES)
        known[text] = float(np.logaddexp(known[text], value)) if text in known else value
    floor = min(listed.values(), default=_UNLISTED)
    log_probs = np.array([known.get(label, floor) for label in labels], dtype=np.float32)
    mass = math.fsum(math.exp(known[label]) for label in labels if label in known)
    return LabelScores(np.minimum(log_probs, np.float32(0)), min(1.0, mass), n_prompt_tokens)


def error_text(content: bytes, *, secret: str) -> str:
    """What an error's body says, cut to one printable line without `secret`; empty when it says nothing."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    for key in ("error", "message", "detail"):
        said = said.get(key, said) if isinstance(said, dict) else said
    if not isinstance(said, str):
        return ""
    line = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return (line.replace(secret, "***") if secret else line)[:_MAX_SAID].rstrip(".")


def _read(shape: type[M], content: bytes) -> M:
    try:
        return shape.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        where = f" at {place}" if place else ""
        raise ModelError(f"the server's answer is no chat completion{where}: {first['msg']}.") from error
