"""Prompts and their candidates in one pass through the layers of a Llama or the like, and nothing of it in vain.

Every weight is read once for all tokens, candidates attend in short rows, and of tokens that nobody asks about the last
layer computes keys and values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, cast

import torch
from torch import nn
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

from llmrec.language_model.branching import Branching, attend_prompt, attend_rows
from llmrec.language_model.candidate_encoding import CandidateIds
from llmrec.language_model.loading import CausalLM
from llmrec.language_model.prefix_cache import ReadText

Pair = tuple[torch.Tensor, torch.Tensor]  # keys and values, or cosine and sine

_LAYER_PARTS = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_PROJECTIONS = {"q_proj", "k_proj", "v_proj", "o_proj"}
_HEAD_NORMS = {"q_norm", "k_norm"}
# Another order of summation differs in the last digits; another architecture does in the first.
_AGREEMENT = {torch.float32: 1e-3, torch.float64: 1e-3}
_COARSE_AGREEMENT = 0.05


class _Attention(Protocol):
    head_dim: int
    scaling: float
    q_proj: nn.Module
    k_proj: nn.Module
    v_proj: nn.Module
    o_proj: nn.Module


class _Layer(Protocol):
    self_attn: _Attention
    mlp: nn.Module
    input_layernorm: nn.Module
    post_attention_layernorm: nn.Module


class _Decoder(Protocol):
    config: PreTrainedConfig
    embed_tokens: nn.Embedding
    layers: Sequence[_Layer]
    norm: nn.Module
    rotary_emb: nn.Module


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a pass.

    Attributes:
        tokens: What is read.
        known: The text whose first tokens need not be read; None when all must.
    """

    tokens: Branching
    known: ReadText | None


class OnePass:
    """Reads with the layers of a model, which stay as they are: what is done to them later counts, adapters too."""

    def __init__(self, decoder: _Decoder) -> None:
        """Read with `decoder`, which `of` has found to be of the known kind."""
        self._decoder = decoder
        attention = decoder.layers[0].self_attn
        self._n_groups = int(decoder.config.num_attention_heads // decoder.config.num_key_value_heads)
        self._n_dim, self._scale = attention.head_dim, attention.scaling

    @classmethod
    def of(cls, model: CausalLM) -> OnePass | None:
        """With the layers of `model`; None when they are not built, or do not compute, as those of a Llama."""
        decoder = cast(nn.Module, model.base_model)
        if not _is_known_kind(decoder):
            return None
        try:
            found = cls(cast(_Decoder, decoder))
            return found if found._agrees_with(model) else None
        except (AttributeError, TypeError, ValueError, RuntimeError):
            # Parts of these names that are called otherwise: the model's own pass knows how.
            return None

    def read(self, batch: Sequence[Asked]) -> tuple[torch.Tensor, list[tuple[Pair, ...]]]:
        """Hidden states, float [n_wanted, n_dim], of the tokens each request asks about, one request's after the other.

        With them keys and values of each request's whole prompt, by layer, float [1, n_key_heads, n_prompt, n_dim].
        """
        device = self._decoder.embed_tokens.weight.device
        hidden = self._decoder.embed_tokens(torch.cat([one.tokens.input_ids for one in batch]).to(device)[None])
        positions = torch.cat([one.tokens.position_ids for one in batch]).to(device)[None]
        turn = _halves(self._decoder.rotary_emb(hidden, positions))
        prompts: list[list[Pair]] = [[] for _ in batch]
        everyone = _Askers.all_of(batch, hidden, self._n_groups)
        *others, last = range(len(self._decoder.layers))
        for number in others:
            hidden = self._through(number, hidden, turn, everyone, prompts)
        hidden = self._through(last, hidden, turn, _Askers.asked_of(batch, hidden, self._n_groups), prompts)
        starts = accumulate((one.tokens.asked.numel() for one in batch), initial=0)
        kept = torch.cat([start + one.tokens.kept for start, one in zip(starts, batch, strict=False)])
        wanted = hidden[0, kept.to(device)]
        return self._decoder.norm(wanted), [tuple(layers) for layers in prompts]

    def _through(
        self, number: int, hidden: torch.Tensor, turn: Pair, askers: _Askers, prompts: list[list[Pair]]
    ) -> torch.Tensor:
        """What layer `number` makes of the tokens of `askers`; keys and values of prompts are added to `prompts`."""
        layer = self._decoder.layers[number]
        attention, normed = layer.self_attn, layer.input_layernorm(hidden)
        keys = _turned(self._heads(attention, "k", normed), turn)
        values = self._heads(attention, "v", normed)
        if askers.places is not None:
            hidden, normed = hidden[:, askers.places], normed[:, askers.places]
            turn = turn[0][askers.places], turn[1][askers.places]
        queries = _turned(self._heads(attention, "q", normed), turn)
        seen = self._attended(number, queries, (keys, values), askers, prompts)
        hidden = hidden + attention.o_proj(seen[None])
        out: torch.Tensor = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return out

    def _heads(self, attention: _Attention, kind: str, normed: torch.Tensor) -> torch.Tensor:
        """Queries, keys or values, [n_tokens, n_heads, n_dim]."""
        found: torch.Tensor = getattr(attention, f"{kind}_proj")(normed).view(normed.shape[1], -1, self._n_dim)
        norm = getattr(attention, f"{kind}_norm", None)
        return found if norm is None else cast(torch.Tensor, norm(found))

    def _attended(
        self, number: int, queries: torch.Tensor, own: Pair, askers: _Askers, prompts: list[list[Pair]]
    ) -> torch.Tensor:
        """What the askers see in layer `number`, [n_askers, n_heads * n_dim]."""
        seen = []
        sizes = [len(one.tokens.input_ids) for one in askers.batch]
        parts = zip(*(torch.split(states, sizes) for states in own), strict=True)
        asked = torch.split(queries, askers.sizes)
        for one, asks, (keys, values), mask, kept in zip(
            askers.batch, asked, parts, askers.masks, prompts, strict=True
        ):
            n_new, n_rows = one.tokens.n_new, one.tokens.n_rows
            known = one.known.layers[number] if one.known else None
            prompt = _prompt((keys[:n_new], values[:n_new]), known, one.tokens.n_known)
            kept.append(prompt)
            n_in_rows = n_rows * (mask.shape[2] // self._n_groups)
            if len(asks) > n_in_rows:
                seen.append(attend_prompt(asks[:-n_in_rows], *prompt, scale=self._scale))
            rows = asks[-n_in_rows:].view(n_rows, -1, *asks.shape[1:])
            all_keys, all_values = _after(prompt[0], keys[n_new:], n_rows), _after(prompt[1], values[n_new:], n_rows)
            seen.append(attend_rows(rows, all_keys, all_values, mask, scale=self._scale))
        return torch.cat(seen)

    def _agrees_with(self, model: CausalLM) -> bool:
        """Whether a short text gets the hidden states that the model's own pass gives it."""
        n_tokens = 12
        ids = [(7 * place + 3) % int(self._decoder.config.vocab_size) for place in range(n_tokens)]
        tokens = Branching.of(CandidateIds(ids[:5], [ids[5:]]), [[0]], n_known=0, wanted=range)
        with torch.inference_mode():
            theirs = model.base_model(
                input_ids=torch.tensor([ids], device=model.device), use_cache=False
            ).last_hidden_state[0, 5:]
            ours, _ = self.read([Asked(tokens, None)])
        if ours.shape != theirs.shape:
            return False
        tolerance = _AGREEMENT.get(theirs.dtype, _COARSE_AGREEMENT)
        return bool((ours - theirs).float().norm() <= tolerance * theirs.float().norm())


@dataclass(frozen=True, slots=True)
class _Askers:
    """Tokens of a pass whose next hidden states are computed.

    Attributes:
        places: int64 [n_askers], where they stand among all tokens; None for all.
        sizes: How many belong to each request.
        masks: What those in each request's rows may attend to.
    """

    batch: Sequence[Asked]
    places: torch.Tensor | None
    sizes: list[int]
    masks: list[torch.Tensor]

    @classmethod
    def all_of(cls, batch: Sequence[Asked], hidden: torch.Tensor, n_groups: int) -> _Askers:
        masks = [one.tokens.mask_of_all(hidden, n_groups=n_groups) for one in batch]
        return cls(batch, None, [len(one.tokens.input_ids) for one in batch], masks)

    @classmethod
    def asked_of(cls, batch: Sequence[Asked], hidden: torch.Tensor, n_groups: int) -> _Askers:
        starts = accumulate((len(one.tokens.input_ids) for one in batch), initial=0)
        places = [start + one.tokens.asked_tokens() for start, one in zip(starts, batch, strict=False)]
        masks = [one.tokens.mask_of_asked(hidden, n_groups=n_groups) for one in batch]
        return cls(batch, torch.cat(places).to(hidden.device), list(map(len, places)), masks)


def _is_known_kind(decoder: nn.Module) -> bool:
    """Whether `decoder` has the parts of a Llama and no others, and forgets nothing that it has read."""
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers) or not isinstance(decoder.config, PreTrainedConfig):
        return False
    if {name for name, _ in decoder.named_children()} != {"embed_tokens", "layers", "norm", "rotary_emb"}:
        return False
    kept = DynamicCache(config=decoder.config).layers
    return len(kept) == len(layers) and all(type(one) is DynamicLayer for one in kept) and all(map(_is_known, layers))


def _is_known(layer: nn.Module) -> bool:
    parts = dict(layer.named_children())
    if set(parts) != _LAYER_PARTS:
        return False
    inside = {name for name, _ in parts["self_attn"].named_children()}
    return inside in (_PROJECTIONS, _PROJECTIONS | _HEAD_NORMS) and hasattr(parts["self_attn"], "scaling")


def _halves(turn: Pair) -> Pair:
    """Cosine and sine of each token, [n_tokens, 1, n_dim / 2]; a Llama's second halves repeat the first."""
    cosine, sine = (each[0, :, None, : each.shape[-1] // 2] for each in turn)
    return cosine, sine


def _turned(heads: torch.Tensor, turn: Pair) -> torch.Tensor:
    """`heads`, [n_tokens, n_heads, n_dim], turned by each token's position. Source: Su et al. 2021, RoFormer."""
    cosine, sine = turn
    first, second = heads.chunk(2, dim=-1)
    turned = torch.empty_like(heads)
    a, b = turned.chunk(2, dim=-1)
    torch.mul(first, cosine, out=a).addcmul_(second, sine, value=-1)
    torch.mul(second, cosine, out=b).addcmul_(first, sine)
    return turned


def _prompt(new: Pair, known: Pair | None, n_known: int) -> Pair:
    """Keys and values of a whole prompt, [1, n_key_heads, n_prompt, n_dim], which hold no more memory than that."""
    laid_out = (states.transpose(0, 1)[None] for states in new)
    if known is None:
        keys, values = (states.clone(memory_format=torch.contiguous_format) for states in laid_out)
    else:
        keys, values = (
            torch.cat([before[:, :, :n_known], states], dim=2) for before, states in zip(known, laid_out, strict=True)
        )
    return keys, values


def _after(prompt: torch.Tensor, more: torch.Tensor, n_rows: int) -> torch.Tensor:
    """A prompt's keys or values and, after them, those of each row, [n_rows, n_key_heads, n_keys, n_dim]."""
    rows = more.view(n_rows, -1, *more.shape[1:]).transpose(1, 2)
    return torch.cat([prompt.expand(n_rows, -1, -1, -1), rows], dim=2)
