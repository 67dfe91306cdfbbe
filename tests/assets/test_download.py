import socket
import urllib.error
import urllib.request
from email.message import Message
from io import BytesIO
from pathlib import Path

import pytest

from llmrec.assets.download import Hosts, _NoDowngrade, download
from llmrec.assets.files import SourceFailed
from tests.assets.planted import Server


def get(url: str, target: Path, max_bytes: int = 1000) -> None:
    download(url, target, max_bytes=max_bytes, advance=lambda _: None)


def test_any_answer_of_a_host_is_an_answer(server: Server) -> None:
    hosts = Hosts(answer_s=30.0)
    hosts.require(f"{server.url}a.txt")
    hosts.require(f"{server.url}b.txt")
    assert server.asked == ["HEAD /"]


def test_a_silent_host_is_waited_for_once(server: Server) -> None:
    server.silent = True
    hosts = Hosts(answer_s=0.2)
    with pytest.raises(SourceFailed, match=r"did not answer \((nothing heard within 0\.2 s|timed out)\)"):
        hosts.require(server.url)
    with pytest.raises(SourceFailed, match="was skipped, it did not answer before"):
        hosts.require(server.url)
    assert len(server.asked) <= 1  # none where this machine was too busy to read it in time


def test_a_closed_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else can take the port, and nobody listens
        with pytest.raises(SourceFailed, match=r"did not answer .Connection refused"):
            Hosts(answer_s=30.0).require(f"http://127.0.0.1:{deaf.getsockname()[1]}/")


def test_a_missing_page_is_a_reason(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"a\.txt answered 404 Not Found"):
        get(f"{server.url}a.txt", tmp_path / "a.txt")


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    server.redirects["old.txt"] = "/new.txt"
    server.bodies["new.txt"] = b"moved"
    get(f"{server.url}old.txt", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"moved"


def test_a_redirect_in_a_circle_ends(server: Server, tmp_path: Path) -> None:
    server.redirects["old.txt"] = "/old.txt"
    with pytest.raises(SourceFailed, match="answered 302"):
        get(f"{server.url}old.txt", tmp_path / "a.txt")


def test_a_redirect_away_from_https_is_refused() -> None:
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(urllib.error.HTTPError, match=r"redirect to http://example\.org/a refused") as caught:
        _NoDowngrade().redirect_request(request, BytesIO(), 302, "Found", Message(), "http://example.org/a")
    caught.value.close()


def test_a_body_shorter_than_announced_is_refused(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"half"
    server.announced["a.txt"] = 8
    with pytest.raises(SourceFailed, match="broke off after 4 of 8 bytes"):
        get(f"{server.url}a.txt", tmp_path / "a.txt")


def test_a_body_without_an_end_is_cut(server: Server, tmp_path: Path) -> None:
    server.bodies["a.txt"] = b"x" * 1001
    with pytest.raises(SourceFailed, match="larger than the 1,000 bytes"):
        get(f"{server.url}a.txt", tmp_path / "a.txt")
