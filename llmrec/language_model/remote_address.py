"""How settings name a language model behind a URL: `openai:http://host:port/v1#model`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from llmrec.errors import ConfigError

PREFIX = "openai:"
KEY_VARIABLE = "LLMREC_LM_KEY"
_FORM = "Write openai:http://127.0.0.1:8080/v1#model."


@dataclass(frozen=True, slots=True)
class Address:
    """A server that speaks OpenAI's protocol, and a model it has.

    Attributes:
        url: Up to and without the last slash, `http://127.0.0.1:8080/v1`.
        host: Without port.
        place: Host and port, as in the URL.
        model: The server's name for the model.
    """

    url: str
    host: str
    place: str
    model: str

    @property
    def name(self) -> str:
        """The model and where it is, for traces."""
        return f"{self.model}@{self.place}"

    @classmethod
    def of(cls, setting: str) -> Address:
        """What `setting` names. Raises ConfigError."""
        url, _, model = setting.removeprefix(PREFIX).partition("#")
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f"language_model.model: {url!r} is no URL: {error}.", hint=_FORM) from error
        if parts.username or parts.password:
            raise ConfigError(
                "language_model.model has a name or password in its URL, and settings are saved.",
                hint=f"Put the key into the environment as {KEY_VARIABLE}.",
            )
        if parts.scheme not in {"http", "https"} or not host or parts.query:
            raise ConfigError(f"language_model.model: {url!r} is not the URL of a server.", hint=_FORM)
        if not model:
            raise ConfigError(f"language_model.model names no model of {parts.netloc}.", hint=_FORM)
        return cls(url.rstrip("/"), host, parts.netloc, model)


def is_remote(model: str) -> bool:
    """Whether a setting's model is one behind a URL."""
    return model.startswith(PREFIX)
