import json
import os
import socket
import threading
from pathlib import Path

import pytest

from llmrec.assets.files import AssetFile
from llmrec.assets.sources import FolderSource, GivenOnly, PackageSource, UrlSource
from llmrec.assets.store import AssetStore, default_cache_dir, offline_by_environment
from llmrec.errors import AssetError
from tests.assets.planted import FakePip, Server, asset, pinned, sha

ALPHA = pinned(a=b"alpha")
PACKAGE = PackageSource("carrier", "1.2", 0, "carrier/", ALPHA)


def files_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_a_fetched_asset_is_found_again_without_any_source(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    known = asset(UrlSource(server.url, ALPHA))
    path = AssetStore(tmp_path, assets=known).fetch("thing")
    asked = len(server.asked)
    again = AssetStore(tmp_path, assets=known)
    assert again.fetch("thing") == again.path("thing") == path == tmp_path / "assets" / "thing"
    assert (path / "a.txt").read_bytes() == b"alpha"
    assert len(server.asked) == asked
    assert files_in(path.parent) == {"thing"}


def test_the_record_names_source_hash_and_time(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    path = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA))).fetch("thing")
    record = json.loads((path / "asset.json").read_text())
    assert record["source"] == server.url
    assert record["files"]["a.txt"]["sha256"] == sha(b"alpha")
    assert record["first_seen"].endswith("+00:00")


def test_wrong_bytes_are_refused_and_the_next_source_serves(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"ALPHA"
    pip = FakePip({"carrier/a.txt": b"alpha"})
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA), PACKAGE), pip=pip)
    assert (store.fetch("thing") / "a.txt").read_bytes() == b"alpha"
    assert store.status("thing").source == "package carrier==1.2"
    (note,) = store.notes
    assert note.startswith(f"thing comes from package carrier==1.2, not from {server.url}: a.txt has sha256 ")
    assert f"instead of {sha(b'alpha')}" in note


def test_a_dead_host_is_named_and_costs_its_patience_once(server: Server, tmp_path: Path) -> None:
    server.silent = True
    pip = FakePip({"carrier/a.txt": b"alpha"})
    url = UrlSource(server.url, ALPHA)
    known = asset(url, PACKAGE) | asset(url, PACKAGE, name="other")
    store = AssetStore(tmp_path, assets=known, pip=pip, answer_s=0.2)
    store.fetch("thing")
    store.fetch("other")
    assert server.asked == ["HEAD /"]
    assert "did not answer" in store.notes[0]
    assert "was skipped, it did not answer before" in store.notes[1]


def test_when_all_sources_fail_each_is_named_with_its_reason(server: Server, tmp_path: Path) -> None:
    pip = FakePip(stderr="ERROR: No matching distribution found")
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA), PACKAGE), pip=pip)
    with pytest.raises(AssetError) as caught:
        store.fetch("thing")
    assert caught.value.message == (
        f"thing could not be fetched. {server.url}: {server.url}a.txt answered 404 Not Found; "
        "package carrier==1.2: pip says: No matching distribution found."
    )
    assert caught.value.hint == f"Or put its files into {tmp_path / 'assets' / 'thing'} yourself."
    assert files_in(tmp_path / "assets") == set()


def test_a_truncated_download_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alp"
    server.announced["a.txt"] = 5
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, (AssetFile("a.txt"),))))
    with pytest.raises(AssetError, match="broke off after 3 of 5 bytes"):
        store.fetch("thing")
    assert files_in(tmp_path / "assets") == set()


@pytest.mark.parametrize("spoilt", [b"ALPHA", b"alp", b"", None])
def test_a_spoilt_file_is_detected_and_fetched_again(spoilt: bytes | None, server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    known = asset(UrlSource(server.url, ALPHA))
    file = AssetStore(tmp_path, assets=known).fetch("thing") / "a.txt"
    file.unlink() if spoilt is None else file.write_bytes(spoilt)
    store = AssetStore(tmp_path, assets=known)
    with pytest.raises(AssetError, match="thing is damaged in the cache"):
        store.path("thing")
    assert (store.fetch("thing") / "a.txt").read_bytes() == b"alpha"
    assert "was damaged" in store.notes[0]
    assert store.path("thing")


def test_a_change_that_keeps_size_and_time_escapes_path_but_not_fetch(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA)))
    file = store.fetch("thing") / "a.txt"
    stamp = file.stat()
    file.write_bytes(b"ALPHA")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.path("thing")
    assert (store.fetch("thing") / "a.txt").read_bytes() == b"alpha"


def test_a_touched_but_equal_file_is_hashed_once_and_kept(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA)))
    directory = store.fetch("thing")
    os.utime(directory / "a.txt", ns=(1, 1))
    store.path("thing")
    assert json.loads((directory / "asset.json").read_text())["files"]["a.txt"]["mtime_ns"] == 1


@pytest.mark.parametrize("record", ["", "{", "[]", '{"files": 3}', '{"name": "thing"}'])
def test_a_broken_record_is_rebuilt_from_right_files(record: str, server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA)))
    directory = store.fetch("thing")
    (directory / "asset.json").write_text(record)
    assert store.path("thing") == directory


def test_bytes_nobody_had_seen_are_kept_to_from_then_on(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"first"
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, (AssetFile("a.txt"),))))
    file = store.fetch("thing") / "a.txt"
    file.write_bytes(b"spoilt")
    server.bodies["a.txt"] = b"other"
    with pytest.raises(AssetError, match=f"instead of {sha(b'first')}"):
        store.fetch("thing")
    server.bodies["a.txt"] = b"first"
    assert (store.fetch("thing") / "a.txt").read_bytes() == b"first"


def test_files_put_there_by_hand_are_taken_when_they_are_right(tmp_path: Path) -> None:
    store = AssetStore(tmp_path, offline=True, assets=asset(PACKAGE))
    directory = tmp_path / "assets" / "thing"
    directory.mkdir(parents=True)
    (directory / "a.txt").write_bytes(b"wrong")
    with pytest.raises(AssetError, match=r"thing is damaged in the cache .a\.txt has sha256"):
        store.path("thing")
    (directory / "a.txt").write_bytes(b"alpha")
    assert store.path("thing") == directory
    assert store.status("thing").source == "placed by hand"


def test_offline_with_nothing_cached_says_what_to_put_where(tmp_path: Path) -> None:
    store = AssetStore(tmp_path, offline=True, assets=asset(PACKAGE))
    for call in (store.path, store.fetch):
        with pytest.raises(AssetError) as caught:
            call("thing")
        assert str(caught.value) == (
            "thing is not in the cache and this run is offline. "
            f"Put its files (a.txt) into {tmp_path / 'assets' / 'thing'}, "
            "or run `llmrec data fetch thing` with a network."
        )


def test_offline_with_the_asset_cached_needs_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.bodies["a.txt"] = b"alpha"
    known = asset(UrlSource(server.url, ALPHA))
    AssetStore(tmp_path, assets=known).fetch("thing")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    assert AssetStore(tmp_path, offline=True, assets=known).fetch("thing")
    assert AssetStore(tmp_path, assets=known).fetch("thing")


def test_a_given_directory_replaces_what_is_cached_and_needs_no_network(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "a.txt").write_bytes(b"mine")
    known = asset(GivenOnly((AssetFile("a.txt"),), "not yours to fetch"))
    store = AssetStore(tmp_path / "cache", offline=True, assets=known)
    assert (store.fetch("thing", local=given) / "a.txt").read_bytes() == b"mine"
    (given / "a.txt").write_bytes(b"newer")
    other = tmp_path / "other"
    given.rename(other)
    assert (store.fetch("thing", local=other) / "a.txt").read_bytes() == b"newer"


def test_pins_hold_for_a_given_directory_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ALPHA")
    with pytest.raises(AssetError, match=f"directory {tmp_path}: a.txt has sha256"):
        AssetStore(tmp_path / "cache", assets=asset(PACKAGE)).fetch("thing", local=tmp_path)


def test_any_form_of_an_asset_will_do(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"beta")
    known = asset(PACKAGE, FolderSource(tmp_path / "unused", pinned(b=b"beta")))
    path = AssetStore(tmp_path / "cache", assets=known).fetch("thing", local=tmp_path)
    assert files_in(path) == {"b.txt", "asset.json"}


def test_what_must_be_brought_says_so(tmp_path: Path) -> None:
    known = asset(GivenOnly((AssetFile("a.txt"),), "not yours to fetch"))
    with pytest.raises(AssetError, match=r"your own copy: not yours to fetch; give a directory that holds a\.txt"):
        AssetStore(tmp_path, assets=known).fetch("thing")


def test_an_unknown_name_gets_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"No asset is called 'movielens-100'\. Did you mean 'movielens-100k'"):
        AssetStore(tmp_path).path("movielens-100")


def test_two_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    known = asset(UrlSource(server.url, ALPHA))
    barrier = threading.Barrier(4)
    paths: list[Path] = []

    def fetch() -> None:
        store = AssetStore(tmp_path, assets=known)
        barrier.wait()
        paths.append(store.fetch("thing"))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [tmp_path / "assets" / "thing"] * 4
    assert server.asked.count("GET /a.txt") == 1


def test_what_a_killed_run_left_is_swept_away(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    left = tmp_path / "assets" / "thing.partial"
    left.mkdir(parents=True)
    (left / "junk").write_bytes(b"half")
    path = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA))).fetch("thing")
    assert files_in(path) == {"a.txt", "asset.json"}
    assert not left.exists()


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a directory")
    with pytest.raises(AssetError, match=f"thing cannot be written to the cache {tmp_path / 'cache'} .*LLMREC_CACHE"):
        AssetStore(tmp_path / "cache", assets=asset(UrlSource(server.url, ALPHA))).fetch("thing")


def test_status_tells_the_size_before_and_after(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"alpha"
    store = AssetStore(tmp_path, assets=asset(UrlSource(server.url, ALPHA)))
    (before,) = store.statuses()
    store.fetch("thing")
    (after,) = store.statuses()
    assert (before.cached, before.size, before.source) == (False, 5, "")
    assert (after.cached, after.size, after.source) == (True, 5, server.url)


def test_the_environment_names_the_cache(tmp_path: Path) -> None:
    assert default_cache_dir({"LLMREC_CACHE": str(tmp_path)}) == tmp_path
    assert default_cache_dir({}).name == "llmrec"
    assert default_cache_dir({"LLMREC_CACHE": "~/x"}) == Path.home() / "x"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"LLMREC_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "true"}, True),
        ({"LLMREC_OFFLINE": "0", "HF_HUB_OFFLINE": ""}, False),
    ],
)
def test_the_environment_keeps_off_the_network(environment: dict[str, str], expected: bool) -> None:
    assert offline_by_environment(environment) is expected
