"""Prompt templates: Jinja files with front matter and role sections, rendered strictly and sandboxed."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmrec.errors import ConfigError
from llmrec.types import ChatMessage, Prompt, Role

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_SECTION = re.compile(r"^(system|user|assistant):[ \t]*$", re.MULTILINE)
_KEYS = ("version", "description", "inputs")
# Values are plain text that goes to a model, not to a page: nothing is escaped as HTML.
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


@dataclass(frozen=True)
class PromptTemplate:
    """One prompt file.

    Attributes:
        name: The file's stem, `rank`.
        version: The author's own number.
        inputs: Every variable that `render` needs, and no other.
        hash: First 12 hex digits of the file's sha256.
        path: Where it stands; empty for a template that was given as text.
        sources: Each message's role and Jinja.
    """

    name: str
    version: str
    description: str
    inputs: tuple[str, ...]
    hash: str
    path: Path
    sources: tuple[tuple[Role, str], ...]
    _sections: tuple[tuple[Role, Template], ...]

    @classmethod
    def from_text(cls, name: str, text: str, *, path: Path = Path()) -> PromptTemplate:
        """The template in `text`. Without front matter its inputs are the variables it uses.

        Raises:
            ConfigError: The front matter, the sections or the Jinja of `text` are wrong.
        """
        source = text.replace("\r\n", "\n")
        front = _FRONT_MATTER.match(source)
        body = source[front.end() :] if front else source
        sources = tuple(_sources(name, body))
        sections = tuple((role, _compile(name, text)) for role, text in sources)
        used = _variables(body)
        values = _front_matter(name, front.group(1)) if front else {"inputs": sorted(used)}
        inputs = _names(name, values["inputs"])
        for variable in sorted(used - set(inputs)):
            raise ConfigError(f"prompt {name}: {variable!r} is used but not in inputs.", hint=_hint(variable, inputs))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        version, description = str(values.get("version", "")), str(values.get("description", ""))
        return cls(name, version, description, inputs, digest, path, sources, sections)

    @classmethod
    def from_file(cls, path: Path) -> PromptTemplate:
        """The template in `path`, which must have front matter. Raises ConfigError."""
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the prompt file {path} cannot be read: {error}.") from error
        if not text.startswith("---"):
            raise ConfigError(f"the prompt file {path} has no front matter; begin it with --- and {', '.join(_KEYS)}.")
        return cls.from_text(path.stem, text, path=path)

    def render(self, **values: object) -> Prompt:
        """The prompt with `values` filled in. Raises ConfigError for a missing, an extra or an unusable value."""
        for missing in sorted(set(self.inputs) - set(values)):
            raise ConfigError(f"prompt {self.name}: the input {missing!r} is missing.")
        for extra in sorted(set(values) - set(self.inputs)):
            raise ConfigError(f"prompt {self.name} has no input {extra!r}.", hint=_hint(extra, self.inputs))
        try:
            messages = tuple(ChatMessage(role, part.render(values).strip()) for role, part in self._sections)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise ConfigError(f"prompt {self.name} cannot be rendered: {error}.") from error
        return Prompt(messages, self.hash)


@dataclass(frozen=True)
class PromptLibrary:
    """All prompts by name.

    Attributes:
        overridden: Names of packaged prompts that an own file replaced.
    """

    templates: Mapping[str, PromptTemplate]
    overridden: tuple[str, ...] = ()

    @classmethod
    def load(cls, directory: Path | None = None) -> PromptLibrary:
        """The packaged prompts, and those of `directory` on top. Raises ConfigError."""
        packaged = _templates_in(packaged_prompts())
        if directory is None:
            return cls(packaged)
        if not directory.is_dir():
            raise ConfigError(f"the prompt directory {directory} does not exist.")
        own = _templates_in(directory)
        if not own:
            raise ConfigError(f"the prompt directory {directory} holds no *.jinja file.")
        return cls({**packaged, **own}, tuple(sorted(set(packaged) & set(own))))

    def values(self) -> Collection[PromptTemplate]:
        """All templates, the packaged ones first."""
        return self.templates.values()

    def __getitem__(self, name: str) -> PromptTemplate:
        """The prompt called `name`. Raises ConfigError."""
        try:
            return self.templates[name]
        except KeyError:
            raise ConfigError(f"no prompt is called {name!r}.", hint=_hint(name, self.templates)) from None


def packaged_prompts() -> Path:
    """The directory of the prompts that come with the package: inside a wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "prompts"
    return installed if installed.is_dir() else package.parent / "prompts"


def _templates_in(directory: Path) -> dict[str, PromptTemplate]:
    return {path.stem: PromptTemplate.from_file(path) for path in sorted(directory.glob("*.jinja"))}


def _front_matter(name: str, text: str) -> Mapping[str, object]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"prompt {name}: its front matter is not YAML: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"prompt {name}: its front matter is not a list of keys and values.")
    for key in values:
        if key not in _KEYS:
            raise ConfigError(f"prompt {name}: no front-matter key is called {key!r}.", hint=_hint(str(key), _KEYS))
    for key in _KEYS:
        if key not in values:
            raise ConfigError(f"prompt {name}: its front matter lacks {key!r}.")
    return values


def _names(name: str, inputs: object) -> tuple[str, ...]:
    if not isinstance(inputs, list) or not all(isinstance(entry, str) and entry.isidentifier() for entry in inputs):
        raise ConfigError(f"prompt {name}: inputs is {inputs!r}; it must be a list of names.")
    return tuple(inputs)


def _sources(name: str, body: str) -> Iterable[tuple[Role, str]]:
    before, *rest = _SECTION.split(body)
    if not rest:
        rest = ["user", before]
    elif before.strip():
        raise ConfigError(f"prompt {name}: text stands before the first of system:, user: and assistant:.")
    for role, text in zip(rest[::2], rest[1::2], strict=True):
        # The pattern admits these three words alone.
        yield cast(Role, role), text


def _compile(name: str, text: str) -> Template:
    try:
        return _ENVIRONMENT.from_string(text)
    except TemplateError as error:
        raise ConfigError(f"prompt {name} is not valid Jinja: {error}.") from error


def _variables(body: str) -> set[str]:
    return meta.find_undeclared_variables(_ENVIRONMENT.parse(body))


def _hint(word: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(sorted(known)) or 'none'}."
