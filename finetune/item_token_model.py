"""The items of a catalogue as words of a base model: before training, and as files after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from torch import nn

from finetune.item_token_examples import first_met
from finetune.ranker_config import RankerTraining
from finetune.ranker_data import RankerData
from finetune.ranker_model import Base
from llmrec.language_model.item_texts import TextScale, mean_embeddings, text_lines
from llmrec.language_model.item_token_files import LearnedItems, decoder_prefix, save_item_tokens, vocabulary_of
from llmrec.language_model.item_token_network import Dropout, ItemTokenNetwork, ItemTokenShape, first_layers
from llmrec.language_model.item_tokens import CatalogueWords, ItemTokenScorer
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.merged_lora import LoRALinear, LoRAShape, add_lora
from llmrec.prompting.textualize import title_line
from llmrec.ranking.fusion_model import MEASURED


@dataclass(frozen=True)
class ItemTokens:
    """A network that learns, and all that its files need.

    Attributes:
        network: Its words are the items that anybody met in what is learned from.
        words: The whole catalogue.
        learned: Whose the words are.
        lora: Size of the adapter.
        prefix: See `decoder_prefix`.
        base_name: The base model's name.
    """

    network: ItemTokenNetwork
    words: CatalogueWords
    learned: LearnedItems
    lora: LoRAShape
    prefix: str
    base_name: str

    @classmethod
    def begun(cls, data: RankerData, config: RankerTraining, base: Base) -> Self:
        """Nothing learned yet; what is drawn is drawn from the configuration's seed.

        Raises:
            ModelError: The base has too few layers or is built in a way that is not known.
        """
        chosen, catalogue, model = config.item_tokens, data.training.catalogue, cast(CausalLM, base.model)
        met = first_met(data.training.validation.fit_on)
        embeddings = vocabulary_of(model)
        lines = text_lines(catalogue.values(), description_chars=chosen.description_chars)
        means = mean_embeddings(lines, base.tokenizer, embeddings)
        scale = TextScale.of(means[torch.from_numpy(met)], embeddings)
        texts = scale.applied(means)
        decoder = first_layers(cast(nn.Module, model.base_model), chosen.n_layers, name=base.name)
        lora = LoRAShape(config.rank, config.alpha, config.rslora)
        add_lora(decoder, lora, seed=config.seed)
        shape = ItemTokenShape(chosen.n_layers, chosen.own_dim, chosen.max_length, chosen.description_chars)
        dropout = Dropout(chosen.input_dropout, chosen.output_dropout)
        network = ItemTokenNetwork(decoder, texts[torch.from_numpy(met)], shape, dropout)
        network.draw(seed=config.seed, spread=float(embeddings.float().std()))
        numbers = np.full(len(catalogue), -1, dtype=np.int64)
        numbers[met] = np.arange(len(met))
        ids = [catalogue.ids[place] for place in met.tolist()]
        learned = LearnedItems(ids, [title_line(catalogue[i]) for i in ids], scale, catalogue.content_hash)
        return cls(network, CatalogueWords(texts, numbers), learned, lora, decoder_prefix(model), base.name)

    @property
    def scorer(self) -> ItemTokenScorer:
        """What scores the catalogue with the network as it is now."""
        return ItemTokenScorer(self.network, self.words, name=self.base_name)

    @property
    def text_scorer(self) -> ItemTokenScorer:
        """The same of nothing but texts: every item is cold, for comparison."""
        numbers = np.full_like(self.words.numbers, -1)
        return ItemTokenScorer(self.network, replace(self.words, numbers=numbers), name=self.base_name)

    def round_adapter(self) -> None:
        """Round the adapter to bfloat16, as it is stored, so that what is measured is what is shipped."""
        with torch.no_grad():
            for layer in self.network.decoder.modules():
                if isinstance(layer, LoRALinear):
                    for matrix in (layer.down, layer.up):
                        matrix.copy_(matrix.to(torch.bfloat16))

    def save(self, directory: Path) -> None:
        """Write adapter and items into `directory`, which is made."""
        save_item_tokens(directory, self.network, self.learned, self.lora, prefix=self.prefix, base_name=self.base_name)


@dataclass(frozen=True)
class Refitted:
    """A network trained anew on everything but the test's answers, and the one by which it was decided.

    Attributes:
        serves: What it is for.
        measured: What the numbers are of: it has not met the validation's answers.
    """

    serves: ItemTokens
    measured: ItemTokens

    def save(self, directory: Path) -> None:
        """Write what serves into `directory`, which is made, and what was measured into a part of it."""
        self.serves.save(directory)
        self.measured.save(directory / MEASURED)
