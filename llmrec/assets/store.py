"""The cache of assets: finds them, fetches them, and never hands out bytes it has not checked."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from llmrec.assets.cache import Verdict, accept, check
from llmrec.assets.download import Hosts
from llmrec.assets.files import AssetFile, SourceFailed
from llmrec.assets.lock import locked
from llmrec.assets.progress import Progress, SilentProgress
from llmrec.assets.registry import ASSETS, Asset
from llmrec.assets.sources import FolderSource, Means, PipRunner, Source, run_pip
from llmrec.errors import AssetError

ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """What the cache holds of an asset.

    Attributes:
        path: Its directory, whether it is there or not.
        cached: Whether it is there and passes its check.
        source: Where the cached bytes came from; empty when it is not cached.
        size: Bytes of the cached files, else of the pinned ones; None when not all are known.
    """

    asset: Asset
    path: Path
    cached: bool
    source: str
    size: int | None


class AssetStore:
    """Verified assets in one directory, which several processes may use at once."""

    def __init__(
        self,
        cache_dir: Path | None = None,
        *,
        offline: bool = False,
        assets: Mapping[str, Asset] = ASSETS,
        pip: PipRunner = run_pip,
        answer_s: float = ANSWER_S,
    ) -> None:
        """Use `cache_dir`, by default the one the environment or the platform names.

        Args:
            cache_dir: Created when something is fetched.
            offline: Never use the network.
            assets: What is known by name.
            pip: Calls pip with arguments and a directory for its temporary files.
            answer_s: Seconds each host has to answer.
        """
        self.cache_dir = cache_dir or default_cache_dir(os.environ)
        self.offline = offline
        self._assets = assets
        self._pip = pip
        self._hosts = Hosts(answer_s=answer_s)
        self._notes: list[str] = []

    @classmethod
    def from_environment(cls, *, offline: bool = False) -> AssetStore:
        """The store the user's environment describes; LLMREC_OFFLINE=1 or HF_HUB_OFFLINE=1 keeps it off the network."""
        return cls(offline=offline or offline_by_environment(os.environ))

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each source skipped and each damage mended so far, with the reason."""
        return tuple(self._notes)

    def directory(self, name: str) -> Path:
        """Where the asset lies or would lie. Raises AssetError for an unknown name."""
        return self.cache_dir / "assets" / self._asset(name).name

    def path(self, name: str) -> Path:
        """Directory of the verified asset; uses no network. Raises AssetError when it is absent or damaged."""
        return self._require(self._asset(name), thorough=False)

    def fetch(self, name: str, *, local: Path | None = None, progress: Progress | None = None) -> Path:
        """Directory of the asset, fetched unless it is there and every byte is right.

        Args:
            name: As in the registry.
            local: A directory to take the files from, instead of any other source and of what is cached.
            progress: Told of the bytes as they come.

        Raises:
            AssetError: Unknown name, offline, or no source served the right bytes; names each with its reason.
        """
        asset = self._asset(name)
        if local is None and self.offline:
            return self._require(asset, thorough=True)
        if local is None and self._is_cached(asset):
            return self.directory(name)
        try:
            with locked(self.cache_dir / "locks" / f"{asset.name}.lock"):
                # Another process may have brought it while this one waited.
                if local is None and self._is_cached(asset):
                    return self.directory(name)
                return self._obtain(asset, _places(asset, local), progress or SilentProgress())
        except OSError as error:
            raise AssetError(
                f"{name} cannot be written to the cache {self.cache_dir} ({error}).",
                hint="Free space there, or set LLMREC_CACHE to a directory of your own.",
            ) from error

    def status(self, name: str) -> AssetStatus:
        """What is cached of the asset; uses no network. Raises AssetError for an unknown name."""
        asset = self._asset(name)
        record = self._check(asset, thorough=False).record
        if record is not None:
            size = sum(file.size for file in record.files.values())
            return AssetStatus(asset, self.directory(name), cached=True, source=record.source, size=size)
        return AssetStatus(asset, self.directory(name), cached=False, source="", size=_known_size(asset))

    def statuses(self) -> tuple[AssetStatus, ...]:
        """The status of every asset, in the registry's order."""
        return tuple(self.status(name) for name in self._assets)

    def _asset(self, name: str) -> Asset:
        if name in self._assets:
            return self._assets[name]
        near = difflib.get_close_matches(name, self._assets, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(self._assets)}."
        raise AssetError(f"No asset is called {name!r}.", hint=hint)

    def _check(self, asset: Asset, *, thorough: bool) -> Verdict:
        return check(asset, self.directory(asset.name), thorough=thorough)

    def _require(self, asset: Asset, *, thorough: bool) -> Path:
        verdict = self._check(asset, thorough=thorough)
        directory = self.directory(asset.name)
        if verdict.record is not None:
            return directory
        state = f"is damaged in the cache ({'; '.join(verdict.faults)})" if verdict.faults else "is not in the cache"
        wanted = " or ".join(dict.fromkeys(_names(source.files) for source in asset.sources))
        put = f"Put its files ({wanted}) into {directory}, or run `llmrec data fetch {asset.name}`"
        if self.offline:
            raise AssetError(f"{asset.name} {state} and this run is offline.", hint=f"{put} with a network.")
        raise AssetError(f"{asset.name} {state}.", hint=f"{put}.")

    def _is_cached(self, asset: Asset) -> bool:
        verdict = self._check(asset, thorough=True)
        if verdict.faults:
            sentence = f"{asset.name} was damaged in the cache ({'; '.join(verdict.faults)})."
            self._notes += [sentence] if sentence not in self._notes else []
        return verdict.record is not None

    def _obtain(self, asset: Asset, places: tuple[Source, ...], progress: Progress) -> Path:
        means = Means(self._hosts, self._pip, progress)
        reasons = []
        for source in places:
            try:
                directory = self._obtain_from(source, asset, means)
            except SourceFailed as error:
                reasons.append(f"{source.label}: {error.message}")
                continue
            self._notes += [f"{asset.name} comes from {source.label}, not from {reason}." for reason in reasons]
            return directory
        raise AssetError(
            f"{asset.name} could not be fetched. {'; '.join(reasons)}.",
            hint=f"Or put its files into {self.directory(asset.name)} yourself.",
        )

    def _obtain_from(self, source: Source, asset: Asset, means: Means) -> Path:
        directory = self.directory(asset.name)
        partial = directory.with_name(f"{asset.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # what a killed run left; the lock says nobody else uses it
        partial.mkdir(parents=True)
        try:
            source.fetch_into(partial, means)
            accept(asset, source.label, source.files, partial, directory)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return directory


def default_cache_dir(environment: Mapping[str, str]) -> Path:
    """LLMREC_CACHE, else the platform's cache directory for llmrec."""
    given = environment.get("LLMREC_CACHE")
    return Path(given).expanduser().absolute() if given else Path(platformdirs.user_cache_dir("llmrec"))


def offline_by_environment(environment: Mapping[str, str]) -> bool:
    """Whether LLMREC_OFFLINE or HF_HUB_OFFLINE asks to stay off the network."""
    asked = (environment.get(name, "") for name in ("LLMREC_OFFLINE", "HF_HUB_OFFLINE"))
    return any(value.strip().lower() in {"1", "true", "yes", "on"} for value in asked)


def _places(asset: Asset, local: Path | None) -> tuple[Source, ...]:
    if local is None:
        return asset.sources
    forms = dict.fromkeys(source.files for source in asset.sources)
    return tuple(FolderSource(local, files) for files in forms)


def _names(files: tuple[AssetFile, ...]) -> str:
    return ", ".join(file.name for file in files if file.required)


def _known_size(asset: Asset) -> int | None:
    for source in asset.sources:
        if all(file.size for file in source.files if file.required):
            return sum(file.size for file in source.files)
    return None
