"""Item tokens on disk: the adapter in PEFT's format, beside it what was learned of each item, and whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from llmrec.errors import ArtifactError, ModelError
from llmrec.language_model.item_texts import TextScale, mean_embeddings, text_lines
from llmrec.language_model.item_token_network import ItemTokenNetwork, ItemTokenShape, first_layers
from llmrec.language_model.item_tokens import CatalogueWords, ItemTokenScorer
from llmrec.language_model.loading import CausalLM, check_adapter_files
from llmrec.language_model.merged_lora import LoRAShape, merge_lora, save_lora
from llmrec.prompting.textualize import title_line
from llmrec.types import Item, ItemId

ITEM_TOKENS_FILE, ITEM_TOKENS_ABOUT = "item_tokens.safetensors", "item_tokens.json"
_LEARNED = ("own", "shared", "bias", "scale")
_FORMAT = 1
_LEAST_SHARE = 0.5  # of the learned items; below it the catalogue is another one
_AGAIN = "Train it again."


@dataclass(frozen=True, slots=True)
class LearnedItems:
    """Whose the network's words are.

    Attributes:
        item_ids: By the network's numbers.
        titles: Their titles as they were read.
        scale: How texts became vectors.
        catalogue_hash: Of the catalogue that was learned from.
    """

    item_ids: Sequence[ItemId]
    titles: Sequence[str]
    scale: TextScale
    catalogue_hash: str


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    base: str
    catalogue: str
    dim: int = Field(ge=1)
    n_layers: int = Field(ge=1)
    own_dim: int = Field(ge=1)
    max_length: int = Field(ge=1)
    description_chars: int = Field(ge=0)
    text_factor: float
    items: tuple[tuple[str, str], ...]

    @property
    def shape(self) -> ItemTokenShape:
        return ItemTokenShape(self.n_layers, self.own_dim, self.max_length, self.description_chars)


def has_item_tokens(directory: Path) -> bool:
    """Whether the adapter in `directory` knows items rather than prompts."""
    return (directory / ITEM_TOKENS_ABOUT).is_file()


def save_item_tokens(
    directory: Path, network: ItemTokenNetwork, learned: LearnedItems, lora: LoRAShape, *, prefix: str, base_name: str
) -> None:
    """Write adapter, item vectors and what they belong to into `directory`, which is made.

    Args:
        directory: Where to.
        network: With its trained matrices, see `add_lora`.
        learned: Whose its words are.
        lora: Size of the matrices.
        prefix: Where the decoder stands in the base model, see `decoder_prefix`.
        base_name: The base model's name.
    """
    directory.mkdir(parents=True, exist_ok=True)
    save_lora(network.decoder, directory, lora, prefix=prefix, base_name=base_name)
    weights = {name: getattr(network, name).detach().cpu().contiguous() for name in _LEARNED}
    save_file({**weights, "text_mean": learned.scale.mean.cpu().contiguous()}, directory / ITEM_TOKENS_FILE)
    rows = zip(learned.item_ids, learned.titles, strict=True)
    about = _About(
        format=_FORMAT,
        base=base_name,
        catalogue=learned.catalogue_hash,
        dim=network.shared.shape[1],
        text_factor=learned.scale.factor,
        items=tuple((item_id, _digest(title)) for item_id, title in rows),
        **asdict(network.shape),
    )
    (directory / ITEM_TOKENS_ABOUT).write_text(about.model_dump_json() + "\n", encoding="utf-8")


def load_item_tokens(
    model: CausalLM,
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    items: Mapping[ItemId, Item],
    *,
    base_name: str,
) -> ItemTokenScorer:
    """The scorer of a catalogue that `save_item_tokens` wrote; `model` is left as it is.

    An item is known by id and title; all others of the catalogue are cold.

    Args:
        model: The base.
        tokenizer: Its own.
        directory: The adapter's.
        items: The catalogue, in its order.
        base_name: What the base is called.

    Raises:
        ModelError: The adapter is missing, damaged, of another base, or changes nothing.
        ArtifactError: What stands beside it is damaged or of another catalogue.
    """
    check_adapter_files(directory, base_name=base_name)
    about, weights = _read(directory)
    embeddings = vocabulary_of(model)
    if embeddings.shape[1] != about.dim:
        raise ModelError(
            f"the item tokens in {directory} are {about.dim} wide, {base_name} reads {embeddings.shape[1]}.",
            hint=f"Use {about.base}, which they were trained on.",
        )
    numbers = _numbers(about, items, directory)
    scale = TextScale(weights["text_mean"].to(embeddings.device), about.text_factor)
    lines = text_lines(items.values(), description_chars=about.description_chars)
    words = CatalogueWords(scale.applied(mean_embeddings(lines, tokenizer, embeddings)), numbers)
    decoder = first_layers(cast(nn.Module, model.base_model), about.n_layers, name=base_name)
    network = _network(decoder, words, about, weights, directory)
    _merge(network, directory, prefix=decoder_prefix(model), base_name=base_name)
    return ItemTokenScorer(network, words, name=base_name, adapter=directory.name)


def vocabulary_of(model: CausalLM) -> Tensor:
    """The base's embeddings of its own tokens, [n_vocabulary, dim]."""
    # transformers has one on every causal model; its stubs do not say so in one place.
    embeddings: nn.Module = model.base_model.get_input_embeddings()  # type: ignore[attr-defined]
    return cast(Tensor, embeddings.weight).detach()


def decoder_prefix(model: CausalLM) -> str:
    """What names of the decoder's layers begin with in the whole model."""
    return f"{model.base_model_prefix}."  # type: ignore[attr-defined]


def _read(directory: Path) -> tuple[_About, Mapping[str, Tensor]]:
    path = directory / ITEM_TOKENS_ABOUT
    try:
        about = _About.model_validate_json(path.read_text(encoding="utf-8"))
        path = directory / ITEM_TOKENS_FILE
        weights = load_file(path)
    except (OSError, ValueError, ValidationError, SafetensorError) as error:
        raise ArtifactError(f"{path} is missing or damaged.", hint=_AGAIN) from error
    if about.format != _FORMAT:
        raise ArtifactError(f"{directory / ITEM_TOKENS_ABOUT} has format {about.format}, not {_FORMAT}.", hint=_AGAIN)
    n_items = len(about.items)
    shapes = {"own": (n_items, about.own_dim), "shared": (about.own_dim, about.dim), "bias": (n_items,), "scale": ()}
    shapes["text_mean"] = (about.dim,)
    if {name: tuple(weight.shape) for name, weight in weights.items()} != shapes:
        raise ArtifactError(f"{path} does not hold what {ITEM_TOKENS_ABOUT} says.", hint=_AGAIN)
    return about, weights


def _numbers(about: _About, items: Mapping[ItemId, Item], directory: Path) -> NDArray[np.int64]:
    known = {item_id: (number, digest) for number, (item_id, digest) in enumerate(about.items)}
    numbers = np.full(len(items), -1, dtype=np.int64)
    for place, item in enumerate(items.values()):
        number, digest = known.get(item.id, (-1, ""))
        if number >= 0 and digest == _digest(title_line(item)):
            numbers[place] = number
    n_found = int((numbers >= 0).sum())
    if n_found < _LEAST_SHARE * len(known):
        raise ArtifactError(
            f"the item tokens in {directory} are of another catalogue: of their {len(known)} items {n_found} are here "
            "under the same id and title.",
            hint="Train them on this catalogue.",
        )
    return numbers


def _network(
    decoder: nn.Module, words: CatalogueWords, about: _About, weights: Mapping[str, Tensor], directory: Path
) -> ItemTokenNetwork:
    texts = words.texts.new_zeros(len(about.items), about.dim)
    known = np.flatnonzero(words.numbers >= 0)
    texts[torch.from_numpy(words.numbers[known])] = words.texts[torch.from_numpy(known)]
    network = ItemTokenNetwork(decoder, texts, about.shape)
    with torch.no_grad():
        for name in _LEARNED:
            getattr(network, name).copy_(weights[name])
    if not all(bool(torch.isfinite(weights[name]).all()) for name in weights):
        raise ArtifactError(f"{directory / ITEM_TOKENS_FILE} holds numbers that are none.", hint=_AGAIN)
    return network.requires_grad_(requires_grad=False)


def _merge(network: ItemTokenNetwork, directory: Path, *, prefix: str, base_name: str) -> None:
    some = network.texts[: network.shape.max_length][None]  # type: ignore[index]
    with torch.inference_mode():
        before = network.states(some)
    merge_lora(network.decoder, directory, prefix=prefix)
    with torch.inference_mode():
        if torch.equal(before, network.states(some)):
            raise ModelError(
                f"the adapter {directory} changes nothing in {base_name}.", hint="Train it, or leave it out."
            )


def _digest(title: str) -> str:
    return hashlib.sha256(title.encode()).hexdigest()[:8]
