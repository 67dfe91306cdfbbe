"""A directory that is either the old version or the new one, never a mixture, and that notices damage.

Layout: `manifest.json` names the current version `v-…/` and the sha256 of each of its files. A new version is
written beside the old one; replacing the manifest is the single step that publishes it. The version before stays, for
whoever is still reading it, and so does its manifest as `manifest.v-….json`, so that `roll_back` can check it and
switch to it.
What else lies in the directory belongs to its owner and is never touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from llmrec.errors import ArtifactError

FORMAT = 1
MANIFEST = "manifest.json"
_LOCK, _PATIENCE_S = ".lock", 10.0
_VERSION = re.compile(r"v-[0-9a-f]{12}")
# What a build that was cut off, or its owner, may have left where no version was ever published.
_LEFT_BEHIND = re.compile(
    rf"{_VERSION.pattern}|\.lock|\.vectors|rejects\.csv|manifest\.({_VERSION.pattern}\.)?json(\.partial)?|feedback\.sqlite3.*"
)
_REBUILD = "Build it again with `llmrec build`."


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    version: str
    previous: str
    about: dict[str, object]
    files: dict[str, str]

    @property
    def seal(self) -> str:
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified version of a directory.

    Attributes:
        root: The directory the user names.
        files: Where the current version's files lie.
        about: What the writer said of it (names and hashes), as JSON values.
    """

    root: Path
    files: Path
    about: Mapping[str, object]


def is_bundle(root: Path) -> bool:
    """Whether `root` holds a published version."""
    return (root / MANIFEST).is_file()


def is_sound(root: Path) -> bool:
    """Whether `root` has a manifest that can be read; its files are not checked."""
    try:
        _read_manifest(root)
    except ArtifactError:
        return False
    return True


def open_bundle(root: Path) -> Bundle:
    """The current version of `root`, every file checked against its sha256.

    Raises:
        ArtifactError: No such directory, not one of ours, of a newer format, or damaged; names the file.
    """
    manifest = _read_manifest(root)
    files = root / manifest.version
    _verify_all(files, manifest)
    return Bundle(root, files, manifest.about)


def seal_of(root: Path) -> str:
    """What tells the current version of `root` from any other, 64 hex digits; its files are not checked again."""
    return _read_manifest(root).seal


@contextmanager
def new_version(root: Path, about: dict[str, object]) -> Iterator[Path]:
    """A directory to write the next version of `root` into; published when the block ends without an error.

    Args:
        root: Created if missing. Another writer's lock on it is respected for 10 s.
        about: Names and hashes to keep in the manifest; may be filled until the block ends.

    Raises:
        ArtifactError: `root` is a file, or a directory with something else in it, or in use, or cannot be written.
    """
    check_target(root)
    with writing(root):
        staged = root / f"v-{uuid.uuid4().hex[:12]}"
        try:
            staged.mkdir()
            yield staged
            _publish(root, staged, about)
        except OSError as error:
            raise ArtifactError(
                f"{root} cannot be written: {error.strerror or error}; what was there before is untouched."
            ) from error
        finally:
            _remove_old_versions(root)


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Nobody else writes into `root` meanwhile; whoever holds it already may take it again.

    Raises:
        ArtifactError: Somebody else has been writing for 10 s, or nothing can be written there.
    """
    lock = FileLock(root / _LOCK, timeout=_PATIENCE_S, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise ArtifactError(f"another process is writing {root}; wait until it has ended.") from error
    except OSError as error:
        raise ArtifactError(f"{root} cannot be locked: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def roll_back(root: Path) -> None:
    """Switch `root` to the version before the current one, checked first; the second time switches forth again.

    Raises:
        ArtifactError: There is no version before, or it is damaged; then the current one stays.
    """
    _read_manifest(root)
    with writing(root):
        current = _read_manifest(root)
        if not current.previous or not (root / current.previous).is_dir():
            raise ArtifactError(f"{root} has no version before the current one, so nothing was switched.")
        try:
            before = _manifest_in(_kept_manifest(root, current.previous))
        except FileNotFoundError as error:
            raise ArtifactError(
                f"the version before the current one of {root} was written without a manifest of its own, so it cannot "
                "be checked, and nothing was switched."
            ) from error
        _verify_all(root / before.version, before)
        try:
            _seal(root / MANIFEST, before.model_copy(update={"previous": current.version}))
        except OSError as error:
            raise ArtifactError(f"{root} cannot be written: {error.strerror or error}.") from error


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(root: Path) -> _Manifest:
    if not root.is_dir():
        raise ArtifactError(f"there is no directory {root}.", hint="Make one with `llmrec build --out DIR`.")
    path = root / MANIFEST
    if not path.is_file():
        raise ArtifactError(f"{root} is not a recommender directory: it has no {MANIFEST}.", hint=_REBUILD)
    manifest = _manifest_in(path)
    if manifest.format != FORMAT:
        raise ArtifactError(
            f"{root} has format {manifest.format}; this llmrec reads format {FORMAT}.",
            hint="Upgrade llmrec or build it again.",
        )
    return manifest


def _manifest_in(path: Path) -> _Manifest:
    """Raises ArtifactError when it is damaged, FileNotFoundError."""
    try:
        values = json.loads(path.read_bytes())
        seal = values.pop("seal")
        manifest = _Manifest.model_validate(values)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: it cannot be read as a manifest.", hint=_REBUILD) from error
    if seal != manifest.seal:
        raise ArtifactError(f"{path} is damaged: its content does not match its seal.", hint=_REBUILD)
    return manifest


def _verify_all(files: Path, manifest: _Manifest) -> None:
    for name, digest in manifest.files.items():
        _verify(files, name, digest)


def _verify(files: Path, name: str, digest: str) -> None:
    path = files / name
    if not path.is_file() or path.is_symlink() or not path.resolve().is_relative_to(files.resolve()):
        raise ArtifactError(f"{path} is missing or not a plain file.", hint=_REBUILD)
    if sha256_of(path) != digest:
        raise ArtifactError(f"{path} is damaged: its sha256 is not the one in {MANIFEST}.", hint=_REBUILD)


def check_target(root: Path) -> None:
    """Make sure that a version can be written into `root`, and create it. Raises ArtifactError."""
    try:
        if root.exists() and not root.is_dir():
            raise ArtifactError(f"{root} is a file; name a directory.")
        if root.is_dir() and not is_bundle(root) and not _only_ours(root):
            raise ArtifactError(f"{root} holds other files; name a new or empty directory.")
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"{root} cannot be created: {error.strerror or error}.") from error


def _only_ours(root: Path) -> bool:
    """Whether nothing lies there but what this package writes."""
    return all(_LEFT_BEHIND.fullmatch(path.name) for path in root.iterdir())


def _publish(root: Path, staged: Path, about: Mapping[str, object]) -> None:
    files = {
        PurePosixPath(path.relative_to(staged)).as_posix(): sha256_of(path)
        for path in sorted(staged.rglob("*"))
        if path.is_file()
    }
    previous = _read_manifest(root).version if is_sound(root) else ""
    manifest = _Manifest(format=FORMAT, version=staged.name, previous=previous, about=dict(about), files=files)
    _seal(_kept_manifest(root, staged.name), manifest)
    _seal(root / MANIFEST, manifest)


def _kept_manifest(root: Path, version: str) -> Path:
    return root / f"manifest.{version}.json"


def _seal(path: Path, manifest: _Manifest) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump({**manifest.model_dump(), "seal": manifest.seal}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _remove_old_versions(root: Path) -> None:
    try:
        manifest = _read_manifest(root)
    except ArtifactError:
        # Nothing was published, or the manifest is damaged: then nothing is known to be superfluous.
        return
    for path in root.iterdir():
        if _VERSION.fullmatch(path.name) and path.name not in (manifest.version, manifest.previous):
            shutil.rmtree(path, ignore_errors=True)
            _kept_manifest(root, path.name).unlink(missing_ok=True)
