"""`decision.json` and `decision_template.jinja`: an adapter's prompts for the stock `pipeline("decision")`.

The pipeline renders a request `{"state": ..., "questions": ...}` with one template that stands for prompt and chat
template together, and reads the labels' logits where it ends. `state` holds the prompt's own inputs (`history`,
`likes`, `dislikes`, `wish`, `turns`); a listwise adapter answers `choice` questions whose criteria are the items' lines
by id, an isolated one `noul` questions whose instructions are one item's line.
Source: transformers 5.23, `decision/configuration_utils.py` and `decision/template_utils.py`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from jinja2 import TemplateError
from transformers import AddedToken, PreTrainedTokenizerBase

from llmrec.errors import ModelError
from llmrec.language_model.candidate_encoding import CandidateEncoding
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.prompting.rank_prompt import SlateLine, SpokenLine
from llmrec.prompting.templates import PromptTemplate
from llmrec.types import Prompt, Role

DECISION_FILE, DECISION_TEMPLATE = "decision.json", "decision_template.jinja"
_MARK, _SPLIT = "<|mark|>", "<|split|>"  # what the pipeline cuts texts at; it feeds neither to the model

_STATE = """\
{% set history, likes, dislikes, turns = state.history, state.likes, state.dislikes, state.turns %}
{% set wish = state if state is string else state.wish %}
"""
_REFUSAL = """\
{% if question.type != "TYPE" %}{{ raise_exception("This adapter answers questions of type TYPE alone.") }}{% endif %}
"""
_SLATE = """\
{% set slate = namespace(lines=[]) %}
{% for label in question.labels %}
{% set text = question.descriptions[loop.index0] or question.options[loop.index0] %}
{% set slate.lines = slate.lines + [{"label": label, "text": text}] %}
{% endfor %}
{% set items = slate.lines %}
"""
_CANDIDATE = "{% set items = [question.instructions] %}\n"
_PROBE: Mapping[str, object] = {
    "history": ["Alpha (1999)", "Beta: 2 | x"],
    "likes": ["Gamma"],
    "dislikes": ["Delta"],
    "wish": "something quiet",
    "turns": [SpokenLine("User", "Hello, you!"), SpokenLine("Assistant", "What would you like?")],
}
_PROBED_ITEMS = ("Epsilon (2001) | Drama", "Zeta")


@dataclass(frozen=True, slots=True)
class DecisionFiles:
    """What the pipeline reads beside an adapter.

    Attributes:
        template: The chat template with the prompt in it.
        labels: The answers by type of question, each one token.
        temperature: Of the softmax over them, by type of question.
    """

    template: str
    labels: Mapping[str, Sequence[str]]
    temperature: Mapping[str, float]

    def write(self, directory: Path) -> None:
        """Into `directory`, where the adapter's weights lie too."""
        values = {
            "labels": {kind: list(labels) for kind, labels in self.labels.items()},
            "temperature": dict(self.temperature),
            # The pipeline's word for where the LoRA is; without it, it takes the base alone.
            "adapter": ".",
        }
        _write(directory, values, self.template)


def listwise_files(
    tokenizer: PreTrainedTokenizerBase, prompt: PromptTemplate, *, name: str, n_labels: int, temperature: float
) -> DecisionFiles:
    """The files of an adapter that reads a slate's labels.

    Args:
        tokenizer: The base model's.
        prompt: The template that it was trained with.
        name: The base model's.
        n_labels: Most items of one question.
        temperature: Of the softmax over them.

    Raises:
        ModelError: The pipeline would read other tokens than the ranker does.
    """
    chat = ChatEncoding(tokenizer, name=name)
    labels = chat.labels(n_labels)
    template = _template(chat, tokenizer, prompt.sources, items=_REFUSAL.replace("TYPE", "choice") + _SLATE)
    shown = [SlateLine(label, text) for label, text in zip(labels, _PROBED_ITEMS, strict=False)]
    question = {
        "type": "choice",
        "labels": [line.label for line in shown],
        "descriptions": [line.text for line in shown],
        "options": ["a", "b"],
    }
    asked = _Asked(chat.ids(_probed(prompt, shown)), [[found] for found in chat.label_ids(labels)])
    _check(tokenizer, template, question, asked, labels, name=name)
    return DecisionFiles(template, {"choice": labels}, {"choice": temperature})


def isolated_files(tokenizer: PreTrainedTokenizerBase, prompt: PromptTemplate, *, name: str) -> DecisionFiles:
    """The files of an adapter that says yes or no of each candidate.

    The temperature that an adapter stores is of a softmax over a slate; a question of yes or no has none.

    Args:
        tokenizer: The base model's.
        prompt: The template that it was trained with; its last message is one candidate's line.
        name: The base model's.

    Raises:
        ModelError: The pipeline would read other tokens than the ranker does.
    """
    chat = ChatEncoding(tokenizer, name=name)
    encoding = CandidateEncoding(chat, name=name)
    labels = [str(tokenizer.decode([answer])) for answer in (encoding.yes_id, encoding.no_id)]
    *shared, (_, line) = prompt.sources
    template = _template(chat, tokenizer, shared, items=_REFUSAL.replace("TYPE", "noul") + _CANDIDATE)
    lead = json.dumps(str(tokenizer.decode(encoding.lead))) if encoding.lead else '""'
    # The candidate is encoded apart from the prompt, so that many can follow one that was read.
    template += f"{{% set line %}}{line}{{% endset %}}\n{_SPLIT}{{{{ line | trim }}}}{_SPLIT}{{{{ {lead} }}}}"
    whole = _probed(prompt, [_PROBED_ITEMS[0]])
    ids = encoding.ids(Prompt(whole.messages[:-1], whole.template_hash), [whole.messages[-1].content])
    question = {"type": "noul", "labels": labels, "instructions": _PROBED_ITEMS[0]}
    asked = _Asked([*ids.prefix, *ids.candidates[0]], [[encoding.yes_id], [encoding.no_id]])
    _check(tokenizer, template, question, asked, labels, name=name)
    return DecisionFiles(template, {"noul": labels}, {})


def copy_decision_files(source: Path, directory: Path) -> bool:
    """Put the files of the adapter `source` beside a model that has it built in; False when it has none.

    Raises:
        ModelError: They cannot be read.
    """
    try:
        values = json.loads((source / DECISION_FILE).read_text(encoding="utf-8"))
        template = (source / DECISION_TEMPLATE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise ModelError(f"{source / DECISION_FILE} or its template cannot be read: {error}.") from error
    _write(directory, {**values, "adapter": None}, template)
    return True


@dataclass(frozen=True, slots=True)
class _Asked:
    """Token ids of the probe as a ranker feeds it, and of each answer."""

    ids: Sequence[int]
    answers: Sequence[Sequence[int]]


def _template(
    chat: ChatEncoding, tokenizer: PreTrainedTokenizerBase, sections: Sequence[tuple[Role, str]], *, items: str
) -> str:
    parts = [f"{{% set part_{n} %}}{source}{{% endset %}}\n" for n, (_, source) in enumerate(sections)]
    contents = [(role, f"(part_{n} | trim)") for n, (role, _) in enumerate(sections)]
    if not chat.has_system_role and len(contents) > 1 and contents[0][0] == "system":
        (_, system), (role, first), *rest = contents
        contents = [(role, f'{system} ~ "\\n\\n" ~ {first}'), *rest]
    listed = ", ".join(f'{{"role": "{role}", "content": {content}}}' for role, content in contents)
    messages = f"{{% set messages = [{listed}] %}}\n"
    own = str(tokenizer.get_chat_template())
    # Jinja drops the newline that ends a template; here more may follow.
    return "".join([_STATE, items, *parts, messages, own.removesuffix("\n")])


def _probed(prompt: PromptTemplate, items: Sequence[object]) -> Prompt:
    values = {**_PROBE, "items": items}
    return prompt.render(**{name: values[name] for name in prompt.inputs})


def _check(
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    question: Mapping[str, object],
    asked: _Asked,
    labels: Sequence[str],
    *,
    name: str,
) -> None:
    """Raise ModelError when the pipeline would not feed and read the same tokens as the rankers."""
    # The pipeline adds its two tokens to its tokenizer; ours stays as it is.
    theirs = copy.deepcopy(tokenizer)
    theirs.add_tokens([AddedToken(token, special=True, normalized=False) for token in (_MARK, _SPLIT)])
    turns = [{"speaker": turn.speaker, "text": turn.text} for turn in cast(Sequence[SpokenLine], _PROBE["turns"])]
    try:
        encoded = theirs.apply_chat_template(
            [{"role": "user", "content": ""}],
            chat_template=template,
            add_generation_prompt=True,
            sanitize_control_tokens=True,
            return_dict=False,
            enable_thinking=False,
            state={**_PROBE, "turns": turns},
            question=question,
        )
    except (TemplateError, ValueError) as error:
        raise ModelError(f"the prompt does not fit into the chat template of {name}: {error}.") from error
    dropped = [theirs.convert_tokens_to_ids(token) for token in (_MARK, _SPLIT)]
    # One conversation, tokenized, without the dict: a list of ids; the signature covers every other wish too.
    ids = [found for found in cast(list[int], encoded) if found not in dropped]
    answers = theirs(list(labels), add_special_tokens=False)["input_ids"]
    if ids != list(asked.ids) or [list(answer) for answer in answers] != [list(answer) for answer in asked.answers]:
        raise ModelError(f"a decision pipeline over {name} would not read the tokens that its ranker reads.")


def _write(directory: Path, values: Mapping[str, object], template: str) -> None:
    (directory / DECISION_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    (directory / DECISION_TEMPLATE).write_text(template, encoding="utf-8")
