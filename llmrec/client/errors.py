"""Problems that a service answers with, as the errors a recommender would have raised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import httpx

from llmrec.errors import LLMRecError


class ServiceError(LLMRecError):
    """The service refused a request or cannot be reached.

    Attributes:
        status: Of the answer; 0 when there was none.
        retry_after_s: When to try again, or None.
    """

    code = "service"

    def __init__(self, message: str, *, status: int = 0, retry_after_s: int | None = None) -> None:
        """Keep the sentence, the status and the seconds."""
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


def error_of(answer: httpx.Response, text: str) -> LLMRecError:
    """The error behind an answer that is none, whose body is `text`."""
    found = _mapping(text)
    retry_after = answer.headers.get("retry-after", "")
    error = problem_error(found, status=answer.status_code)
    if isinstance(error, ServiceError) and retry_after.isdecimal():
        error.retry_after_s = int(retry_after)
    return error


def problem_error(found: Mapping[str, object], *, status: int) -> LLMRecError:
    """The error that a problem document tells of."""
    detail = str(found.get("detail", f"the service answered {status}."))
    for known in _children(LLMRecError):
        if known.code == found.get("code"):
            return known(detail)
    return ServiceError(detail, status=status)


def unreachable(url: str, error: httpx.HTTPError) -> ServiceError:
    """The error for a service that does not answer."""
    return ServiceError(f"{url} does not answer: {type(error).__name__} {error}".rstrip() + ".")


def _children(base: type[LLMRecError]) -> Iterator[type[LLMRecError]]:
    for child in base.__subclasses__():
        if child.__module__ == base.__module__:
            yield child
            yield from _children(child)


def _mapping(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
