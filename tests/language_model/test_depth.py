"""Reading a model only up to one of its layers."""

from typing import cast

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from llmrec.errors import ModelError
from llmrec.language_model.depth import up_to_layer
from llmrec.language_model.loading import CausalLM
from tests.language_model.tiny import tiny_model

IDS = torch.tensor([[1, 5, 9, 30]])


def whole_model() -> CausalLM:
    return cast(CausalLM, tiny_model())


def test_the_head_reads_what_the_first_layers_say() -> None:
    model = tiny_model()
    with torch.inference_mode():
        early = up_to_layer(cast(CausalLM, model), 1, name="tiny")(input_ids=IDS, use_cache=False).logits
        by_hand = model(input_ids=IDS, output_hidden_states=True).hidden_states[1]
        assert_close(early, model.lm_head(model.model.norm(by_hand)))


def test_the_whole_model_stays_as_it_is_and_all_layers_give_its_own_logits() -> None:
    model = whole_model()
    with torch.inference_mode():
        before = model(input_ids=IDS, use_cache=False).logits
        up_to_layer(model, 1, name="tiny")(input_ids=IDS, use_cache=False)
        assert_close(model(input_ids=IDS, use_cache=False).logits, before)
        assert_close(up_to_layer(model, 2, name="tiny")(input_ids=IDS, use_cache=False).logits, before)
    assert model.config.num_hidden_layers == 2


def test_weights_are_shared() -> None:
    model = tiny_model()
    early = cast(nn.Module, up_to_layer(cast(CausalLM, model), 1, name="tiny"))
    own = {parameter.data_ptr() for parameter in model.parameters()}
    assert {parameter.data_ptr() for parameter in early.parameters()} < own


def test_what_was_read_is_kept_for_the_layers_that_read_it() -> None:
    early = up_to_layer(whole_model(), 1, name="tiny")
    with torch.inference_mode():
        read = early(input_ids=IDS[:, :3], use_cache=True)
        assert read.past_key_values is not None
        assert len(read.past_key_values.layers) == 1
        later = early(input_ids=IDS[:, 3:], use_cache=True, past_key_values=read.past_key_values).logits
        assert_close(later[:, -1], early(input_ids=IDS, use_cache=False).logits[:, -1])


@pytest.mark.parametrize("n_layers", [0, 3])
def test_a_depth_that_the_model_does_not_have_is_refused(n_layers: int) -> None:
    with pytest.raises(ModelError, match=f"{n_layers} layers were asked for; tiny has 2"):
        up_to_layer(whole_model(), n_layers, name="tiny")
