"""A loopback HTTP server with planted answers, a pip that is not pip, and assets that point at them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from llmrec.assets.files import AssetFile
from llmrec.assets.registry import Asset
from llmrec.assets.sources import Source


@dataclass
class Server:
    """What the server answers, and what it was asked (`HEAD /`, `GET /a.txt`)."""

    url: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


def serve() -> tuple[Server, ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            server.asked.append(f"HEAD {self.path}")
            if server.silent:
                server.released.wait(10)
            name = self.path.removeprefix("/")
            body = server.bodies.get(name)
            self.send_response(404 if body is None else 200)
            # What the hub's client wants to know before it downloads.
            self.send_header("X-Repo-Commit", "c" * 40)
            if body is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{sha(body)}"')
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()

        def do_GET(self) -> None:
            server.asked.append(f"GET {self.path}")
            name = self.path.removeprefix("/")
            if name in server.redirects:
                self.send_response(302)
                self.send_header("Location", server.redirects[name])
            elif name in server.bodies:
                self.send_response(200)
                self.send_header("Content-Length", str(server.announced.get(name, len(server.bodies[name]))))
            else:
                self.send_response(404)
            self.end_headers()
            self.wfile.write(server.bodies.get(name, b"") if name not in server.redirects else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{httpd.server_port}/")
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server, httpd


@dataclass
class FakePip:
    """Puts a planted wheel where pip would, or fails as pip does."""

    members: Mapping[str, bytes] = field(default_factory=dict)
    stderr: str = ""
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], scratch: Path) -> subprocess.CompletedProcess[str]:
        self.calls.append(tuple(arguments))
        if self.stderr:
            return subprocess.CompletedProcess([], 1, "", self.stderr)
        target = Path(arguments[arguments.index("--dest") + 1])
        target.mkdir()
        (target / "planted-1-py3-none-any.whl").write_bytes(zip_of(self.members))
        return subprocess.CompletedProcess([], 0, "", "")


def zip_of(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def pinned(**bodies: bytes) -> tuple[AssetFile, ...]:
    """Files called `NAME.txt` with the hash and size of their body."""
    return tuple(AssetFile(f"{name}.txt", (sha(body),), len(body)) for name, body in bodies.items())


def asset(*sources: Source, name: str = "thing") -> dict[str, Asset]:
    return {name: Asset(name, "dataset", "CC0", "Nobody (2020)", "https://example.org", sources)}
