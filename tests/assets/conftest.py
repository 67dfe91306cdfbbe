from collections.abc import Iterator

import pytest

from tests.assets.planted import Server, serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    planted, httpd = serve()
    yield planted
    planted.released.set()
    httpd.shutdown()
    httpd.server_close()
