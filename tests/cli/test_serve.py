"""`llmrec serve` and `llmrec keys`: a service in a process of its own, told to stop by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from tests.cli_helpers import LIGHT, call, write_tables


@pytest.fixture(scope="module")
def shop(films: Catalogue, interactions: Interactions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from llmrec.cli.main import run

    folder = tmp_path_factory.mktemp("shop")
    items, events = write_tables(folder, films, interactions)
    made = ["build", "--items", str(items), "--interactions", str(events), "--out", str(folder / "r"), *LIGHT]
    assert run(made) == 0
    return folder / "r"


class Served:
    """A service in another process."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "llmrec", "serve", str(directory), "--port", "0", "--no-page", *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()  # nothing where it ended instead
        assert self.said, self.process.communicate()
        self.url = f"http://127.0.0.1:{self.said.strip().rpartition(':')[2]}"
        end = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=60).status_code == 200
        except httpx.ConnectError:
            return False

    def stop(self) -> tuple[int, str, str]:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


@pytest.fixture
def served() -> Iterator[list[Served]]:
    running: list[Served] = []
    yield running
    for one in running:
        one.stop()


def test_a_service_answers_until_it_is_told_to_stop(shop: Path, served: list[Served], tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    served.append(Served(shop, "--state", str(state)))
    url = served[0].url
    found = httpx.post(f"{url}/v1/recommend", json={"user_id": "ann", "k": 2}, trust_env=False).json()
    assert len(found["recommendations"]) == 2
    sent = {"user_id": "ann", "item": "1", "signal": "like"}
    assert httpx.post(f"{url}/v1/feedback", json=sent, trust_env=False).status_code == 201
    code, out, err = served[0].stop()
    assert (code, out, err) == (0, "", "")
    assert served[0].said == f"Serving r at {url}\n"
    assert "feedback.sqlite3" in {path.name for path in state.iterdir()}
    # What was acknowledged is there for the next process.
    served.append(Served(shop, "--state", str(state)))
    rows = httpx.get(f"{served[1].url}/v1/users/ann/export", trust_env=False).text.splitlines()
    assert [row["signal"] for row in map(json.loads, rows) if row["kind"] == "feedback"] == ["like"]


def test_a_public_address_without_keys_is_warned_of(shop: Path, served: list[Served], tmp_path: Path) -> None:
    served.append(Served(shop, "--host", "0.0.0.0", "--state", str(tmp_path)))
    _, _, err = served[0].stop()
    assert "anybody may read and delete" in err
    assert "llmrec keys add" in err


def test_keys_are_made_listed_and_revoked(
    shop: Path, served: list[Served], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There never was a key" in call(capsys, "keys", "list", tmp_path).err
    made = call(capsys, "keys", "add", tmp_path, "--user", "ann")
    text = made.out.strip()
    assert "a hash only" in made.err
    admin = call(capsys, "keys", "add", tmp_path, "--admin", "--json").json
    listed = call(capsys, "keys", "list", tmp_path, "--json").json["keys"]
    assert [(row["scope"], row["user_id"]) for row in listed] == [("user", "ann"), ("admin", None)]
    assert text not in json.dumps(listed)
    served.append(Served(shop, "--state", str(tmp_path)))

    def status(key: str) -> int:
        headers = {"authorization": f"Bearer {key or 'wrong'}"}
        return httpx.get(f"{served[0].url}/v1/items", headers=headers, trust_env=False).status_code

    assert (status(text), status(admin["key"]), status("")) == (200, 200, 401)
    assert call(capsys, "keys", "revoke", tmp_path, listed[0]["id"]).code == 0
    assert (status(text), status(admin["key"])) == (401, 200)
    assert "acts for all users" in call(capsys, "keys", "list", tmp_path).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("keys", "add", "SHOP"), "either for one user"),
        (("keys", "add", "SHOP", "--user", "ann", "--admin"), "either for one user"),
        (("keys", "revoke", "SHOP", "x"), "no key has the id 'x'"),
        (("keys", "list", "SHOP/nowhere"), "is not a directory"),
        (("serve", "SHOP/nowhere"), "nowhere"),
        (("serve", "SHOP", "--deadline", "0"), "deadline_s is 0.0"),
        (("serve", "SHOP", "--state", "SHOP/nowhere"), "is not a directory"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    outcome = call(capsys, *(argument.replace("SHOP", str(shop)) for argument in arguments))
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_taken_port_is_said_before_anything_is_loaded(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = call(capsys, "serve", shop, "--port", taken.getsockname()[1])
    assert (outcome.code, "Choose another one with --port." in outcome.err) == (2, True)


def test_help_loads_no_server() -> None:
    code = (
        "import sys; from llmrec.cli.main import run; run(['serve', '--help']);"
        "sys.exit(bool({'fastapi', 'uvicorn', 'gradio', 'torch', 'httpx'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
