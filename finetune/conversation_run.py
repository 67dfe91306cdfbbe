"""One run of training the conversation encoder: read the dialogues, train, write the projection and its record."""

from __future__ import annotations

import json
import time
from pathlib import Path

from finetune.conversation_encoder import EncoderTraining, lessons_of, trained_projection
from llmrec.assets import AssetStore
from llmrec.assets.progress import TerminalProgress
from llmrec.conversation.dialogues import read_dialogues
from llmrec.conversation.encoder import EncoderInputs
from llmrec.conversation.files import read_items
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training
from llmrec.data.set_files import find
from llmrec.errors import ConfigError
from llmrec.models import load_encoder
from llmrec.settings import EncoderSettings

CATALOGUE = "id2info.json"
ENCODER, RECORD = "encoder.safetensors", "encoder.json"


def train_conversation_encoder(source: Path | None, config_file: Path, out: Path) -> dict[str, object]:
    """Train on the dialogues in `source` and write into `out`; what was done, for the record.

    Dialogues of which `source` has rows to predict are held out.

    Raises:
        LLMRecError: The data, the configuration or the text encoder cannot be used, or `out` is not empty.
    """
    config = EncoderTraining.from_file(config_file)
    if source is None:
        raise ConfigError("the task conversation needs --from DIR with the dialogues and the catalogue.")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty.", hint="Name a new directory.")
    store = AssetStore.from_environment()
    encoder = load_encoder(EncoderSettings(model=config.base, device=config.device), store, fetch=TerminalProgress())
    catalogue = read_items(find(source, CATALOGUE))
    training = Training(catalogue, read_dialogues(source, catalogue))
    started = time.monotonic()
    texts = TextVectors(encoder, store.cache_dir / "vectors" / "conversation")
    inputs = EncoderInputs.of(training, texts, ItemMatch.fit(catalogue, texts).items)
    lessons = lessons_of(training, inputs)
    projection = trained_projection(lessons, inputs, config)
    record: dict[str, object] = {
        "base": encoder.name,
        "dialogues": len(training.dialogues),
        "lessons": len(lessons.answers),
        "seconds": round(time.monotonic() - started, 1),
        "config": config.model_dump(),
    }
    out.mkdir(parents=True, exist_ok=True)
    projection.save(out / ENCODER)
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return record
