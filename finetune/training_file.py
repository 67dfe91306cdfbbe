"""What every fine-tuning configuration shares: a frozen set of numbers read from a TOML file, complete at start."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from llmrec.errors import ConfigError


class TrainingFile(BaseModel):
    """Base of the configurations; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The run that a TOML file describes. Raises ConfigError."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the configuration {path} cannot be read: {error}.") from error
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            what = f"{key} in {path}" if key else str(path)
            message = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{what}: {message}.", hint=f"Known keys: {', '.join(cls.model_fields)}.") from error
