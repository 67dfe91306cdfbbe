"""Reading wanted files out of archives that nobody should trust; nothing is ever installed or run from them."""

from __future__ import annotations

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from llmrec.assets.files import AssetFile, SourceFailed, copy_stream
from llmrec.assets.progress import Advance


def extract(
    archive: Path, directory: Path, files: tuple[AssetFile, ...], *, prefix: str = "", advance: Advance
) -> None:
    """Write `files` from a zip archive into `directory`, under their own names.

    Args:
        archive: A zip file (a wheel is one).
        directory: Where the files go.
        files: What is wanted; each is the member called `prefix` + name.
        prefix: Folder inside the archive, with its slash.
        advance: Told of the bytes written.

    Raises:
        SourceFailed: No zip archive, a member that points outside it, a wanted file missing or too large.
    """
    with _opened(archive) as opened:
        for member in opened.infolist():
            _check_member(member)
        present = set(opened.namelist())
        for file in files:
            if prefix + file.name not in present:
                if file.required:
                    raise SourceFailed(f"{archive.name} has no {prefix}{file.name}")
                continue
            with opened.open(prefix + file.name) as stream:
                copy_stream(stream, directory / file.name, max_bytes=file.max_bytes, advance=advance)


def copy_plain(path: Path, target: Path, *, max_bytes: int, advance: Advance) -> None:
    """Copy `path` to `target`, unpacking it on the way when it is called `.gz` or `.zip`. Raises SourceFailed."""
    file = AssetFile(target.name, size=max_bytes)
    if path.suffix == ".zip":
        extract(path, target.parent, (file,), advance=advance)
        return
    try:
        with path.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            copy_stream(stream, target, max_bytes=max_bytes, advance=advance)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceFailed(f"{path.name} is no whole gzip file") from error


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise SourceFailed(f"{archive.name} is no whole zip archive ({error})") from error


def _check_member(member: zipfile.ZipInfo) -> None:
    """Refuse an archive that tries to reach outside itself, even where the wanted files look harmless."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    absolute = member.filename.startswith(("/", "\\")) or bool(PureWindowsPath(member.filename).drive)
    if absolute or ".." in parts or stat.S_ISLNK(member.external_attr >> 16):
        raise SourceFailed(f"the archive's member {member.filename!r} points outside it")
