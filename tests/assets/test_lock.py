import subprocess
import sys
from pathlib import Path

from llmrec.assets.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from llmrec.assets.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_holder_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x.lock"
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, cwd=root) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    with locked(path):
        assert path.exists()
