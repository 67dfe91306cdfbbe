"""Takes up a new version of a recommender's directory: looked for, loaded beside the one that answers, switched."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from llmrec.bundle import seal_of
from llmrec.errors import ArtifactError, LLMRecError
from llmrec.recommender import Recommender
from llmrec.updating import require_sound

logger = logging.getLogger(__name__)
_PATIENCE_S = 5.0


class Follower:
    """Looks every few seconds, in a thread of its own; a version that cannot be served is refused, once."""

    def __init__(
        self,
        first: Recommender,
        *,
        take: Callable[[Recommender], None],
        count: Callable[[str], None],
        every_s: float,
    ) -> None:
        """Begin with `first`.

        Args:
            first: Answers until its directory has another version.
            take: Is given each later one, ready to answer; from then on it does.
            count: Is told `taken` or `refused` of each.
            every_s: Seconds from one look to the next.
        """
        self._current = first
        self._take = take
        self._count = count
        self._every_s = every_s
        self._refused = ""
        self._looking = Lock()
        self._closing = Event()
        self._thread = Thread(target=self._follow, name="llmrec-versions", daemon=True)
        if first.directory is not None:
            self._thread.start()

    def look(self, *, again: bool = False) -> bool:
        """Whether there was a new version, which answers from now on.

        Args:
            again: Also try one that was refused before.

        Raises:
            ArtifactError, AssetError, ModelError, ConfigError: It cannot be served; the one before still is.
        """
        with self._looking:
            directory = self._current.directory
            if directory is None:
                return False
            found = seal_of(directory)
            if found == self._current.version or (found == self._refused and not again):
                return False
            try:
                newer = _sound(self._current)
            except LLMRecError:
                self._refused = found
                self._count("refused")
                raise
            self._take(newer)
            self._current, self._refused = newer, ""
            self._count("taken")
            logger.info("a new version is served", extra={"version": newer.version})
            return True

    def close(self) -> None:
        """Look no more; a version that is being loaded is hardly waited for."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def _follow(self) -> None:
        said, tidied = "", self._current.version
        while not self._closing.wait(self._every_s):
            if tidied != self._current.version:
                # Only now, for requests that began with the version before have ended by and by.
                _collect()
                tidied = self._current.version
            try:
                self.look()
                said = ""
            except LLMRecError as error:
                if str(error) != said:
                    logger.warning("a new version is not served, the one before still is: %s", error)
                said = str(error)


def _sound(current: Recommender) -> Recommender:
    """The newest version, which has answered something already. Raises LLMRecError, whatever is wrong with it."""
    try:
        newer = current.newest()
        require_sound(newer.learned)
    except LLMRecError:
        raise
    except Exception as error:
        raise ArtifactError(f"{current.directory} cannot be served ({type(error).__name__}: {error}).") from error
    return newer


def _collect() -> None:
    """Free the version before, which was set aside from collection if the service began with it."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
