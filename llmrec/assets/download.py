"""Bytes from URLs: which hosts answer at all, and one file at a time."""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from llmrec.assets.files import SourceFailed, copy_stream
from llmrec.assets.progress import Advance

READ_TIMEOUT_S = 30.0


class NotThere(SourceFailed):
    """The host answers, and says that it has no such file."""


class Hosts:
    """Which hosts have failed to answer in this run, so that each is waited for only once."""

    def __init__(self, *, answer_s: float) -> None:
        """Give every host `answer_s` seconds to answer."""
        self.answer_s = answer_s
        self._dead: dict[str, str] = {}
        self._alive: set[str] = set()

    def require(self, url: str) -> None:
        """Return when the host of `url` answers. Raises SourceFailed when it does not, or did not before."""
        parts = urlsplit(url)
        self.refuse_dead(parts.netloc)
        if parts.netloc in self._alive:
            return
        reason = _why_silent(f"{parts.scheme}://{parts.netloc}/", self.answer_s)
        if reason:
            self.mark_dead(parts.netloc, reason)
            raise SourceFailed(f"{parts.netloc} did not answer ({reason})")
        self._alive.add(parts.netloc)

    def refuse_dead(self, host: str) -> None:
        """Raises SourceFailed when `host` is known not to answer."""
        if host in self._dead:
            raise SourceFailed(f"{host} was skipped, it did not answer before ({self._dead[host]})")

    def mark_dead(self, host: str, reason: str) -> None:
        """Remember that `host` does not answer."""
        self._dead[host] = reason


def download(url: str, target: Path, *, max_bytes: int, advance: Advance) -> None:
    """Write what `url` serves to `target`. Raises NotThere, or SourceFailed on any other fault of network or server."""
    try:
        with _opener().open(url, timeout=READ_TIMEOUT_S) as response:
            n_expected = int(response.headers.get("Content-Length") or -1)
            n_written = copy_stream(response, target, max_bytes=max_bytes, advance=advance)
    except urllib.error.HTTPError as error:
        error.close()
        failure = NotThere if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE} else SourceFailed
        raise failure(f"{url} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        raise SourceFailed(f"{url} broke off ({_reason(error)})") from error
    if n_expected not in {-1, n_written}:
        raise SourceFailed(f"{url} broke off after {n_written:,} of {n_expected:,} bytes")


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to something a third party could change on the way."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(
                req.full_url, code, f"redirect to {newurl} refused", cast("Message", headers), fp
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(_NoDowngrade)
    opener.addheaders = [("User-Agent", "llmrec")]
    return opener


def _why_silent(url: str, answer_s: float) -> str:
    """Empty when the host answers within `answer_s`, else the reason."""
    outcome: list[str] = []

    def ask() -> None:
        try:
            _opener().open(urllib.request.Request(url, method="HEAD"), timeout=answer_s).close()
        except urllib.error.HTTPError as error:
            error.close()  # any answer is an answer, a refusal too
        except (OSError, http.client.HTTPException) as error:
            outcome.append(_reason(error))
            return
        outcome.append("")

    # In a thread of its own, because the lookup of a name knows no time limit.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(answer_s)
    return outcome[0] if outcome else f"nothing heard within {answer_s:g} s"


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", None) or error
    if isinstance(inner, TimeoutError):
        return "timed out"
    return str(getattr(inner, "strerror", None) or inner) or type(inner).__name__
