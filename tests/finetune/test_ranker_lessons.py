"""Histories as running text with a teacher: what is learned from, and the loss by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.testing import assert_close

from finetune.ranker_arithmetic import products_in_weights
from finetune.ranker_candidates import CandidatePlan
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_examples import Draw, write_examples
from finetune.ranker_lessons import LESSONS, Lesson, LessonSet, Likelihood, lessons_of
from finetune.ranker_prompts import ListEncoder
from llmrec.evaluation.fused_stages import query_of
from llmrec.language_model.chat_encoding import ChatEncoding
from llmrec.language_model.continuation_reader import continuation_ids
from llmrec.prompting.rank_prompt import IsolatedPrompt
from llmrec.settings import RankingSettings
from tests.finetune.tiny_ranker import planted_data
from tests.language_model.tiny import tiny_model, tiny_tokenizer

PAD = 2
PLAN = CandidatePlan("popularity", folds=2, per_user=2, pool=6, seed=1)


@pytest.fixture(scope="module")
def data() -> RankerData:
    return planted_data()


def lists_of(data: RankerData, *, max_tokens: int = 500, max_history: int = 4) -> ListEncoder:
    ranking = RankingSettings(mode="likelihood", text="title", max_history=max_history, max_prompt_tokens=max_tokens)
    return ListEncoder(tiny_tokenizer(), data.prompts, data.training.catalogue, name="tiny", ranking=ranking)


def lesson(data: RankerData, items: Sequence[int], best: Sequence[Sequence[int]] | None = None) -> Lesson:
    ids = data.training.catalogue.ids
    taught = best or [[] for _ in items]
    return Lesson(
        tuple(ids[item] for item in items),
        [np.array(each, dtype=np.int32) for each in taught],
        [np.full(len(each), 1 / max(1, len(each)), dtype=np.float32) for each in taught],
    )


def test_a_list_is_what_is_served_and_its_titles_are_found_in_it(data: RankerData) -> None:
    catalogue, tokenizer = data.training.catalogue, tiny_tokenizer()
    chat = ChatEncoding(tokenizer, name="tiny")
    prompt = IsolatedPrompt(data.prompts["rank_likelihood"], max_history=4, text="title")
    history, answer = [0, 6, 12], catalogue.ids[18]
    query = query_of(np.array(history, dtype=np.int32), catalogue.ids)
    built = prompt.build(query, [answer], catalogue, count_tokens=lambda *_: 0, max_tokens=1)
    served = continuation_ids(chat, built.prompt, built.candidates)
    found = lists_of(data).encoded(lesson(data, [*history, 18]).item_ids)
    assert found.ids == [*served.prefix, *served.candidates[0]]
    assert [tokenizer.decode(found.ids[title.start : title.stop]) for title in found.titles] == [
        f" {catalogue[catalogue.ids[item]].title};" for item in (*history, 18)
    ]
    assert [title.place for title in found.titles] == [0, 1, 2, 3]


def test_of_a_list_that_is_too_long_the_oldest_titles_are_missing(data: RankerData) -> None:
    items = lesson(data, range(40)).item_ids
    whole = lists_of(data, max_history=40).encoded(items)
    cut = lists_of(data, max_history=40, max_tokens=len(whole.ids) - 1).encoded(items)
    assert [title.place for title in whole.titles] == list(range(40))
    assert [title.place for title in cut.titles] == list(range(1, 40))


def test_the_loss_is_that_of_each_title_token_with_the_teacher_at_each_title_begin(data: RankerData) -> None:
    lists, model = lists_of(data), tiny_model()
    # Letters by genre: the teacher holds item 1 (genre b) and item 8 (genre c) as likely as each other at place 1.
    one = lesson(data, [0, 6, 12], [[], [1, 8], []])
    objective = Likelihood(lists, distill=0.5, first_weight=3.0, pad_id=PAD)
    encoded = lists.encoded(one.item_ids)
    with torch.inference_mode():
        logits = model(torch.tensor([encoded.ids])).logits[0]
    among = logits[:, lists.vocabulary].log_softmax(-1)
    costs, weights = [], []
    for title in encoded.titles:
        for place in range(title.start, title.stop):
            says = among[place - 1]
            cost = -float(says[lists.numbers[encoded.ids[place]]])
            if title.place == 1 and place == title.start:
                firsts = [int(lists.first_numbers[item]) for item in (1, 8)]
                cost = 0.5 * cost - 0.5 * float(says[firsts].mean())
            costs.append(cost)
            weights.append(3.0 if title.place == 1 and place == title.start else 1.0)
    # One in sixteen of these places is asked for its belief in tokens that no title has.
    asked = [place - 1 for title in encoded.titles for place in range(title.start, title.stop)][::16]
    elsewhere = -logits.softmax(-1)[asked][:, lists.vocabulary].sum(-1).log().mean()
    batch = objective.batch([one])
    by_hand = np.average(costs, weights=weights) + float(elsewhere)
    assert objective.loss(model, batch).item() == pytest.approx(by_hand, abs=1e-4)
    longer = objective.batch([one, lesson(data, [1, 7, 13, 19, 25])])
    assert longer["n_tokens"] > batch["n_tokens"] * 2
    assert objective.loss(model, longer).isfinite()


def test_lessons_hold_each_step_once_and_the_newest_ones_have_a_teacher(data: RankerData) -> None:
    config = RankerTraining(
        mode="likelihood", objectives={"likelihood": 1.0}, distill=0.5, max_history=2, retriever="popularity"
    )
    rows = list(lessons_of(data, PLAN, config))
    histories = data.training.validation.fit_on.histories()
    for user in range(len(histories)):
        own = [row for row in rows if row["user"] == user]
        items = histories.items[histories.starts[user] : histories.starts[user + 1]].tolist()
        # Five items in pieces of at most five: one piece; the last two steps are taught.
        assert [row["items"] for row in own] == [items]
        taught = [len(best) for best in own[0]["best"]]  # type: ignore[arg-type, attr-defined]
        assert [n > 0 for n in taught] == [False] * (len(items) - 2) + [True, True]
        for place, (best, shares) in enumerate(zip(own[0]["best"], own[0]["shares"], strict=True)):  # type: ignore[call-overload]
            assert not set(best) & set(items[:place])
            assert sum(shares) == pytest.approx(1.0 if best else 0.0)


def test_each_pass_draws_another_part_of_a_long_lesson(data: RankerData, tmp_path: Path) -> None:
    row = {"user": 0, "items": list(range(9)), "best": [[n] for n in range(9)], "shares": [[1.0]] * 9, "length": 9}
    path = tmp_path / "examples.arrow"
    write_examples([row], path, schema=LESSONS)
    ids = data.training.catalogue.ids
    lessons = LessonSet(path, ids, max_length=3, seed=0)
    assert lessons.lengths == [4]
    drawn = [lessons[Draw(0, epoch)] for epoch in range(20)]
    assert {len(one.item_ids) for one in drawn} == {4}
    assert len({one.item_ids for one in drawn}) > 3
    for one in drawn:
        assert [ids[best[0]] for best in one.best] == list(one.item_ids)
    assert lessons[Draw(0, 7)].item_ids == drawn[7].item_ids


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_a_product_added_to_the_weight_says_what_two_matrices_say() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = get_peft_model(
            tiny_model(), LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
        )
    ids = torch.tensor([[1, 5, 9]])

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model(input_ids=ids).logits.square().sum().backward()
        return [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]

    apart = gradients()
    with products_in_weights(model):
        together = gradients()
    assert_close(together, apart, rtol=1e-3, atol=1e-5)
    assert_close(gradients(), apart)
