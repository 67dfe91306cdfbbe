"""The model card of a ranking adapter: what it is for, what it learned from, how good it is and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetune.ranker_data import RankerData

# The values come from the JSON that stands beside the card, so the two cannot disagree.
About = Mapping[str, Any]

_CARD = """---
library_name: peft
base_model: {base}
license: other
license_name: see-below
datasets: [{data}]
tags: [recommendation, ranking, lora]
---
# {name}

A LoRA adapter that lets {base} (weights sha256 `{base_sha256}`) say which of some candidates suits a user best.
Verdict: {verdict}

## Use
In llmrec: `language_model.adapter=PATH` (this directory) with `language_model.model={base}`, `ranking.mode={mode}`,
`ranking.text={text}`, `ranking.max_history={max_history}`, `ranking.lm_weight={lm_weight:g}`; where there is a
`fusion.json` beside it, its learned weights count instead.
{reads} Divide scores by {temperature:g} before a softmax over the slate for
probabilities that come true. Elsewhere: `PeftModel.from_pretrained({stock_base}, PATH)`.
{pipeline}
## Data
{data}: {n_users} users, {n_items} items, {n_interactions} interactions.
- sha256 of the interactions `{data_sha256}`, of the item texts `{texts_sha256}`, of the cut `{split_sha256}`, of the
  training examples `{examples_sha256}`
- cut: {protocol}, ties {ties}, seed {seed}. Learned from: all but each user's last two interactions. Stopped and
  decided by: the one before the last. The last one, the test, is in nothing that was learned from or measured here.
{refit}- candidates: {candidates}
- licence of the data: {licence}
{credits}

## Training
{n_examples} examples a pass, {n_steps} steps, {n_tokens} tokens, {minutes} minutes in the last run; objectives
{objectives}; rank {rank}, {layers}. The curve is in `metrics.jsonl` and `curves.png`, every number in `ranker.json`;
code: {commit}.

## Results
NDCG@10 of slates of {slate_size} on {n_decided} validation users whose next item the retriever found, with 95 %
bootstrap intervals over users. {n_stopped} other users chose when to stop, the weight and the temperature.

{table}

## Limits
- It orders what a retriever found; what was not found it cannot show.
- Learned from one catalogue in one language; on others measure first.
- Not for decisions about people. The licences of the base and of the data both bind whoever passes this on.
"""
_PROMPTS = (
    "Prompts are built from `{template}.jinja` (hash `{template_hash}`), at most {max_prompt_tokens} tokens and "
    "{slate_size} candidates; another template is another task."
)
_ITEMS = (
    "It reads no prompts: the items of this catalogue are its words, known by id and title; any other item is read by "
    "its text. `item_tokens.safetensors` and `item_tokens.json` hold what was learned of each."
)
_PIPELINE = """
With transformers alone (5.23 or later), texts as in `decision_template.jinja`:
```python
decide = pipeline("decision", "{base}", decision_config=PATH)
decide({{"state": {{"history": [...]}}, "questions": {question}}})
```
"""
_QUESTIONS = {
    "listwise": '{"next": {"type": "choice", "criteria": {item_id: text}}}',
    "isolated": '{item_id: {"type": "noul", "instructions": text}}',
}
_FOLDED = "the best of `{retriever}`, fitted for each of {folds} parts of the users without what is asked of them"
_DECIDING = "none are learned from; the slates below are the best of `{retriever}`"


_REFIT = """- trained anew for {passes:g} passes, which were best, on the one before the last too. The numbers below are
  of the network before that, in `measured/`; the weights beside the retriever were learned with it.
"""


def ranker_card(name: str, data: RankerData, about: About) -> str:
    """The card, in Markdown with the hub's header."""
    record, config = about["record"], about["config"]
    return _CARD.format(
        name=name,
        base=about["base"],
        base_sha256=about["base_sha256"],
        verdict=about["verdict"],
        mode=about["mode"],
        text=about["text"],
        max_history=about["max_history"],
        lm_weight=about["fusion"]["with_lm"]["lm"],
        reads=(_PROMPTS if about["template"] else _ITEMS).format_map(about),
        pipeline=_pipeline(about),
        stock_base=_stock_base(config),
        slate_size=about["slate_size"],
        temperature=about["temperature"],
        data=record["data"]["name"],
        n_users=record["data"]["n_users"],
        n_items=record["data"]["n_items"],
        n_interactions=record["data"]["n_interactions"],
        data_sha256=record["data"]["sha256"],
        texts_sha256=about["texts_sha256"],
        split_sha256=record["split_sha256"],
        examples_sha256=about["examples_sha256"],
        protocol=record["protocol"],
        refit=_REFIT.format(passes=about["refit_passes"]) if about["refit_passes"] else "",
        ties=record["ties"],
        seed=config["seed"],
        candidates=(_FOLDED if about["template"] else _DECIDING).format_map({**config, **about}),
        licence=data.training.licence,
        credits="\n".join(f"- {line}" for line in data.training.credits if line),
        n_examples=about["n_examples"],
        n_steps=about["n_steps"],
        n_tokens=about["n_tokens"],
        minutes=round(about["seconds"] / 60, 1),
        objectives=", ".join(f"{objective} x {weight:g}" for objective, weight in config["objectives"].items()),
        rank=config["rank"],
        layers=_layers(config),
        commit=record["commit"],
        n_decided=about["n_users"]["decided_by"],
        n_stopped=about["n_users"]["stopped_by"],
        table=_table(about["validation"]),
    )


def _pipeline(about: About) -> str:
    if about["decision_pipeline"] != "yes":
        return f"Not for transformers' decision pipeline: {about['decision_pipeline']}\n"
    return _PIPELINE.format(base=about["base"], question=_QUESTIONS[about["mode"]])


def _stock_base(config: About) -> str:
    if config["mode"] != "item_tokens" and config["n_layers"]:
        return f"AutoModelForCausalLM.from_pretrained(base, num_hidden_layers={config['n_layers']})"
    return "base"


def _layers(config: About) -> str:
    if config["mode"] == "item_tokens":
        return f"the first {config['item_tokens']['n_layers']} layers, and no others read"
    if config["n_layers"]:
        return f"the first {config['n_layers']} layers, and no others read"
    return f"the last {config['top_layers']} layers" if config["top_layers"] else "all layers"


def _table(validation: About) -> str:
    return "\n".join(["| | NDCG@10 |", "|---|---|", *(f"| {row} | {_cell(at)} |" for row, at in validation.items())])


def _cell(estimate: About) -> str:
    if "ci95" not in estimate:
        return f"{estimate['mean']:.4f}"
    low, high = estimate["ci95"]
    return f"{estimate['mean']:.4f} ({low:.4f} to {high:.4f})"
