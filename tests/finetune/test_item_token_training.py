"""Training item tokens: what they learn, that a cut run ends like an uncut one, and that what is left is served."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from pydantic import ValidationError
from safetensors.torch import load_file

from finetune.item_token_examples import NextItem, PieceSet, first_met, pieces
from finetune.item_token_model import ItemTokens
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_examples import Draw, write_examples
from finetune.ranker_output import Outcome, RankerPlace
from finetune.retriever_data import TrainingData
from finetune.time_limit import TimeLimit
from finetune.train_ranker import Control, fine_tune
from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.data.splits import prepared, split
from llmrec.evaluation.protocol import ProtocolRecord
from llmrec.language_model.item_token_files import load_item_tokens
from llmrec.language_model.item_tokens import ItemTokenScorer
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompting.templates import PromptLibrary
from llmrec.rankers import model_ranker
from llmrec.ranking.item_tokens import ItemTokenRanker
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.settings import Settings
from llmrec.stages import StageContext
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.evaluation.leaks import Case, assert_blind_to_answers, assert_id_permutation_invariant
from tests.finetune.tiny_ranker import save_lively_model, tiny_bench, tiny_config

N_CIRCLE = 24
NEVER_MET = ItemId("new")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lively_model(tmp_path_factory.mktemp("base") / "lively")


def circle() -> Catalogue:
    """Items that stand in a circle, called so that no name says where, and one that nobody meets."""
    names = np.random.default_rng(3).permutation([f"{a}{b}" for a in "klmnop" for b in "wxyz"]).tolist()
    return Catalogue([*(Item(ItemId(str(place)), name) for place, name in enumerate(names)), Item(NEVER_MET, "new")])


def walks(n_users: int) -> list[Interaction]:
    """Each user walks along the circle from where chance puts him, for 4 to 9 steps."""
    rng = np.random.default_rng(0)
    return [
        Interaction(UserId(str(user)), ItemId(str((start + step) % N_CIRCLE)), 1.0, float(step))
        for user, start in enumerate(rng.integers(N_CIRCLE, size=n_users).tolist())
        for step in range(4 + user % 6)
    ]


def walked(n_users: int = 120) -> RankerData:
    catalogue = circle()
    core = prepared(catalogue, Interactions.from_rows(walks(n_users), catalogue), core=0)
    cut = split(core.interactions, protocol="leave-last-out")
    record = ProtocolRecord.of([cut], name="circle", part="validation", core=0, seeds=[0])
    training = TrainingData(core.catalogue, cut.validation[0], record, "Nobody's.", ("Made by hand.",))
    return RankerData(training, StageContext(core.catalogue, Settings(), vectors=_no_vectors), PromptLibrary.load())


def _no_vectors() -> ExactVectorStore:
    raise AssertionError("nothing here reads vectors")


def config_of(base: Path, **changes: object) -> RankerTraining:
    values = {
        "mode": "item_tokens", "objectives": {"item_tokens": 1.0}, "slate_size": 12, "pool": 12, "rank": 8,
        "alpha": 16, "batch_size": 16, "epochs": 6, "evaluations": 3, "validation_users": 60, "decision_users": 60,
        "item_tokens": {
            "n_layers": 1, "own_dim": 16, "max_length": 4, "input_dropout": 0.1, "output_dropout": 0.1,
            "own_learning_rate": 0.03,
        },
    }  # fmt: skip
    return tiny_config(base, **{**values, **changes})


@dataclass
class Strokes:
    """A clock that moves on by one each time it is looked at."""

    n: int = 0

    def __call__(self) -> float:
        self.n += 1
        return float(self.n)


def train(config: RankerTraining, place: RankerPlace, *, stop_after: float = float("inf")) -> Outcome:
    """One run into `place`, cut after `stop_after` steps, and its adapter written."""
    bench = tiny_bench(walked(), config)
    place.begin(bench.data, config, bench.base)
    model, outcome = fine_tune(bench, place, Control(TimeLimit(stop_after, Strokes())))
    assert outcome is not None
    place.publish(model, bench.data, config, bench.base, outcome)
    return outcome


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RankerPlace, Outcome]:
    place = RankerPlace(tmp_path_factory.mktemp("trained") / "steps")
    return place, train(config_of(base), place)


def test_a_planted_transition_is_learned(trained: tuple[RankerPlace, Outcome]) -> None:
    _, outcome = trained
    over_all = outcome.over_catalogue["adapter alone"]
    # Of some 20 items that a user has not met, chance puts the next one on average where NDCG@10 is 0.22.
    assert float(outcome.base_on.lm.mean()) < 0.7
    assert float(over_all.mean()) > 0.9
    assert outcome.lm_weight > 0
    assert outcome.decision.gains
