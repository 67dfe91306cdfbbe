"""A language model behind a URL that speaks OpenAI's protocol: texts, and scores of labels where it lists them."""

from __future__ import annotations

import logging
import os
import random
import re
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from string import ascii_lowercase, ascii_uppercase
from threading import Lock

from llmrec.errors import ModelError, ModelTimeout
from llmrec.language_model.remote_address import KEY_VARIABLE, Address
from llmrec.language_model.remote_calls import Caller, Patience, RefusedError
from llmrec.language_model.remote_probe import Abilities, probe
from llmrec.language_model.remote_wire import completion_of, delta_of, first_token_of, label_scores, request_body
from llmrec.prompting.templates import PromptLibrary
from llmrec.servers import CircuitBreaker, key_for
from llmrec.types import Completion, Label, LabelScores, Prompt

logger = logging.getLogger(__name__)

# Single letters are one token to every tokenizer; of pairs nobody here can know.
_LABELS = tuple(map(Label, ascii_uppercase + ascii_lowercase))
_MAX_CHOICES = 8  # reading costs more than writing where a server has no GPU
_MAX_AT_ONCE = 8  # requests of one call that wait at the server together
_CONTEXT = 4096  # the protocol does not tell; a server with less refuses what is too long
_BYTES_PER_TOKEN = 2  # titles with years have about so many, prose twice as many
_TOKENS_PER_MESSAGE = 8
_PROBE_S = 15.0
_LETTER_TOKENS = 4  # of an answer that is a letter, with a bracket or a space around it
_LETTER = re.compile(r"\W*([A-Za-z])(?:[.):,]|\W*$)")


class RemoteLM:
    """Implements LanguageModel, BulkLabelScorer and TextChooser. Threads may share one."""

    def __init__(self, address: Address, caller: Caller) -> None:
        """Ask `caller` for the model of `address`; nothing is sent yet."""
        self._address = address
        self._caller = caller
        self._abilities: Abilities | None = None
        self._probing = Lock()
        self._choose = PromptLibrary.load()["choose"]
        # A recommender has no end of its own; connections go with the model that used them.
        self._end = weakref.finalize(self, caller.close)

    @classmethod
    def connect(cls, setting: str, environment: Mapping[str, str] = os.environ) -> RemoteLM:
        """The model that `setting` names, asked what it can do; one that cannot be reached now is asked again later.

        Raises:
            ConfigError: `setting` names none, or the key in `environment` is not for that server.
            ModelError: The server does not want the key or has no such model.
        """
        address = Address.of(setting)
        key = key_for(address.host, KEY_VARIABLE, environment)
        # Pauses are drawn so that processes differ; nothing that is recommended depends on them.
        caller = Caller(address, key, patience=Patience(), breaker=CircuitBreaker(), rng=random.Random())
        model = cls(address, caller)
        try:
            abilities = model.abilities(timeout_s=_PROBE_S)
        except RefusedError:
            model.close()
            raise
        except ModelError as error:
            logger.warning("%s is without a say until it answers: %s", model.name, str(error))
        else:
            logger.log(logging.INFO if abilities.can_rank else logging.WARNING, "%s", abilities.sentence(model.name))
        return model

    def close(self) -> None:
        """Let go of the connections."""
        self._end()

    @property
    def name(self) -> str:
        """The model and where it is, for traces."""
        return self._address.name

    @property
    def adapter(self) -> str:
        """Empty: what the server has merged into the model, it does not tell."""
        return ""

    @property
    def max_prompt_tokens(self) -> int:
        """As many as servers usually read; one that reads less refuses, and one that reads more is not told so."""
        return _CONTEXT

    def abilities(self, *, timeout_s: float) -> Abilities:
        """What the model can do, asked once. Raises ModelError, ModelTimeout."""
        deadline = time.monotonic() + timeout_s
        if not self._probing.acquire(timeout=timeout_s):
            raise ModelTimeout(f"{self.name} was not known in time.")
        try:
            if self._abilities is None:
                self._abilities = probe(lambda prompt, width: self._first_token(prompt, width, deadline))
            return self._abilities
        finally:
            self._probing.release()

    def labels(self, n: int) -> Sequence[Label]:
        """`A` to `Z`, then `a` to `z`. Raises ModelError when `n` is more than that."""
        if n > len(_LABELS):
            raise ModelError(f"a model behind a URL has {len(_LABELS)} labels, not {n}.")
        return _LABELS[:n]

    def count_tokens(self, prompt: Prompt) -> int:
        """An estimate, for only the server has the tokenizer: a token for every two bytes, a few for each message."""
        n_bytes = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in prompt.messages)
        return n_bytes // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(prompt.messages)

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """What the server lists for the answer's first token; see `label_scores` for labels that it does not list.

        Raises:
            ModelError: The server failed, answered nonsense, or lists no log-probabilities.
            ModelTimeout: It was late.
        """
        deadline = time.monotonic() + timeout_s
        n_tokens = self._checked_length(prompt)
        abilities = self.abilities(timeout_s=timeout_s)
        if not abilities.can_rank:
            raise ModelError(abilities.sentence(self.name))
        listed = self._first_token(prompt, abilities.n_listed, deadline)
        return label_scores(listed, labels, n_prompt_tokens=n_tokens)

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        """What `score_labels` gives each, asked at the same time: servers read together what comes together.

        Raises:
            ModelError: Any of them failed.
            ModelTimeout: Any was late.
        """
        if not prompts:
            return []
        deadline = time.monotonic() + timeout_s

        def scored(prompt: Prompt, own: Sequence[Label]) -> LabelScores:
            return self.score_labels(prompt, own, timeout_s=max(0.0, deadline - time.monotonic()))

        with ThreadPoolExecutor(min(len(prompts), _MAX_AT_ONCE), thread_name_prefix="llmrec-remote") as pool:
            return list(pool.map(scored, prompts, labels))

    def generate(self, prompts: Sequence[Prompt], *, max_new_tokens: int, timeout_s: float) -> Sequence[Completion]:
        """One greedy completion per prompt, one after the other; empty and marked where the time ran out.

        Raises:
            ModelError: The server failed or answered nonsense.
        """
        deadline = time.monotonic() + timeout_s
        return [self._completion(prompt, max_new_tokens, deadline) for prompt in prompts]

    def stream(self, prompt: Prompt, *, max_new_tokens: int, timeout_s: float) -> Iterator[str]:
        """The greedy completion in pieces; it ends early at `timeout_s`. Closing the iterator hangs up."""
        self._checked_length(prompt)
        body = request_body(self._address.model, prompt, max_tokens=max_new_tokens, stream=True)
        try:
            for line in self._caller.stream(body, timeout_s=timeout_s):
                if delta := delta_of(line):
                    yield delta
        except ModelTimeout:
            return

    def choose(
        self, prompts: Sequence[Prompt], choices: Sequence[Sequence[str]], *, timeout_s: float
    ) -> Sequence[Completion]:
        """For each prompt one of the first of its `choices`, by letter: nothing in the protocol holds a model to texts.

        One that was answered without a letter gets an empty text, marked `length`. Raises ModelError.
        """
        deadline = time.monotonic() + timeout_s
        return [self._chosen(prompt, texts, deadline) for prompt, texts in zip(prompts, choices, strict=True)]

    def _chosen(self, prompt: Prompt, texts: Sequence[str], deadline: float) -> Completion:
        if len(texts) < 2:
            return Completion(texts[0], "stop") if texts else Completion("", "length")
        labels = self.labels(min(len(texts), _MAX_CHOICES))
        shown = [{"label": label, "text": text} for label, text in zip(labels, texts, strict=False)]
        asked = self._choose.render(question=prompt.messages[-1].content, texts=shown)
        answer = self._completion(asked, _LETTER_TOKENS, deadline)
        if answer.finished == "timeout":
            return answer
        letter = _LETTER.match(answer.text)
        place = labels.index(Label(letter[1])) if letter and letter[1] in labels else None
        return Completion("", "length") if place is None else Completion(texts[place], "stop")

    def _completion(self, prompt: Prompt, max_new_tokens: int, deadline: float) -> Completion:
        self._checked_length(prompt)
        body = request_body(self._address.model, prompt, max_tokens=max_new_tokens)
        try:
            return self._caller.post(body, completion_of, timeout_s=deadline - time.monotonic())
        except ModelTimeout:
            return Completion("", "timeout")

    def _first_token(self, prompt: Prompt, n_listed: int, deadline: float) -> Mapping[str, float]:
        body = request_body(self._address.model, prompt, max_tokens=1, n_listed=n_listed)
        return self._caller.post(body, first_token_of, timeout_s=deadline - time.monotonic())

    def _checked_length(self, prompt: Prompt) -> int:
        n_tokens = self.count_tokens(prompt)
        if n_tokens > self.max_prompt_tokens:
            raise ModelError(
                f"the prompt has about {n_tokens} tokens; {self.name} is given {self.max_prompt_tokens} at most."
            )
        return n_tokens
