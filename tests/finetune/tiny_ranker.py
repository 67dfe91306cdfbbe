"""Data with a planted rule and a base model that can learn it, small enough to train in seconds."""

from pathlib import Path

import numpy as np

from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.retriever_data import TrainingData
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.prompting.templates import PromptLibrary
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, UserId

N_GENRES, N_PER_GENRE, N_MET = 6, 8, 7
GENRES = "ABCDEF"


def planted_catalogue() -> Catalogue:
    """Items whose title is a capital letter, their genre, and a number."""
    return Catalogue(
        Item(ItemId(f"{genre}{number}"), f"{genre}{number}", {}) for number in range(N_PER_GENRE) for genre in GENRES
    )


def planted_rows(n_users: int, *, seed: int = 0) -> list[Interaction]:
    """Users who meet items of one genre each; what everybody meets equally often, popularity cannot order."""
    rng = np.random.default_rng(seed)
    return [
        Interaction(UserId(str(user)), ItemId(f"{GENRES[user % N_GENRES]}{number}"), 1.0, float(step))
        for user in range(n_users)
        for step, number in enumerate(rng.permutation(N_PER_GENRE)[:N_MET].tolist())
    ]


def planted_data(n_users: int = 60, *, seed: int = 0) -> RankerData:
    """The planted rule as training data whose retriever knows nothing of it."""
    catalogue = planted_catalogue()
    core = prepared(catalogue, Interactions.from_rows(planted_rows(n_users, seed=seed), catalogue), core=0)
    cut = split(core.interactions, protocol="leave-last-out")
    record = ProtocolRecord.of([cut], name="letters", part="validation", core=0, seeds=[seed])
    training = TrainingData(core.catalogue, cut.validation[0], record, "Nobody's.", ("Made by hand.",))
    context = StageContext(core.catalogue, Settings(), vectors=_no_vectors)
    return RankerData(training, context, PromptLibrary.load())


def tiny_config(base: Path, **changes: object) -> RankerTraining:
    """A run of a few steps on the CPU."""
    values = {
        "base": str(base), "device": "cpu", "dtype": "float32", "retriever": "popularity", "folds": 2, "per_user": 2,
        "slate_size": 4, "pool": 6, "max_prompt_tokens": 400, "rank": 4, "alpha": 8, "batch_size": 4, "epochs": 1,
        "learning_rate": 1e-3, "evaluations": 2, "patience": 9, "validation_users": 6, "decision_users": 6, "seed": 1,
    }  # fmt: skip
    return RankerTraining.model_validate({**values, **changes})


def _no_vectors() -> ExactVectorStore:
    raise AssertionError("nothing here reads text")
