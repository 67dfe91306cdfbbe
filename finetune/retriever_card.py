"""The model card of a fine-tuned encoder: what it is for, what it learned from, how good it is and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.retriever_data import TrainingData

# The values come from the JSON that stands beside the card, so the two cannot disagree.
About = Mapping[str, Any]

_CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
base_model: {base}
license: other
license_name: see-below
datasets: [{data}]
tags: [recommendation, sequential-recommendation, matryoshka]
---
# {name}

A sentence encoder that places the text of a user's history beside the text of what the user met next. Fine-tuned from
{base} (weights sha256 `{base_sha256}`) on {data}.

## Use
In llmrec: `encoder.model=PATH` (this directory). Elsewhere: `SentenceTransformer(PATH)`; a history is encoded with
`encode_query`, its last {max_history} titles newest first, joined by `"; "`; an item with `encode_document`, its title,
facts and description. Texts are cut after {max_length} tokens. The first {sizes} numbers of a vector work alone,
once they are brought back to unit length.

## Data
{data}: {n_users} users, {n_items} items, {n_interactions} interactions (users and items with at least {core}).
- sha256 of the interactions `{data_sha256}`, of the item texts `{texts_sha256}`, of the cut `{split_sha256}`
- cut: {protocol}, ties {ties}, seed {seed}. Learned from: all but each user's last two interactions. Stopped by: the
  one before the last. The last one, the test, is in nothing that was learned from or measured here.
- licence of the data: {licence}
{credits}

## Training
{n_examples} examples an epoch, {n_steps} steps, {minutes} minutes in the last run. Cached multiple-negatives ranking
loss with the other items of a batch and {hard_negatives} mined hard negatives per example, under a Matryoshka loss.
Every number of the run is in `training.json`; code: {commit}.

## Results
Validation users, the whole catalogue ranked without what the user had met, ties by mean rank; 95 % bootstrap intervals
over users. These users chose when to stop, how many items are averaged and what popularity weighs, for base and
fine-tuned encoder alike, so expect a little less on others. The cosine alone leaves popularity out, as the loss does
(in-batch negatives are met as often as people met them): for a catalogue people know, rank by
cosine + log(1 + times met) / {scale:g}, or let a fusion weigh the two.

{table}

## Limits
- Learned from one data set in one language; other catalogues have other titles and tastes.
- It tells what fits, not what many people meet; it does not replace a collaborative model.
- People who liked what their neighbours did not, and items without a description, are served worse.
- Not for decisions about people. The licence of the base and that of the data both bind whoever passes this on.
"""


def model_card(name: str, data: TrainingData, about: About) -> str:
    """The card, in Markdown with the hub's header."""
    record, config = about["record"], about["config"]
    return _CARD.format(
        name=name,
        base=config["base"],
        base_sha256=about["base_sha256"],
        data=record["data"]["name"],
        data_sha256=record["data"]["sha256"],
        n_users=record["data"]["n_users"],
        n_items=record["data"]["n_items"],
        n_interactions=record["data"]["n_interactions"],
        texts_sha256=about["texts_sha256"],
        split_sha256=record["split_sha256"],
        core=record["core"],
        protocol=record["protocol"],
        ties=record["ties"],
        seed=config["seed"],
        commit=record["commit"],
        licence=data.licence,
        credits="\n".join(f"- {line}" for line in data.credits if line),
        sizes=", ".join(str(size) for size in config["matryoshka_sizes"]),
        max_history=config["max_history"],
        max_length=config["max_length"],
        scale=config["scale"],
        hard_negatives=config["hard_negatives"],
        n_examples=about["n_examples"],
        n_steps=about["n_steps"],
        minutes=round(about["seconds"] / 60, 1),
        table=_table(about["validation"]),
    )


def _table(validation: About) -> str:
    metrics = list(next(iter(validation.values())))
    lines = [f"| | {' | '.join(metrics)} |", f"|---|{'---|' * len(metrics)}"]
    lines += [
        f"| {row} | {' | '.join(_cell(found[metric]) for metric in metrics)} |" for row, found in validation.items()
    ]
    return "\n".join(lines)


def _cell(estimate: About) -> str:
    low, high = estimate["ci95"]
    return f"{estimate['mean']:.4f} ({low:.4f} to {high:.4f})"
