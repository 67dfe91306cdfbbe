"""Keys of the API: made once, shown once, kept as hashes in a file that a running service follows."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from llmrec.assets.lock import locked
from llmrec.errors import ConfigError, LLMRecError
from llmrec.types import UserId

Scope = Literal["user", "admin"]
KEYS_FILE = "keys.json"
_PREFIX = "llmrec"
_N_SECRET_BYTES = 32
_YOUNG_NS = 2_000_000_000


class KeyFileError(LLMRecError):
    """The file of keys cannot be read or written."""

    code = "keys"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept.

    Attributes:
        id: The part of the key that may be shown and logged.
        sha256: Hash of the whole key. One round without salt is enough here: a key is 256 random bits, so there is
            nothing to guess and no two are alike; slow hashes protect passwords, which people choose.
        scope: `user` acts for one user; `admin` for any, and may read metrics.
        user_id: Whom a `user` key acts for; empty for `admin`.
        made_at: Seconds since 1970 (UTC).
    """

    id: str
    sha256: str
    scope: Scope
    user_id: UserId
    made_at: float


class KeyFile:
    """Reads and changes one file of keys; a change counts from the next request on, also in a running service."""

    def __init__(self, path: Path) -> None:
        """Use `path`, which need not be there yet: without keys a service is open to whoever reaches it."""
        self.path = path
        self._stamp: tuple[int, ...] = ()
        self._keys: Mapping[str, Key] = {}
        self._was_there = False

    @property
    def are_asked_for(self) -> bool:
        """Whether a caller needs one: once there is a file, also when its last key is revoked or it is lost."""
        self._was_there = self._was_there or self.path.exists()
        return self._was_there

    def keys(self) -> Mapping[str, Key]:
        """Keys by id. Raises KeyFileError: a file that cannot be read must not open the house."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            self._keys = self._read()
            # Within a tick of the clock a file may change twice and look the same: a young one is read every time.
            self._stamp = stamp if time.time_ns() - status.st_mtime_ns > _YOUNG_NS else ()
        return self._keys

    def find(self, text: str) -> Key | None:
        """The key that reads `text`, or None. Raises KeyFileError."""
        key = self.keys().get(_id_of(text))
        return key if key is not None and hmac.compare_digest(key.sha256, _hashed(text)) else None

    def add(self, *, scope: Scope, user_id: str = "") -> tuple[Key, str]:
        """A new key and its text, which is nowhere else. Raises ConfigError, KeyFileError."""
        if (scope == "user") != bool(user_id):
            raise ConfigError("a key acts either for one user or, with scope admin, for all; name one of the two.")
        text = f"{_PREFIX}_{secrets.token_hex(4)}_{secrets.token_urlsafe(_N_SECRET_BYTES)}"
        key = Key(_id_of(text), _hashed(text), scope, UserId(user_id), round(time.time(), 3))
        self._change(lambda keys: {**keys, key.id: key})
        return key, text

    def revoke(self, key_id: str) -> None:
        """Remove a key. Raises ConfigError when there is none of that id, KeyFileError."""

        def without(keys: Mapping[str, Key]) -> Mapping[str, Key]:
            if key_id not in keys:
                raise ConfigError(f"no key has the id {key_id!r}; there are: {', '.join(keys) or 'none'}.")
            return {name: key for name, key in keys.items() if name != key_id}

        self._change(without)

    def _change(self, change: Callable[[Mapping[str, Key]], Mapping[str, Key]]) -> None:
        try:
            with locked(self.path.with_suffix(".lock")):
                _write_whole(self.path, change(self._read() if self.path.exists() else {}))
        except OSError as error:
            raise self._unusable(error) from error

    def _read(self) -> Mapping[str, Key]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["keys"]
            keys = [Key(**row) for row in rows]
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._unusable(error) from error
        if any(key.scope not in get_args(Scope) for key in keys):
            raise self._unusable(ValueError("a scope is unknown"))
        return {key.id: key for key in keys}

    def _unusable(self, error: Exception) -> KeyFileError:
        return KeyFileError(
            f"the keys in {self.path} cannot be used ({type(error).__name__}).",
            hint="Restore the file, or delete it and add keys anew.",
        )


def _write_whole(path: Path, keys: Mapping[str, Key]) -> None:
    text = json.dumps({"keys": [asdict(key) for key in keys.values()]}, indent=1)
    # Made for its owner alone from the first byte, and there whole or not at all.
    descriptor, name = tempfile.mkstemp(prefix=".keys-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _id_of(text: str) -> str:
    prefix, _, rest = text.partition("_")
    return rest.partition("_")[0] if prefix == _PREFIX else ""


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
