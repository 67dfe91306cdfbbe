"""One pass for a prompt and its candidates: the model's own numbers, for the kinds of model whose layers are known."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GPTNeoXConfig,
    GraniteConfig,
    LlamaConfig,
    MixtralConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from llmrec.language_model.branching import Branching
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.one_pass import Asked, OnePass
from llmrec.language_model.prefix_cache import PrefixCache, ReadText
from llmrec.language_model.token_reader import TokenReader
from tests.language_model.tiny import tiny_model

SIZE = {"vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
FEW_KEYS = {**SIZE, "num_key_value_heads": 2}
KNOWN = {
    "llama": LlamaConfig(**FEW_KEYS),
    "llama whose heads all have keys": LlamaConfig(**SIZE),
    "llama of one layer": LlamaConfig(**{**FEW_KEYS, "num_hidden_layers": 1}),
    "qwen2 with biases": Qwen2Config(**FEW_KEYS),
    "qwen3 with norms of heads": Qwen3Config(**FEW_KEYS, head_dim=16),
    "mixtral with experts": MixtralConfig(**FEW_KEYS, num_local_experts=3, sliding_window=None),
}
OTHER = {
    "granite, whose parts have a llama's names": GraniteConfig(
        **FEW_KEYS, residual_multiplier=0.5, embedding_multiplier=3.0
    ),
    "gpt-neox": GPTNeoXConfig(**SIZE),
}
IDS = CandidateIds([3, 9, 4, 11, 5], [[7, 8, 2], [6], [12, 13, 14, 15], [6, 1]])
OTHERS = CandidateIds([3, 9, 20, 21, 22, 23, 24, 25, 26], [[30, 31], [32]])


def model_of(config: PreTrainedConfig) -> CausalLM:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config).eval()


def plainly(model: CausalLM, ids: CandidateIds) -> torch.Tensor:
    """What the model itself knows at each token of each candidate, one text after the other."""
    with torch.inference_mode():
        texts = [
            model.base_model(input_ids=torch.tensor([ids.prefix + own]), use_cache=False) for own in ids.candidates
        ]
    return torch.cat([text.last_hidden_state[0, len(ids.prefix) :] for text in texts])


def in_order(ids: CandidateIds, order: list[int], hidden: torch.Tensor) -> torch.Tensor:
    """`hidden` of all tokens of the candidates as they were asked, as they stand in `order`."""
    parts = torch.split(hidden, [len(own) for own in ids.candidates])
    return torch.cat([parts[place] for place in order])


def reader(model: CausalLM) -> TokenReader:
    return TokenReader(model, name="tiny", kept=PrefixCache())


def read(tokens: TokenReader, *batch: CandidateIds) -> tuple[torch.Tensor, list[list[int]]]:
    with torch.inference_mode():
        found = tokens.read(batch, range, adapter="", deadline=float("inf"))
    return found.hidden, found.orders


@pytest.mark.parametrize("config", KNOWN.values(), ids=KNOWN)
def test_layers_of_a_known_kind_give_what_the_model_gives_one_text_at_a_time(config: PreTrainedConfig) -> None:
    model = model_of(config)
    assert OnePass.of(model) is not None
    hidden, [order] = read(reader(model), IDS)
    assert torch.allclose(hidden, in_order(IDS, order, plainly(model, IDS)), atol=1e-4)


@pytest.mark.parametrize("config", OTHER.values(), ids=OTHER)
def test_other_layers_are_left_to_the_models_own_pass_with_the_same_result(config: PreTrainedConfig) -> None:
    model = model_of(config)
    assert OnePass.of(model) is None
    hidden, orders = read(reader(model), IDS, OTHERS)
    expected = [in_order(ids, order, plainly(model, ids)) for ids, order in zip((IDS, OTHERS), orders, strict=True)]
    assert torch.allclose(hidden, torch.cat(expected), atol=1e-4)


def test_several_requests_share_a_pass_and_each_sees_its_own_prompt() -> None:
    model = model_of(KNOWN["llama"])
    hidden, orders = read(reader(model), IDS, OTHERS)
    expected = [in_order(ids, order, plainly(model, ids)) for ids, order in zip((IDS, OTHERS), orders, strict=True)]
    assert torch.allclose(hidden, torch.cat(expected), atol=1e-4)


@pytest.mark.parametrize("first", [[3], [3, 9, 4, 11], [3, 9, 4, 11, 5, 6, 7]])
def test_a_prompt_goes_on_where_a_remembered_one_ends_or_parts_from_it(first: list[int]) -> None:
    model = model_of(KNOWN["llama"])
    tokens = reader(model)
    read(tokens, CandidateIds(first, [[2]]))
    hidden, [order] = read(tokens, IDS)
    assert torch.allclose(hidden, in_order(IDS, order, plainly(model, IDS)), atol=1e-4)


def test_the_last_layer_computes_only_tokens_that_are_asked_about() -> None:
    model = tiny_model()
    tokens = reader(model)
    computed: list[int] = []
    for layer in model.model.layers:
        layer.mlp.register_forward_pre_hook(lambda _, arguments: computed.append(arguments[0].shape[1]))
    with torch.inference_mode():
        tokens.read([IDS], lambda n: range(n - 1, n), adapter="", deadline=float("inf"))
    assert computed == [IDS.n_tokens, len(IDS.candidates)]


def test_what_is_done_to_the_layers_later_counts() -> None:
    model = tiny_model()
    tokens = reader(model)
    other = tiny_model(seed=1).model.layers[1].self_attn
    model.model.layers[1].self_attn.q_proj = other.q_proj
    with torch.no_grad():
        model.model.layers[0].self_attn.v_proj.weight.add_(0.1)
    hidden, [order] = read(tokens, IDS)
    assert torch.allclose(hidden, in_order(IDS, order, plainly(model, IDS)), atol=1e-4)


def test_a_remembered_prompt_holds_no_more_memory_than_its_keys_and_values() -> None:
    one_pass = OnePass.of(model_of(LlamaConfig(**SIZE, num_key_value_heads=1)))
    assert one_pass is not None
    with torch.inference_mode():
        _, [layers] = one_pass.read([Asked(Branching.of(IDS, [[0, 1, 2, 3]], n_known=0, wanted=range), None)])
    text = ReadText(tuple(IDS.prefix), "", layers)
    assert sum(states.untyped_storage().nbytes() for pair in layers for states in pair) == text.n_bytes


def test_half_precision_agrees_as_far_as_it_goes() -> None:
    assert OnePass.of(tiny_model().to(torch.bfloat16)) is not None
