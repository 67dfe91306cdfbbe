"""What stands beside the adapter of the second voice: its record and its model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

RECORD = "understand.json"
_CARD = """---
library_name: peft
base_model: {base}
license: apache-2.0
tags: [recommendation, dialogue, lora]
---
# understand

A LoRA adapter with which {base} (weights sha256 `{base_sha256}`) says what vague words of a user mean over the fields
and values of any catalogue: `genres=Comedy;not genres=Horror`, `price=low`, `none`. Decoding is held to that language.
It reads what the exact grammar of llmrec left unread, and what it reads is a leaning, never a condition.

## Training
`python finetune/train_understand.py finetune/configs/understand-cpu.toml --out DIR`, {steps} steps in {seconds:.0f} s.
Utterances are made of the phrases in `llmrec/dialogue/resources/vague_en.tsv` (our own words; a share of {share} of
each concept's phrases is kept for validation) over vocabularies drawn at random. Prompt: `{template}.jinja`, hash
`{template_hash}`. Answers exactly right on validation, whose phrases were not learned from: {validation_exact:.3f}.

## Limits
English only. Values it never met are read by their names alone. It cannot say more than the catalogue records.
"""


def write_record(directory: Path, record: Mapping[str, object]) -> None:
    """Write `understand.json` and the card into `directory`."""
    (directory / RECORD).write_text(f"{json.dumps(record, indent=1)}\n", encoding="utf-8")
    config = record["config"]
    share = config["validation_share"] if isinstance(config, Mapping) else ""
    (directory / "README.md").write_text(_CARD.format(**record, share=share), encoding="utf-8")
