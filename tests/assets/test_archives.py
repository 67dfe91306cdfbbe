import io
import stat
import zipfile
from pathlib import Path

import pytest

from llmrec.assets.archives import copy_plain, extract
from llmrec.assets.files import AssetFile, SourceFailed
from tests.assets.planted import zip_of

WANTED = (AssetFile("a.txt", size=5),)


def unpack(body: bytes, tmp_path: Path, files: tuple[AssetFile, ...] = WANTED) -> Path:
    archive, out = tmp_path / "x.zip", tmp_path / "inner" / "out"
    archive.write_bytes(body)
    out.mkdir(parents=True)
    extract(archive, out, files, advance=lambda _: None)
    return out


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "b/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"])
def test_a_member_that_points_outside_spoils_the_whole_archive(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"evil\.txt' points outside it"):
        unpack(zip_of({"a.txt": b"alpha", name: b"evil"}), tmp_path)
    assert not list(tmp_path.rglob("evil*"))
    assert not list(tmp_path.rglob("a.txt"))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(SourceFailed, match=r"'a\.txt' points outside it"):
        unpack(buffer.getvalue(), tmp_path)


def test_a_bomb_is_cut_at_the_size_the_file_may_have(tmp_path: Path) -> None:
    bomb = zip_of({"a.txt": b"\0" * 50_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(SourceFailed, match="larger than the 5 bytes"):
        unpack(bomb, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("a.txt")) <= 5


@pytest.mark.parametrize("body", [b"", b"no archive", zip_of({"a.txt": b"alpha"})[:-30]])
def test_half_an_archive_is_refused(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"x\.zip is no whole zip archive"):
        unpack(body, tmp_path)


def test_half_a_gzip_file_is_refused(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"alpha" * 100, mtime=0)[:-10])
    with pytest.raises(SourceFailed, match=r"a\.txt\.gz is no whole gzip file"):
        copy_plain(tmp_path / "a.txt.gz", tmp_path / "a.txt", max_bytes=1000, advance=lambda _: None)


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a\\b", "", "a//b", ".."])
def test_no_wanted_file_can_be_named_outside_its_directory(name: str) -> None:
    from llmrec.errors import AssetError

    with pytest.raises(AssetError, match="is no path inside an asset"):
        AssetFile(name)
