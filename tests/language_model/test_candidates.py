"""Candidates judged apart: exact, alone, and without reading twice what was read before."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, MistralConfig, MistralForCausalLM

from llmrec.errors import ModelError, ModelTimeout
from llmrec.language_model.devices import has_fast_bfloat16
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.types import ChatMessage, Prompt
from tests.contracts.candidate_scorer import CANDIDATES, SHARED, BulkCandidateScorerContract
from tests.language_model.tiny import tiny_model, tiny_tokenizer

MORE = ("Dune Answer:", "Heat (1995) Answer:")


class TestTransformersLMAsCandidateScorer(BulkCandidateScorerContract):
    @pytest.fixture
    def scorer(self, tiny: TransformersLM) -> TransformersLM:
        return tiny


@pytest.mark.slow
class TestSmolLM2AsCandidateScorer(BulkCandidateScorerContract):
    @pytest.fixture
    def scorer(self, smollm2: TransformersLM) -> TransformersLM:
        return smollm2


def fresh(model: LlamaForCausalLM | None = None) -> TransformersLM:
    return TransformersLM(model or tiny_model(), tiny_tokenizer(), name="tiny")


def scores_of(model: TransformersLM, prompt: Prompt, texts: Sequence[str]) -> np.ndarray:
    return model.score_candidates(prompt, texts, timeout_s=60).scores


@contextmanager
def counted(model: LlamaForCausalLM) -> Iterator[list[int]]:
    """How many tokens each pass through the layers reads."""
    passes: list[int] = []

    def count(module: torch.nn.Module, arguments: tuple[torch.Tensor]) -> None:
        passes.append(arguments[0].numel())

    hook = model.model.embed_tokens.register_forward_pre_hook(count)
    try:
        yield passes
    finally:
        hook.remove()


def test_a_score_is_the_difference_of_two_logits_of_the_plain_text(tiny: TransformersLM) -> None:
    tokenizer = tiny_tokenizer()
    # Every byte is a token here: " Yes" and " No" share the space, and part at the letter.
    text = tiny._chat.ids(SHARED) + tokenizer("Up Answer: ", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = tiny_model()(torch.tensor([text])).logits[0, -1]
    yes, no = (tokenizer.convert_tokens_to_ids(letter) for letter in "YN")
    found = tiny.score_candidates(SHARED, ["Up Answer:"], timeout_s=60)
    assert found.scores[0] == pytest.approx(float(logits[yes] - logits[no]), abs=1e-5)
    assert found.label_mass == pytest.approx(float(logits.softmax(-1)[[yes, no]].sum()), abs=1e-5)
    assert found.n_prompt_tokens == len(text)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_every_implementation_of_attention_keeps_candidates_apart(tiny: TransformersLM, attention: str) -> None:
    model = tiny_model()
    model.set_attn_implementation(attention)
    assert scores_of(fresh(model), SHARED, CANDIDATES) == pytest.approx(scores_of(tiny, SHARED, CANDIDATES), abs=1e-4)


def test_another_order_changes_not_even_a_bit(tiny: TransformersLM) -> None:
    assert np.array_equal(scores_of(tiny, SHARED, CANDIDATES), scores_of(tiny, SHARED, CANDIDATES[::-1])[::-1])


def test_the_next_page_reads_its_candidates_only() -> None:
    model = tiny_model()
    scorer = fresh(model)
    scores_of(scorer, SHARED, CANDIDATES)
    with counted(model) as passes:
        found = scores_of(scorer, SHARED, MORE)
    assert passes == [scorer.count_tokens(SHARED, MORE) - scorer.count_tokens(SHARED)]
    assert found == pytest.approx(scores_of(fresh(), SHARED, MORE), abs=1e-4)


def test_a_longer_prompt_reads_what_is_new_only() -> None:
    model = tiny_model()
    scorer = fresh(model)
    scores_of(scorer, SHARED, CANDIDATES)
    longer = Prompt((SHARED.messages[0], ChatMessage("user", f"{SHARED.messages[1].content} Now funny.")), "hash")
    with counted(model) as passes:
        found = scores_of(scorer, longer, MORE)
    # Each byte is a token. The first prompt is shared up to where its last message ends.
    end = "<|im_end|>\n<|im_start|>assistant\n"
    n_new = len(tiny_tokenizer()(f" Now funny.{end}", add_special_tokens=False)["input_ids"])
    assert passes == [n_new + scorer.count_tokens(longer, MORE) - scorer.count_tokens(longer)]
    assert found == pytest.approx(scores_of(fresh(), longer, MORE), abs=1e-4)


def test_threads_that_share_what_was_read_get_their_own_answers() -> None:
    scorer = fresh()
    prompts = [Prompt((SHARED.messages[0], ChatMessage("user", f"History: {n}")), "hash") for n in range(4)]
    alone = [scores_of(fresh(), prompt, CANDIDATES) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: scores_of(scorer, prompts[n % 4], CANDIDATES), range(12)))
    for n, scores in enumerate(found):
        assert scores == pytest.approx(alone[n % 4], abs=1e-4)


def test_a_shorter_prompt_after_a_longer_one_is_not_confused_by_it() -> None:
    scorer = fresh()
    shorter = Prompt((SHARED.messages[0], ChatMessage("user", "History: Heat")), "hash")
    scores_of(scorer, SHARED, CANDIDATES)
    assert scores_of(scorer, shorter, MORE) == pytest.approx(scores_of(fresh(), shorter, MORE), abs=1e-4)
    assert scores_of(scorer, SHARED, MORE) == pytest.approx(scores_of(fresh(), SHARED, MORE), abs=1e-4)


def test_a_model_that_forgets_early_tokens_is_refused() -> None:
    config = MistralConfig(
        vocab_size=935,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=8,
        eos_token_id=2,
    )
    windowed = TransformersLM(MistralForCausalLM(config).eval(), tiny_tokenizer(), name="windowed")
    with pytest.raises(ModelError, match=r"does not attend to every token .* Use ranking\.mode=listwise"):
        scores_of(windowed, SHARED, CANDIDATES)


def test_a_candidate_without_text_is_named() -> None:
    tokenizer = tiny_tokenizer()
    model = TransformersLM(tiny_model(), tokenizer, name="tiny")
    model._candidates.lead.clear()
    with pytest.raises(ModelError, match="candidate 2 of 2 has no text"):
        scores_of(model, SHARED, ["Up Answer:", ""])


def test_scores_that_are_not_numbers_are_an_error() -> None:
    model = tiny_model()
    with torch.no_grad():
        model.lm_head.weight[tiny_tokenizer().convert_tokens_to_ids("Y")] = float("nan")
    with pytest.raises(ModelError, match="tiny returned scores that are not numbers"):
        scores_of(fresh(model), SHARED, CANDIDATES)


def test_a_device_out_of_memory_is_a_model_error_and_frees_what_was_kept() -> None:
    class Full(torch.nn.Module):
        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    model = tiny_model()
    model.lm_head = Full()
    scorer = fresh(model)
    with pytest.raises(ModelError, match=r"no memory left for 4 candidates of \d+ tokens with their prompt\. Lower"):
        scores_of(scorer, SHARED, CANDIDATES)
    assert scorer._reader._kept.longest(scorer._chat.ids(SHARED), adapter="") is None


def test_waiting_for_another_thread_counts_as_time(tiny: TransformersLM) -> None:
    with tiny._turn, pytest.raises(ModelTimeout, match="busy"):
        tiny.score_candidates(SHARED, CANDIDATES, timeout_s=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not has_fast_bfloat16(torch.device("cpu")), reason="needs a CPU with AMX")
def test_the_fast_number_format_ranks_nearly_as_the_exact_one(
    smollm2: TransformersLM, smollm2_fast: TransformersLM
) -> None:
    exact, fast = (scores_of(model, SHARED, CANDIDATES) for model in (smollm2, smollm2_fast))
    assert fast == pytest.approx(exact, abs=0.4)
    assert np.corrcoef(exact, fast)[0, 1] > 0.95
