"""A published directory is whole or refused; a failed writer leaves the last version standing."""

import json
import random
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from llmrec.bundle import is_bundle, new_version, open_bundle, roll_back, writing
from llmrec.errors import ArtifactError


def publish(root: Path, text: str = "one") -> None:
    with new_version(root, {"name": "test"}) as files:
        (files / "deep").mkdir()
        (files / "deep" / "a.txt").write_text(text)
        (files / "b.txt").write_text("b")


def fail_halfway(root: Path) -> None:
    with new_version(root, {}) as files:
        (files / "b.txt").write_text("half")
        raise KeyError("boom")


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    publish(tmp_path / "r")
    bundle = open_bundle(tmp_path / "r")
    assert (bundle.files / "deep" / "a.txt").read_text() == "one"
    assert bundle.about == {"name": "test"}


def test_a_new_version_replaces_the_old_and_leaves_foreign_files_alone(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "feedback.sqlite3").write_text("mine")
    publish(tmp_path, "two")
    assert (open_bundle(tmp_path).files / "deep" / "a.txt").read_text() == "two"
    assert (tmp_path / "feedback.sqlite3").read_text() == "mine"


def test_the_version_before_stays_for_whoever_reads_it_and_no_other(tmp_path: Path) -> None:
    opened = []
    for text in ("one", "two", "three"):
        publish(tmp_path, text)
        opened.append(open_bundle(tmp_path))
    assert [bundle.files.exists() for bundle in opened] == [False, True, True]


def test_directories_that_only_look_like_versions_are_left_alone(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "v-notes").mkdir()
    publish(tmp_path, "two")
    publish(tmp_path, "three")
    assert (tmp_path / "v-notes").is_dir()
    (tmp_path / "other" / "v-1.0").mkdir(parents=True)
    with pytest.raises(ArtifactError, match=r"holds other files"):
        publish(tmp_path / "other")


def test_a_lost_manifest_can_be_built_again(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "rejects.csv").write_text("file,row,reason,raw\n")
    (tmp_path / "manifest.json").unlink()
    publish(tmp_path, "two")
    assert (open_bundle(tmp_path).files / "deep" / "a.txt").read_text() == "two"
    (tmp_path / "manifest.json").write_text("[" * 99_999)
    with pytest.raises(ArtifactError, match=r"is damaged"):
        open_bundle(tmp_path)
    publish(tmp_path, "three")
    assert (open_bundle(tmp_path).files / "deep" / "a.txt").read_text() == "three"


def test_a_writer_that_fails_leaves_the_last_version_standing(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(KeyError):
        fail_halfway(tmp_path)
    assert (open_bundle(tmp_path).files / "b.txt").read_text() == "b"
    assert len(list(tmp_path.glob("v-*"))) == 1


@pytest.mark.parametrize("name", ["deep/a.txt", "b.txt"])
@pytest.mark.parametrize("damage", [b"", b"ona", b"one" * 9])
def test_a_changed_file_is_named(tmp_path: Path, name: str, damage: bytes) -> None:
    publish(tmp_path)
    (open_bundle(tmp_path).files / name).write_bytes(damage)
    with pytest.raises(ArtifactError, match=r"is damaged: its sha256 is not"):
        open_bundle(tmp_path)


def test_a_missing_file_and_a_link_are_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    path = open_bundle(tmp_path).files / "b.txt"
    path.unlink()
    with pytest.raises(ArtifactError, match=r"b\.txt is missing or not a plain file"):
        open_bundle(tmp_path)
    (tmp_path / "elsewhere").write_text("b")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match=r"b\.txt is missing or not a plain file"):
        open_bundle(tmp_path)


def test_every_flipped_byte_of_the_manifest_is_noticed(tmp_path: Path) -> None:
    publish(tmp_path)
    path = tmp_path / "manifest.json"
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 1
        path.write_bytes(bytes(bad))
        try:
            opened = open_bundle(tmp_path)
        except ArtifactError:
            continue
        # White space and the like may flip without a change of meaning; anything else may not.
        assert json.loads(bytes(bad)) == json.loads(good), f"byte {position} passed"
        assert opened.about == {"name": "test"}


def test_directories_that_are_not_ours_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"there is no directory .*nowhere\. Make one"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match=r"not a recommender directory"):
        open_bundle(tmp_path)
    (tmp_path / "photo.jpg").write_text("x")
    with pytest.raises(ArtifactError, match=r"holds other files; name a new or empty directory"):
        publish(tmp_path)
    assert not is_bundle(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match=r"is a file; name a directory"):
        publish(tmp_path / "file")


def test_a_build_that_was_cut_off_does_not_block_the_next(tmp_path: Path) -> None:
    (tmp_path / "v-0123456789ab").mkdir()
    publish(tmp_path)
    assert not (tmp_path / "v-0123456789ab").exists()


def test_a_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmrec.bundle.FORMAT", 2)
    publish(tmp_path)
    monkeypatch.undo()
    with pytest.raises(ArtifactError, match=r"has format 2; this llmrec reads format 1\. Upgrade"):
        open_bundle(tmp_path)


WRITER = """
import sys
from pathlib import Path
from llmrec.bundle import new_version
print("ready", flush=True)
for version in range(10_000):
    with new_version(Path(sys.argv[1]), {"version": version}) as files:
        for name in "abc":
            (files / name).write_text(str(version) * 1_000)
"""


def test_a_killed_writer_leaves_one_whole_version(tmp_path: Path) -> None:
    rng = random.Random(7)
    root = tmp_path / "r"
    publish(root)
    for _ in range(15):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(rng.uniform(0.0, 0.05))
            writer.kill()
        bundle = open_bundle(root)
        texts = {(bundle.files / name).read_text() for name in "abc" if (bundle.files / name).exists()}
        assert len(texts) <= 1
        if texts:
            assert texts == {str(bundle.about["version"]) * 1_000}
    publish(root)
    assert len(list(root.glob("v-*"))) == 2


def text_in(root: Path) -> str:
    return (open_bundle(root).files / "deep" / "a.txt").read_text()


def test_rolling_back_switches_to_the_version_before_and_forth_again(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, "two")
    roll_back(tmp_path)
    assert text_in(tmp_path) == "one"
    roll_back(tmp_path)
    assert text_in(tmp_path) == "two"


def test_the_next_version_after_rolling_back_keeps_the_one_that_served(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, "broken")
    roll_back(tmp_path)
    publish(tmp_path, "three")
    roll_back(tmp_path)
    assert text_in(tmp_path) == "one"


def test_without_a_version_before_nothing_is_switched(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(ArtifactError, match=r"has no version before the current one, so nothing was switched"):
        roll_back(tmp_path)
    with pytest.raises(ArtifactError, match=r"there is no directory"):
        roll_back(tmp_path / "nowhere")
    assert text_in(tmp_path) == "one"


def test_a_damaged_version_before_is_refused_and_the_current_one_stays(tmp_path: Path) -> None:
    publish(tmp_path)
    before = open_bundle(tmp_path).files
    publish(tmp_path, "two")
    (before / "b.txt").write_text("c")
    with pytest.raises(ArtifactError, match=r"b\.txt is damaged: its sha256 is not"):
        roll_back(tmp_path)
    (tmp_path / f"manifest.{before.name}.json").unlink()
    with pytest.raises(ArtifactError, match=r"was written without a manifest of its own, so it cannot be checked"):
        roll_back(tmp_path)
    assert text_in(tmp_path) == "two"


def test_whoever_writes_may_take_the_lock_again_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmrec.bundle._PATIENCE_S", 0.1)
    refused: list[str] = []

    def intrude() -> None:
        try:
            publish(tmp_path, "intruder")
        except ArtifactError as error:
            refused.append(error.message)

    with writing(tmp_path):
        publish(tmp_path)
        other = threading.Thread(target=intrude)
        other.start()
        other.join()
    assert text_in(tmp_path) == "one"
    assert refused == [f"another process is writing {tmp_path}; wait until it has ended."]


def test_a_disk_that_is_full_leaves_the_last_version_and_says_so(tmp_path: Path) -> None:
    publish(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(ArtifactError, match=r"cannot be written: File too large; what was there before is untouch"):
            publish(tmp_path, "two" * 9_999)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert text_in(tmp_path) == "one"
    assert len(list(tmp_path.glob("v-*"))) == 1
