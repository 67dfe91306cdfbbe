"""What every place an asset can come from has to keep to."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmrec.assets.download import Hosts
from llmrec.assets.files import AssetFile, SourceFailed
from llmrec.assets.progress import SilentProgress
from llmrec.assets.sources import Means, PipRunner, Source

FILES = (AssetFile("a.txt", size=5), AssetFile("sub/b.txt", size=2), AssetFile("extra.txt", required=False))
BODIES = {"a.txt": b"alpha", "sub/b.txt": b"be", "extra.txt": b"more"}


def no_pip(arguments: object, scratch: Path) -> "subprocess.CompletedProcess[str]":
    raise AssertionError("this source has no use for pip")


class AssetSourceContract(ABC):
    """Subclass it, plant the bodies where the source will look, and return the source."""

    pip: PipRunner = staticmethod(no_pip)

    @abstractmethod
    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        """A source of FILES that holds `bodies`."""

    def fetch(self, source: Source, directory: Path) -> dict[str, bytes]:
        directory.mkdir()
        source.fetch_into(directory, Means(Hosts(answer_s=2.0), self.pip, SilentProgress()))
        return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}

    def test_it_writes_the_wanted_files_and_nothing_else(self, tmp_path: Path) -> None:
        source = self.plant({**BODIES, "unwanted.txt": b"no"})
        assert self.fetch(source, tmp_path / "out") == BODIES

    def test_it_gets_along_without_an_optional_file(self, tmp_path: Path) -> None:
        source = self.plant({"a.txt": b"alpha", "sub/b.txt": b"be"})
        assert set(self.fetch(source, tmp_path / "out")) == {"a.txt", "sub/b.txt"}

    def test_it_says_which_required_file_it_lacks(self, tmp_path: Path) -> None:
        source = self.plant({"a.txt": b"alpha"})
        with pytest.raises(SourceFailed, match=r"sub/b\.txt"):
            self.fetch(source, tmp_path / "out")

    def test_it_stops_at_a_file_that_is_larger_than_it_may_be(self, tmp_path: Path) -> None:
        source = self.plant({**BODIES, "a.txt": b"alpha and much more"})
        with pytest.raises(SourceFailed, match=r"a\.txt is larger than the 5 bytes"):
            self.fetch(source, tmp_path / "out")

    def test_it_has_a_name_in_words(self) -> None:
        assert self.plant(BODIES).label
