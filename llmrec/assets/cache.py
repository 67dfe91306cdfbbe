"""What lies in an asset's directory: complete, untouched and the pinned bytes, or what is wrong with it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from llmrec.assets.files import AssetFile, AssetRecord, SourceFailed, recheck, record_files
from llmrec.assets.registry import Asset


@dataclass(frozen=True, slots=True)
class Verdict:
    """The record of an asset that may be used, or None; and what is wrong (nothing when it is simply not there)."""

    record: AssetRecord | None
    faults: tuple[str, ...] = ()


def check(asset: Asset, directory: Path, *, thorough: bool) -> Verdict:
    """Judge what is in `directory`; `thorough` hashes every file, otherwise only those that look touched."""
    if not directory.is_dir() or not any(directory.iterdir()):
        return Verdict(None)
    known = AssetRecord.read(directory)
    if known is None:
        fresh, faults = _adopt(asset, directory)
    elif not any(_is_form(source.files, known) for source in asset.sources):
        fresh, faults = None, ("its record is not of the pinned files",)
    else:
        fresh, faults = recheck(directory, known, thorough=thorough)
    if faults or fresh is None:
        return Verdict(None, faults)
    if fresh != known:
        write_if_possible(fresh, directory)
    return Verdict(fresh)


def accept(asset: Asset, label: str, files: tuple[AssetFile, ...], new: Path, directory: Path) -> None:
    """Check the files in `new`, record that they came from `label`, and put them in the place of `directory`.

    Bytes without a pin are kept to those the same source served first.

    Raises:
        SourceFailed: A file is missing or is not what was pinned; `directory` is as it was.
    """
    earlier = AssetRecord.read(directory)
    seen = earlier if earlier is not None and earlier.source == label else None
    records = record_files(new, _with_seen(files, seen))
    AssetRecord(asset.name, label, seen.first_seen if seen else _now(), records).write(new)
    replace_directory(new, directory)


def replace_directory(new: Path, directory: Path) -> None:
    """Rename `new` to `directory`, which may exist."""
    old = directory.with_name(f"{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
    new.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def write_if_possible(record: AssetRecord, directory: Path) -> None:
    """Store the record beside its files, or go on without where that is not allowed."""
    # A cache may be read-only (an image, a shared disk); then it is hashed anew each time, which is only slower.
    try:
        record.write(directory)
    except OSError:
        return


def _adopt(asset: Asset, directory: Path) -> tuple[AssetRecord | None, tuple[str, ...]]:
    """A record for files that were put there by hand, and what is wrong with them."""
    faults = []
    for source in asset.sources:
        try:
            files = record_files(directory, source.files)
        except SourceFailed as error:
            faults.append(error.message)
        else:
            return AssetRecord(asset.name, "placed by hand", _now(), files), ()
    return None, tuple(dict.fromkeys(faults))


def _is_form(files: tuple[AssetFile, ...], record: AssetRecord) -> bool:
    """Whether the record is of one whole form of the asset, with pinned bytes where there are pins."""
    needed = {file.name for file in files if file.required}
    recorded = {file.name: record.files[file.name].sha256 for file in files if file.name in record.files}
    pins_hold = all(not file.sha256 or recorded.get(file.name, file.sha256[0]) in file.sha256 for file in files)
    return needed <= recorded.keys() and len(recorded) == len(record.files) and pins_hold


def _with_seen(files: tuple[AssetFile, ...], earlier: AssetRecord | None) -> tuple[AssetFile, ...]:
    """The files, those without a pin pinned to what was seen first."""
    seen = earlier.files if earlier else {}
    return tuple(
        replace(file, sha256=(seen[file.name].sha256,)) if not file.sha256 and file.name in seen else file
        for file in files
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
