"""Keys and values of texts that a model has read, so that the beginning of the next one need not be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from llmrec.errors import ModelError


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text that was read.

    Attributes:
        ids: Its tokens.
        adapter: With which adapter; keys and values of another are other numbers.
        layers: Keys and values of each layer, float [1, n_heads, n_tokens, n_dim].
    """

    ids: tuple[int, ...]
    adapter: str
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    @classmethod
    def of(cls, ids: Sequence[int], adapter: str, cache: Cache | None) -> ReadText:
        """What a pass over `ids` left in `cache`. Raises ModelError when it does not keep every token as it was."""
        layers = []
        for layer in cache.layers if cache is not None else ():
            # Windows and running states forget or mix what was read, so no beginning of it can be taken.
            if type(layer) is not DynamicLayer or layer.keys is None or layer.values is None:
                break
            layers.append((layer.keys, layer.values))
        if cache is None or len(layers) < len(cache.layers):
            raise ModelError(
                "this model does not attend to every token in every layer, so candidates cannot be judged apart.",
                hint="Use ranking.mode=listwise.",
            )
        return cls(tuple(ids), adapter, tuple(layers))

    @property
    def dtype(self) -> torch.dtype:
        """Number format of keys and values."""
        return self.layers[0][0].dtype

    @property
    def n_bytes(self) -> int:
        """Memory that it holds."""
        return sum(tensor.nbytes for layer in self.layers for tensor in layer)

    def n_shared(self, ids: Sequence[int]) -> int:
        """How many tokens of `ids` it begins with."""
        pairs = zip(self.ids, ids, strict=False)
        return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(self.ids), len(ids)))

    def first(self, n_tokens: int, *, n_rows: int = 1) -> DynamicCache:
        """A cache for `n_rows` that go on after the first `n_tokens`; what is read with it does not change this."""
        cache = DynamicCache()
        for layer in self.layers:
            keys, values = (states[:, :, :n_tokens].expand(n_rows, -1, -1, -1) for states in layer)
            cache.layers.append(_layer(keys, values))
        return cache


def side_by_side(caches: Sequence[DynamicCache]) -> DynamicCache:
    """The rows of several caches of `ReadText.first` as one; what is shorter is padded at its end."""
    longest = max(cache.get_seq_length() for cache in caches)
    together = DynamicCache()
    for layers in zip(*(cache.layers for cache in caches), strict=True):
        keys, values = (
            torch.cat([_longer(states, longest) for states in each])
            for each in zip(*((layer.keys, layer.values) for layer in layers), strict=True)
        )
        together.layers.append(_layer(keys, values))
    return together


def _longer(states: torch.Tensor, n_tokens: int) -> torch.Tensor:
    return functional.pad(states, (0, 0, 0, n_tokens - states.shape[2]))


def _layer(keys: torch.Tensor, values: torch.Tensor) -> DynamicLayer:
    layer = DynamicLayer()  # type: ignore[no-untyped-call]
    layer.lazy_initialization(keys, values)
    layer.keys, layer.values = keys, values
    return layer


class PrefixCache:
    """The texts read last. Not for several threads at once."""

    def __init__(self, *, max_texts: int = 4, max_bytes: int = 256 * 2**20) -> None:
        """Keep at most `max_texts`, and at most `max_bytes` of keys and values."""
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._texts: list[ReadText] = []

    def longest(self, ids: Sequence[int], *, adapter: str) -> ReadText | None:
        """The text read with `adapter` that shares the longest beginning with `ids`; None when none shares any."""
        known = [text for text in self._texts if text.adapter == adapter]
        found = max(known, key=lambda text: text.n_shared(ids), default=None)
        if found is None or found.n_shared(ids) == 0:
            return None
        self._texts.remove(found)
        self._texts.append(found)
        return found

    def keep(self, text: ReadText) -> None:
        """Remember `text`, forgetting its own beginnings and then those not used for longest."""
        self._texts = [old for old in self._texts if not _begins(old, text)]
        self._texts.append(text)
        while len(self._texts) > self._max_texts or sum(kept.n_bytes for kept in self._texts) > self._max_bytes:
            self._texts.pop(0)

    def clear(self) -> None:
        """Forget everything."""
        self._texts.clear()


def _begins(old: ReadText, new: ReadText) -> bool:
    return old.adapter == new.adapter and old.n_shared(new.ids) == len(old.ids)
