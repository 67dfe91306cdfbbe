"""Data with a planted rule and base models that can learn it, small enough to train in seconds."""

import json
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_model import load_base
from finetune.ranker_setup import Bench
from finetune.retriever_data import TrainingData
from llmrec import index
from llmrec.build import Overrides, fit_tables
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.prompting.templates import PromptLibrary, PromptTemplate
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.language_model.tiny import tiny_tokenizer

GENRES = "abcdef"
N_PER_GENRE, N_MET = 8, 7
# What a two-layer model can read: each candidate is its genre and then its label; the history's last genre ends it.
SHORT_PROMPT = """user:
{% for item in items %}
{{ item.text[0] }}{{ item.label }}
{% endfor %}
{{ (history | last)[0] if history else "-" }}
"""
ISOLATED_PROMPT = """---
version: 1
description: As short as can be.
inputs: [history, items]
---
system:
-
user:
{{ (history | last)[0] if history else "-" }}
assistant:
{% for item in items %}
{{ item[0] }}:
{% endfor %}
"""


def planted_catalogue() -> Catalogue:
    """Items called by their genre, a letter, and a number."""
    return Catalogue(
        Item(ItemId(f"{genre}{number}"), f"{genre}{number}", {}) for number in range(N_PER_GENRE) for genre in GENRES
    )


def planted_rows(n_users: int, *, seed: int = 0) -> list[Interaction]:
    """Users who stay with one genre each, all of them met equally often: popularity has nothing to say."""
    rng = np.random.default_rng(seed)
    return [
        Interaction(UserId(str(user)), ItemId(f"{GENRES[user % len(GENRES)]}{number}"), 1.0, float(step))
        for user in range(n_users)
        for step, number in enumerate(rng.permutation(N_PER_GENRE)[:N_MET].tolist())
    ]


def planted_data(n_users: int = 60, *, template: str | None = None) -> RankerData:
    """The planted rule as training data; `template` stands in for the ranking prompt."""
    catalogue = planted_catalogue()
    core = prepared(catalogue, Interactions.from_rows(planted_rows(n_users), catalogue), core=0)
    cut = split(core.interactions, protocol="leave-last-out")
    record = ProtocolRecord.of([cut], name="letters", part="validation", core=0, seeds=[0])
    training = TrainingData(
        core.catalogue, cut.validation[0], cut.test[0].fit_on, record, "Nobody's.", ("Made by hand.",)
    )
    prompts = PromptLibrary.load()
    if template is not None:
        prompts = PromptLibrary({**prompts.templates, "rank": PromptTemplate.from_text("rank", template)})
    return RankerData(training, StageContext(core.catalogue, Settings(), vectors=_no_vectors), prompts)


def tiny_config(base: Path, **changes: object) -> RankerTraining:
    """A run of thirty steps on the CPU, with checkpoints after the tenth, twentieth and thirtieth."""
    values = {
        "base": str(base), "device": "cpu", "dtype": "float32", "retriever": "popularity", "folds": 2, "per_user": 1,
        "slate_size": 4, "pool": 6, "max_prompt_tokens": 400, "rank": 2, "alpha": 4, "batch_size": 4, "epochs": 2,
        "learning_rate": 1e-2, "evaluations": 3, "patience": 9, "validation_users": 4, "decision_users": 4, "seed": 1,
    }  # fmt: skip
    return RankerTraining.model_validate({**values, **changes})


def tiny_bench(data: RankerData, config: RankerTraining) -> Bench:
    """The parts of a run, its base read anew."""
    base = load_base(Path(config.base), config, torch.device("cpu"), name=Path(config.base).name)
    return Bench(data, config, base)


def save_lively_model(directory: Path, *, seed: int = 0) -> Path:
    """A random model whose head can say something: with the usual small weights no adapter inside could move it."""
    config = LlamaConfig(
        vocab_size=935, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=2,
        initializer_range=0.1, tie_word_embeddings=False,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        torch.nn.init.normal_(model.model.embed_tokens.weight)
        torch.nn.init.normal_(model.lm_head.weight)
    model.save_pretrained(directory)
    bare = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    tiny_tokenizer(chat_template=bare).save_pretrained(directory)
    return directory


def planted_files(directory: Path, *, n_users: int = 60) -> Path:
    """The same rule as files that `--from` reads."""
    directory.mkdir()
    numbers = {item_id: number for number, item_id in enumerate(planted_catalogue())}
    films = [f"{number},{item_id},Drama" for item_id, number in numbers.items()]
    (directory / "movies.csv").write_text("\n".join(["movieId,title,genres", *films]) + "\n")
    ratings = [f"{row.user_id},{numbers[row.item_id]},4.0,{1000 + int(row.at or 0)}" for row in planted_rows(n_users)]
    (directory / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]) + "\n")
    return directory


def planted_recommender(directory: Path, isolated_prompt: str, *, n_users: int) -> Path:
    """The same rule as a recommender that ranks by popularity and asks like `isolated_prompt`."""
    prompts = directory.with_name("prompts")
    prompts.mkdir()
    (prompts / "rank_isolated.jinja").write_text(isolated_prompt)
    catalogue = planted_catalogue()
    fitted = fit_tables(
        catalogue,
        Interactions.from_rows(planted_rows(n_users), catalogue),
        settings=Settings().changed(["retrieval.hybrid=0", "encoder.model=hashing", "language_model.model=none"]),
        name="letters",
        overrides=Overrides(prompts=prompts),
    )
    index.save(fitted, directory)
    return directory


def as_toml(config: RankerTraining, path: Path) -> Path:
    """`config` as a file."""
    values = config.model_dump(mode="json")
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    tables = [
        f"[{key}]\n" + "\n".join(f"{name} = {json.dumps(number)}" for name, number in value.items())
        for key, value in values.items()
        if isinstance(value, dict)
    ]
    path.write_text("\n".join([*lines, *tables]))
    return path


def _no_vectors() -> ExactVectorStore:
    raise AssertionError("nothing here reads text")
