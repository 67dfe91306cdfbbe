"""`app.py` as a user starts it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SAY = "import app; print(*[c['props'].get('value') for c in app.demo.config['components'] if c['type'] == 'html'])"


def run(*arguments: str, recommender: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LLMREC_RECOMMENDER": str(recommender)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,  # starting imports everything, which takes minutes where all processors are busy
        check=False,
    )


def test_without_a_recommender_the_page_says_what_to_run(tmp_path: Path) -> None:
    done = run("-c", _SAY, recommender=tmp_path / "none")
    assert done.returncode == 0, done.stderr
    assert "There is no recommender in" in done.stdout
    assert "run `make demo` for the demo" in done.stdout


def test_a_directory_that_is_no_recommender_is_said_on_the_page(tmp_path: Path) -> None:
    done = run("-c", _SAY, recommender=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_trace_for_others_ends_with_one_sentence(tmp_path: Path) -> None:
    done = run("app.py", "--host", "0.0.0.0", "--trace", recommender=tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr.startswith("a trace shows what users said; it is not served on 0.0.0.0.")


def test_a_port_that_does_not_exist_ends_with_one_sentence(tmp_path: Path) -> None:
    done = run("app.py", "--port", "0", recommender=tmp_path / "none")
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "the port 0 does not exist. Choose one from 1 to 65535 with --port.",
    )
