"""Losses by hand: what is rewarded, what padding and siblings cannot change."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from finetune.ranker_examples import RankExample
from finetune.ranker_objectives import HistoryLM, Isolated, Listwise, Mixture, Targets
from finetune.ranker_prompts import PromptEncoder
from llmrec.evaluation.fused_stages import query_of
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.settings import RankingSettings
from tests.finetune.tiny_ranker import planted_data
from tests.language_model.tiny import save_tiny_model, tiny_model, tiny_tokenizer

PAD = 2


@pytest.fixture(scope="module")
def prompts() -> PromptEncoder:
    data = planted_data()
    return PromptEncoder(
        tiny_tokenizer(),
        data.prompts,
        data.training.catalogue,
        name="tiny",
        ranking=RankingSettings(max_prompt_tokens=500),
    )


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return tiny_model()


def example(history: list[int], items: list[int], target: int, teacher: list[float] | None = None) -> RankExample:
    ids = planted_data().training.catalogue.ids
    scores = np.array(teacher or [0.0] * len(items), dtype=np.float32)
    return RankExample(query_of(np.array(history, dtype=np.int32), ids), tuple(ids[i] for i in items), target, scores)


LONG, SHORT = example([0, 6, 12, 18], [1, 2, 3, 4], 2), example([5], [7, 8], 0)


def test_listwise_loss_is_minus_the_log_probability_that_serving_reads(
    prompts: PromptEncoder, model: nn.Module, tmp_path: Path
) -> None:
    objective = Listwise(prompts, Targets(), PAD)
    served = TransformersLM.from_pretrained(save_tiny_model(tmp_path), device="cpu")
    by_hand = []
    for one in (LONG, SHORT):
        prompt = prompts.slate_prompt(one.query, one.item_ids)
        scores = served.score_labels(prompt, served.labels(len(one.item_ids)), timeout_s=60)
        by_hand.append(-scores.log_probs[one.target])
        assert_close(objective.loss(model, objective.batch([one])).item(), float(by_hand[-1]), rtol=1e-4, atol=1e-4)
    together = objective.loss(model, objective.batch([LONG, SHORT])).item()
    assert_close(together, float(np.mean(by_hand)), rtol=1e-4, atol=1e-4)


def test_isolated_loss_is_a_softmax_over_the_scores_that_serving_reads(
    prompts: PromptEncoder, model: nn.Module, tmp_path: Path
) -> None:
    objective = Isolated(prompts, Targets(), PAD, torch.float32)
    served = TransformersLM.from_pretrained(save_tiny_model(tmp_path), device="cpu")
    ranking = []
    for one in (LONG, SHORT):
        built = prompts.candidates_prompt(one.query, one.item_ids)
        scores = torch.from_numpy(served.score_candidates(built.prompt, built.candidates, timeout_s=60).scores)
        ranking.append(-torch.log_softmax(scores, dim=0)[one.target].item())
    # A random model says yes or no as seldom as anything: 2 of 935 tokens.
    alone = [objective.loss(model, objective.batch([one])).item() for one in (LONG, SHORT)]
    unanswered = [loss - by_hand for loss, by_hand in zip(alone, ranking, strict=True)]
    assert unanswered == pytest.approx([math.log(935 / 2)] * 2, abs=0.5)
    together = objective.loss(model, objective.batch([LONG, SHORT])).item()
    # Means over examples of one, over candidates (four and two) of the other.
    assert together == pytest.approx(np.mean(ranking) + (4 * unanswered[0] + 2 * unanswered[1]) / 6, abs=1e-3)


def test_another_order_of_candidates_is_the_same_isolated_loss(prompts: PromptEncoder, model: nn.Module) -> None:
    objective = Isolated(prompts, Targets(), PAD, torch.float32)
    turned = example([0, 6, 12, 18], [4, 3, 2, 1], 1)
    losses = [objective.loss(model, objective.batch([one])).item() for one in (LONG, turned)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_targets_mix_what_came_next_with_the_retrievers_order() -> None:
    one = example([0], [1, 2, 3], 2, [1.0, 0.0, -1.0])
    assert Targets().of([one]).tolist() == [[0, 0, 1]]
    # Standardised: 1.2247, 0, -1.2247; at temperature 1.2247 that is e, 1 and 1/e over their sum 4.0862.
    mixed = Targets(distill=0.5, temperature=math.sqrt(1.5)).of([one])[0]
    assert mixed.tolist() == pytest.approx([0.5 * 0.6652, 0.5 * 0.2447, 0.5 * 0.0900 + 0.5], abs=1e-4)
    assert Targets(distill=1.0).of([example([0], [1, 2], 0)]).tolist() == [[0.5, 0.5]]


def test_history_modelling_learns_every_token_but_padding(prompts: PromptEncoder, model: nn.Module) -> None:
    objective = HistoryLM(prompts, PAD)
    batch = objective.batch([LONG, SHORT])
    # "a0; a1; a2; a3; d0" and "f0; b1", a letter a token, with their ends.
    assert batch["n_tokens"] == 19 + 7
    assert (batch["next"] != -100).sum() == 18 + 6
    one_by_one = [objective.loss(model, objective.batch([one])).item() for one in (LONG, SHORT)]
    together = objective.loss(model, batch).item()
    assert together == pytest.approx((18 * one_by_one[0] + 6 * one_by_one[1]) / 24, abs=1e-4)


def test_a_mixture_adds_its_parts_up(prompts: PromptEncoder, model: nn.Module) -> None:
    listwise, history = Listwise(prompts, Targets(), PAD), HistoryLM(prompts, PAD)
    mixture = Mixture({"listwise": (listwise, 1.0), "history_lm": (history, 0.5)})
    batch = mixture.batch([LONG])
    expected = listwise.loss(model, listwise.batch([LONG])) + 0.5 * history.loss(model, history.batch([LONG]))
    assert_close(mixture.loss(model, batch), expected)
    assert batch["n_tokens"] == listwise.batch([LONG])["n_tokens"] + history.batch([LONG])["n_tokens"]
