"""From a setting's name to a loaded model."""

from pathlib import Path

from llmrec.assets import AssetStore
from llmrec.models import load_encoder
from llmrec.settings import EncoderSettings
from tests.finetune.tiny import save_tiny_encoder


def test_other_weights_in_the_same_directory_are_another_encoder(tmp_path: Path) -> None:
    store = AssetStore(tmp_path / "cache", offline=True)
    names = []
    for seed in (0, 0, 1):
        first = save_tiny_encoder(tmp_path / f"{len(names)}", seed=seed)
        place = first.rename(tmp_path / "mine") if not names else first.replace(_emptied(tmp_path / "mine"))
        names.append(load_encoder(EncoderSettings(model=str(place), device="cpu"), store).name)
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("mine-")


def _emptied(directory: Path) -> Path:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return directory
