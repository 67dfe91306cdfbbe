"""Item tokens over a tiny model, as if they had been trained: every number that is learned is drawn."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from llmrec.data.catalogue import Catalogue
from llmrec.language_model.item_texts import TextScale, mean_embeddings, text_lines
from llmrec.language_model.item_token_files import LearnedItems, save_item_tokens, vocabulary_of
from llmrec.language_model.item_token_network import ItemTokenNetwork, ItemTokenShape, first_layers
from llmrec.language_model.item_tokens import CatalogueWords, ItemTokenScorer
from llmrec.language_model.merged_lora import LoRALinear, LoRAShape, add_lora
from llmrec.prompting.textualize import title_line
from llmrec.types import ItemId
from tests.language_model.tiny import tiny_model, tiny_tokenizer

SHAPE, LORA = ItemTokenShape(n_layers=1, own_dim=4, max_length=5), LoRAShape(rank=2, alpha=4)
NAME = "tiny"


def drawn_network(
    catalogue: Catalogue, item_ids: Sequence[ItemId], *, shape: ItemTokenShape = SHAPE
) -> tuple[ItemTokenNetwork, CatalogueWords, TextScale]:
    """A network whose words are `item_ids`, in bfloat16's numbers where files keep no others."""
    model = tiny_model()
    embeddings = vocabulary_of(model)
    means = mean_embeddings(text_lines(catalogue.values(), description_chars=0), tiny_tokenizer(), embeddings)
    places = [catalogue.position(item_id) for item_id in item_ids]
    scale = TextScale.of(means[places], embeddings)
    texts = scale.applied(means)
    decoder = first_layers(model.base_model, shape.n_layers, name=NAME)
    add_lora(decoder, LORA, seed=0)
    network = ItemTokenNetwork(decoder, texts[places], shape)
    network.draw(seed=0, spread=float(embeddings.std()))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter, spread in ((network.own, 0.2), (network.shared, 0.05), (network.bias, 0.5)):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
        for layer in network.decoder.modules():
            if isinstance(layer, LoRALinear):
                layer.up.copy_(torch.randn(layer.up.shape, generator=generator))
                layer.up.copy_(layer.up.to(torch.bfloat16))
                layer.down.copy_(layer.down.to(torch.bfloat16))
    numbers = np.full(len(catalogue), -1, dtype=np.int64)
    numbers[places] = np.arange(len(places))
    return network, CatalogueWords(texts, numbers), scale


def drawn_scorer(catalogue: Catalogue, item_ids: Sequence[ItemId]) -> ItemTokenScorer:
    """A scorer of the same."""
    network, words, _ = drawn_network(catalogue, item_ids)
    return ItemTokenScorer(network, words, name=NAME)


def saved(directory: Path, catalogue: Catalogue, item_ids: Sequence[ItemId]) -> ItemTokenScorer:
    """The same, with its files in `directory`."""
    network, words, scale = drawn_network(catalogue, item_ids)
    titles = [title_line(catalogue[item_id]) for item_id in item_ids]
    learned = LearnedItems(item_ids, titles, scale, catalogue.content_hash)
    save_item_tokens(directory, network, learned, LORA, prefix="model.", base_name=NAME)
    return ItemTokenScorer(network, words, name=NAME, adapter=directory.name)
