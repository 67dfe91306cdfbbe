import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import nn

from llmrec.errors import ModelError
from llmrec.language_model.item_token_network import first_layers
from llmrec.language_model.merged_lora import LoRALinear, LoRAShape, add_lora, merge_lora, save_lora
from tests.language_model.tiny import tiny_model

IDS = torch.arange(3, 40).reshape(1, -1)
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def adapted(n_layers: int, shape: LoRAShape) -> nn.Module:
    """The first layers of the tiny model with an adapter that does something."""
    decoder = first_layers(tiny_model().base_model, n_layers, name="tiny")
    add_lora(decoder, shape, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in decoder.modules():
            if isinstance(layer, LoRALinear):
                layer.up.copy_(torch.randn(layer.up.shape, generator=generator).to(torch.bfloat16))
                layer.down.copy_(layer.down.to(torch.bfloat16))
    return decoder


def states(decoder: nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return decoder(input_ids=IDS, use_cache=False).last_hidden_state


def stock(directory: Path) -> PeftModel:
    with pytest.warns(FutureWarning, match="is_gradient_checkpointing"):
        return PeftModel.from_pretrained(tiny_model(), str(directory))


@pytest.mark.parametrize("shape", [LoRAShape(2, 4), LoRAShape(4, 8, rslora=True)])
def test_merged_every_pass_it_computes_what_stock_peft_computes(shape: LoRAShape, tmp_path: Path) -> None:
    decoder = adapted(2, shape)
    save_lora(decoder, tmp_path, shape, prefix="model.", base_name="tiny")
    theirs = states(stock(tmp_path).get_base_model().model)
    assert not torch.allclose(theirs, states(tiny_model().model), atol=1e-2)
    torch.testing.assert_close(states(decoder), theirs, atol=1e-4, rtol=0)


def test_stock_peft_finds_every_matrix_and_adapts_the_first_layers_alone(tmp_path: Path) -> None:
    decoder = adapted(1, LoRAShape(2, 4))
    save_lora(decoder, tmp_path, LoRAShape(2, 4), prefix="model.", base_name="tiny")
    loaded = stock(tmp_path)
    theirs = {name: tensor for name, tensor in loaded.state_dict().items() if "lora_" in name}
    assert len(theirs) == 2 * 7
    assert all(".layers.0." in name for name in theirs)
    ours = decoder.get_submodule("layers.0.mlp.up_proj").down
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_A.default.weight"
    torch.testing.assert_close(theirs[name].float(), ours.detach())


def test_merged_for_good_it_computes_the_same(tmp_path: Path) -> None:
    shape = LoRAShape(2, 4)
    decoder = adapted(2, shape)
    save_lora(decoder, tmp_path, shape, prefix="model.", base_name="tiny")
    merged = first_layers(tiny_model().base_model, 2, name="tiny")
    merge_lora(merged, tmp_path, prefix="model.")
    assert torch.equal(states(merged), states(decoder))


def test_before_training_nothing_is_changed() -> None:
    decoder = first_layers(tiny_model().base_model, 2, name="tiny")
    plain = states(decoder)
    add_lora(decoder, LoRAShape(), seed=3)
    assert torch.equal(states(decoder), plain)


def test_gradients_reach_the_matrices_and_nothing_else() -> None:
    decoder = adapted(1, LoRAShape(2, 4))
    decoder(input_ids=IDS, use_cache=False).last_hidden_state.sum().backward()
    moved = {name.rpartition(".")[2] for name, parameter in decoder.named_parameters() if parameter.grad is not None}
    assert moved == {"down", "up"}


def test_an_adapter_of_other_layers_is_refused(tmp_path: Path) -> None:
    save_lora(adapted(1, LoRAShape(2, 4)), tmp_path, LoRAShape(2, 4), prefix="model.", base_name="tiny")
    with pytest.raises(ModelError, match="is of other layers than LlamaModel has here"):
        merge_lora(first_layers(tiny_model().base_model, 2, name="tiny"), tmp_path, prefix="model.")


@pytest.mark.parametrize("damage", ["weights", "config", "shape"])
def test_a_damaged_adapter_is_one_sentence(damage: str, tmp_path: Path) -> None:
    save_lora(adapted(1, LoRAShape(2, 4)), tmp_path, LoRAShape(2, 4), prefix="model.", base_name="tiny")
    if damage == "weights":
        (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:100])
    elif damage == "config":
        (tmp_path / CONFIG).write_text(json.dumps({"peft_type": "LORA", "r": "many"}))
    else:
        save_file({name: tensor[:1] for name, tensor in load_file(tmp_path / WEIGHTS).items()}, tmp_path / WEIGHTS)
    with pytest.raises(ModelError, match=r"the adapter .* cannot be read: .*\."):
        merge_lora(first_layers(tiny_model().base_model, 1, name="tiny"), tmp_path, prefix="model.")


def test_a_decoder_without_linear_layers_is_refused() -> None:
    with pytest.raises(ModelError, match="LayerNorm has no linear layers"):
        add_lora(nn.LayerNorm(3), LoRAShape(), seed=0)
