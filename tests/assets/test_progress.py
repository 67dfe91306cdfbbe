import io
import time
from pathlib import Path

import pytest

from llmrec.assets.progress import SilentProgress, TerminalProgress, watch_growth


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_name_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with TerminalProgress().task("model.safetensors", 4000) as advance:
        advance(1000)
    assert "model.safetensors" in terminal.getvalue()
    assert "4.00k" in terminal.getvalue()


def test_a_log_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with TerminalProgress().task("model.safetensors", 4000) as advance:
        advance(1000)
    with SilentProgress().task("model.safetensors", 0) as advance:
        advance(1000)
    assert log.getvalue() == ""


def test_growth_of_a_directory_is_reported(tmp_path: Path) -> None:
    seen: list[int] = []
    with watch_growth(tmp_path, seen.append, interval_s=0.01):
        (tmp_path / "a").write_bytes(b"12345")
        deadline = time.monotonic() + 30
        while sum(seen) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sum(seen) == 5
