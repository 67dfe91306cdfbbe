"""The model that is fine-tuned: a base from disk or the hub, its layers adapted by low-rank matrices."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedTokenizerBase
from transformers.utils.hub import cached_file

from finetune.ranker_config import RankerTraining
from llmrec.errors import ConfigError, ModelError
from llmrec.language_model.depth import up_to_layer
from llmrec.language_model.devices import choose_dtype
from llmrec.language_model.loading import CausalLM, ModelSource, load_model


@dataclass(frozen=True)
class Base:
    """A language model as it was published.

    Attributes:
        name: As settings name it, or the last part of a directory's path; adapters are bound to it.
        weights_sha256: Of its files; see `weights_sha256`.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    name: str
    weights_sha256: str


def load_base(
    place: Path | str, config: RankerTraining, device: torch.device, *, name: str, offline: bool = False
) -> Base:
    """The base model on `device`, in the configuration's number format.

    Args:
        place: A directory or a hub id.
        config: Says dtype and whether weights are read in 4 bits.
        device: Where to.
        name: What it is called.
        offline: Whether the hub may not be asked for what is not here.

    Raises:
        ModelError: It is not there, damaged, or does not fit.
        ConfigError: 4 bits were asked for and bitsandbytes is missing.
    """
    dtype = choose_dtype(config.dtype, device)
    if config.quantised:
        model, tokenizer = _load_in_4_bits(place, device, dtype)
    else:
        # A directory has all there is; a hub id is looked for among what was fetched first.
        found, tokenizer = _load_local_first(place, device, dtype, offline=offline)
        model = cast(nn.Module, found)
    if config.n_layers:
        model = cast(nn.Module, up_to_layer(cast(CausalLM, model), config.n_layers, name=name))
    return Base(model, tokenizer, name, weights_sha256(place))


def adapted(base: Base, config: RankerTraining) -> PeftModel:
    """`base` with new matrices beside the linear layers of its last `top_layers` blocks, drawn by seed.

    Raises:
        ConfigError: It has fewer blocks than that.
    """
    n_layers = int(base.model.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    if config.top_layers > n_layers:
        raise ConfigError(f"top_layers is {config.top_layers}; {base.name} has {n_layers}.", hint="Use 0 for all.")
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        use_rslora=config.rslora,
        target_modules=_linear_names(base.model),
        layers_to_transform=_adapted_layers(n_layers, config),
    )
    # Seeded without touching what others draw from.
    with torch.random.fork_rng(), warnings.catch_warnings():
        # peft asks transformers by an old name; nothing a user of either could change.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
        torch.manual_seed(config.seed)
        model = get_peft_model(
            base.model,
            lora,
            autocast_adapter_dtype=config.adapter_dtype == "float32",
        )
    return cast(PeftModel, model)


def weights_sha256(place: Path | str) -> str:
    """sha256 over the names and hashes of a model's safetensors files: the same however they are read.

    Args:
        place: A directory, or a hub id that has been fetched.
    """
    directory = place if isinstance(place, Path) else Path(str(cached_file(place, "config.json"))).parent
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def round_adapter(model: nn.Module) -> None:
    """Round the adapter's weights to bfloat16, as they are stored, so that what is measured is what is shipped."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(parameter.to(torch.bfloat16))


def adapter_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """The adapter's weights by name, bfloat16 on the CPU; where several processes share them, all have to ask."""
    adapter = {name: tensor for name, tensor in model.state_dict().items() if "lora_" in name}
    whole = {name: t.full_tensor() if isinstance(t, DTensor) else t for name, t in adapter.items()}
    return {name: tensor.to("cpu", torch.bfloat16) for name, tensor in whole.items()}


@contextmanager
def whole_outer_layers(model: nn.Module) -> Iterator[None]:
    """Within, each process has what `model` shards outside its blocks, which are gathered one by one as they run.

    So parts of it can be called that are no whole passes.
    """
    if not isinstance(model, FSDPModule):
        yield
        return
    model.unshard()
    try:
        yield
    finally:
        model.reshard()


def _adapted_layers(n_layers: int, config: RankerTraining) -> list[int] | None:
    """Numbers of the blocks that are adapted; None for all of a whole base."""
    if not config.top_layers and not config.n_layers:
        return None
    return list(range(n_layers - config.top_layers if config.top_layers else 0, n_layers))


def _linear_names(model: nn.Module) -> list[str]:
    """Last names of all linear layers but the head, which stands outside the blocks."""
    head = model.get_output_embeddings()  # type: ignore[operator]
    names = {name.rpartition(".")[2] for name, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    heads = {name.rpartition(".")[2] for name, layer in model.named_modules() if layer is head}
    return sorted(names - heads)


def _load_local_first(
    place: Path | str, device: torch.device, dtype: torch.dtype, *, offline: bool
) -> tuple[object, PreTrainedTokenizerBase]:
    try:
        return load_model(ModelSource(str(place), device, dtype))
    except ModelError:
        if offline or isinstance(place, Path):
            raise
        return load_model(ModelSource(place, device, dtype, local_files_only=False))


def _load_in_4_bits(
    place: Path | str, device: torch.device, dtype: torch.dtype
) -> tuple[nn.Module, PreTrainedTokenizerBase]:
    try:
        quantisation = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        tokenizer = AutoTokenizer.from_pretrained(str(place), trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            str(place),
            dtype=dtype,
            quantization_config=quantisation,
            device_map={"": device},
            use_safetensors=True,
            trust_remote_code=False,
        )
    except ImportError as error:
        raise ConfigError(
            f"4-bit weights need a GPU and bitsandbytes: {error}.",
            hint="pip install 'llmrec[gpu]', or quantised=false.",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{str(place)!r} cannot be read in 4 bits: {error}.") from error
    return prepare_model_for_kbit_training(model), tokenizer  # type: ignore[no-untyped-call]
