"""What stands beside the adapter that writes explanations: its record and its model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

RECORD = "explain.json"
_CARD = """---
library_name: peft
base_model: {base}
license: apache-2.0
tags: [recommendation, explanation, lora]
---
# {name}

A LoRA adapter with which {base} (weights sha256 `{base_sha256}`) says reasons for a recommendation in one sentence of
at most {max_tokens} tokens. What it writes is read back: a sentence that is not made of the given reasons, each said
whole, is dropped (`llmrec/explanation/claims.py`), and a template stands in its place.

## Training
`{command}`, commit `{commit}`, {steps} steps in {seconds:.0f} s. Reasons come from the explainer that serves, half of
them over the catalogues {catalogues}, half over catalogues invented of their words; sentences from the ways of saying
in `llmrec/explanation/claims.py`, drawn at random. No user's data is learned from. Prompt: `{template}.jinja`, hash
`{template_hash}`. Loss of a token on examples drawn apart: {validation_loss:.3f}.

## Limits
English only. It knows no other ways of saying than those it was taught, so a draw among these would be as true and as
lively; see docs/explanations.md for what was measured.
"""


def write_record(directory: Path, record: Mapping[str, object]) -> None:
    """Write `explain.json` and the card into `directory`."""
    (directory / RECORD).write_text(f"{json.dumps(record, indent=1)}\n", encoding="utf-8")
    config = record["config"]
    max_tokens = config["max_tokens"] if isinstance(config, Mapping) else ""
    (directory / "README.md").write_text(
        _CARD.format(**record, name=directory.name, max_tokens=max_tokens), encoding="utf-8"
    )
