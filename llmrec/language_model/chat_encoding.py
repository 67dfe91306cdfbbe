"""From prompts to token ids: the model's own chat template, control tokens from item and user text defused."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from threading import Lock
from typing import cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from llmrec.errors import ModelError
from llmrec.types import ChatMessage, Label, Prompt

_PROBE = Prompt((ChatMessage("system", "x"), ChatMessage("user", "x")), "")


class ChatEncoding:
    """One tokenizer with its chat template; safe to use from several threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, name: str) -> None:
        """Keep `tokenizer` of the model `name`. Raises ModelError when it has no chat template."""
        if not tokenizer.chat_template:
            raise ModelError(f"{name} has no chat template.", hint="Use an instruction-tuned model.")
        self._tokenizer = tokenizer
        self._name = name
        # Encoding with control tokens as text flips a flag inside the tokenizer and back.
        self._lock = Lock()
        self._has_system_role = True
        self._has_system_role = self._renders(_PROBE)
        self._labels = self._single_token_labels()

    @property
    def has_system_role(self) -> bool:
        """Whether the template knows it; where not, the user's first message begins with what the system says."""
        return self._has_system_role

    def ids(self, prompt: Prompt) -> list[int]:
        """Token ids up to where the answer begins; no control token but those of the template. Raises ModelError."""
        try:
            with self._lock:
                return list(self._encode(prompt))
        except (TemplateError, ValueError) as error:
            raise ModelError(f"the chat template of {self._name} refuses the prompt: {error}.") from error

    def text_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text as an answer, without its end; no control token among them."""
        if not texts:
            return []
        with self._lock:
            encoded = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
        return [list(ids) for ids in encoded["input_ids"]]

    def labels(self, n: int) -> tuple[Label, ...]:
        """The first `n` labels. Raises ModelError when there are fewer."""
        if n > len(self._labels):
            raise ModelError(f"{self._name} reads {len(self._labels)} labels as one token each; {n} were asked for.")
        return tuple(self._labels)[:n]

    def label_ids(self, labels: Sequence[Label]) -> list[int]:
        """Token id of each label. Raises ModelError for one that is not a single token at the answer position."""
        try:
            return [self._labels[label] for label in labels]
        except KeyError as error:
            raise ModelError(f"{error.args[0]!r} is not a label of {self._name}; take them from labels().") from error

    def _encode(self, prompt: Prompt) -> list[int]:
        encoded = self._tokenizer.apply_chat_template(
            self._messages(prompt),
            add_generation_prompt=True,
            sanitize_control_tokens=True,
            return_dict=False,
            # Models that reason first would answer with their thoughts; templates without the switch ignore it.
            enable_thinking=False,
        )
        # One conversation, tokenized, without the dict: a list of ids; the signature covers every other wish too.
        return cast(list[int], encoded)

    def _messages(self, prompt: Prompt) -> list[dict[str, str]]:
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        if self._has_system_role or len(messages) < 2 or messages[0]["role"] != "system":
            return messages
        first, second, *rest = messages
        return [{"role": second["role"], "content": f"{first['content']}\n\n{second['content']}"}, *rest]

    def _renders(self, prompt: Prompt) -> bool:
        try:
            self._encode(prompt)
        except TemplateError:
            return False
        return True

    def _single_token_labels(self) -> dict[Label, int]:
        """Letters, then letter pairs, that this tokenizer reads as one token right where the answer begins."""
        rendered = str(
            self._tokenizer.apply_chat_template(
                self._messages(_PROBE), add_generation_prompt=True, tokenize=False, enable_thinking=False
            )
        )
        known = [*ascii_uppercase, *(a + b for a in ascii_uppercase for b in ascii_uppercase)]
        before, *after = self._tokenizer([rendered, *(rendered + label for label in known)], add_special_tokens=False)[
            "input_ids"
        ]
        found: dict[Label, int] = {}
        for label, ids in zip(known, after, strict=True):
            if ids[:-1] == before and ids[-1] not in found.values():
                found[Label(label)] = ids[-1]
        return found
