"""A model of Llama's architecture as one GGUF file, as llama.cpp's own converter names and lays things out.

Source: llama.cpp, `convert_hf_to_gguf.py` (LlamaModel, and `get_vocab_base` for byte-level BPE) and `gguf-py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from llmrec.errors import ModelError
from llmrec.language_model.loading import CausalLM
from llmrec.whole_files import whole_or_absent

Format = Literal["f16", "bf16"]
_FORMATS = {
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "bf16": (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
}
_ELSEWHERE = "Merge it (`llmrec adapter merge`) and convert that by llama.cpp's convert_hf_to_gguf.py."
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False}
# What a tokenizer splits texts by, and llama.cpp's name for it. Source: its table of pre-tokenizers.
_PRE_TOKENIZERS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "gpt-2": (_BYTE_LEVEL,),
    "smollm": ({"type": "Digits", "individual_digits": True}, _BYTE_LEVEL),
}


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """Tokens by id, their kinds, and the merges between them, as llama.cpp's `gpt2` tokenizer reads them."""

    pre: str
    tokens: list[str]
    kinds: list[int]
    merges: list[str]


def export_gguf(
    model: CausalLM, tokenizer: PreTrainedTokenizerBase, out: Path, *, name: str, number_format: Format
) -> None:
    """Write `model` and its tokenizer to `out`.

    Args:
        model: Of Llama's architecture, on the CPU.
        tokenizer: Byte-level BPE.
        out: The file; there is none yet.
        name: What the model calls itself.
        number_format: Of its matrices; vectors are kept in float32.

    Raises:
        ModelError: The architecture or the tokenizer is not one that this writes.
        ArtifactError: The disk is full or the like; nothing is left behind.
    """
    config = _supported(model)
    vocabulary = _vocabulary(tokenizer, config["vocab_size"])
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    with whole_or_absent(partial):
        writer = gguf.GGUFWriter(partial, "llama")
        _describe(writer, config, name=name, file_type=_FORMATS[number_format][1])
        _describe_tokenizer(writer, tokenizer, vocabulary)
        for tensor_name, data, kind in _tensors(model, config, _FORMATS[number_format][0]):
            writer.add_tensor(tensor_name, data, raw_dtype=kind)
        _write(writer)
        partial.replace(out)


def _write(writer: gguf.GGUFWriter) -> None:
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.flush()
    finally:
        # A disk that was full when the file was written is full when it is closed, too.
        with suppress(OSError):
            writer.close()


def _supported(model: CausalLM) -> dict[str, Any]:
    config: dict[str, Any] = model.config.to_dict()
    kind = config.get("model_type")
    if kind != "llama":
        raise ModelError(f"GGUF export knows the architecture llama, not {kind!r}.", hint=_ELSEWHERE)
    rope = config.get("rope_parameters") or {}
    odd = {
        "rope_type": rope.get("rope_type", "default") not in ("default", None),
        "attention_bias": config.get("attention_bias"),
        "mlp_bias": config.get("mlp_bias"),
    }
    for what in (name for name, is_odd in odd.items() if is_odd):
        value = rope.get(what, config.get(what))
        raise ModelError(f"GGUF export does not write Llamas with {what} {value!r}.", hint=_ELSEWHERE)
    return {**config, "rope_theta": float(rope.get("rope_theta", 10_000.0))}


def _describe(writer: gguf.GGUFWriter, config: Mapping[str, Any], *, name: str, file_type: int) -> None:
    n_heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // n_heads
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(n_heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _describe_tokenizer(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerBase, vocabulary: _Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    writer.add_token_merges(vocabulary.merges)
    special = {
        writer.add_bos_token_id: tokenizer.bos_token_id,
        writer.add_eos_token_id: tokenizer.eos_token_id,
        writer.add_unk_token_id: tokenizer.unk_token_id,
        writer.add_pad_token_id: tokenizer.pad_token_id,
    }
    for add, token_id in special.items():
        if token_id is not None:
            add(int(token_id))
    writer.add_add_bos_token(tokenizer.encode("a")[:1] == [tokenizer.bos_token_id])
    writer.add_add_space_prefix(value=False)
    if tokenizer.chat_template:
        writer.add_chat_template(str(tokenizer.get_chat_template()))


def _vocabulary(tokenizer: PreTrainedTokenizerBase, n_tokens: int) -> _Vocabulary:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = json.loads(backend.to_str()) if backend is not None else {}
    bpe, pre = parts.get("model") or {}, _pre_tokenizer(parts)
    if bpe.get("type") != "BPE" or not pre:
        raise ModelError("GGUF export does not write this base's tokenizer.", hint=_ELSEWHERE)
    tokens = {int(token_id): token for token, token_id in bpe["vocab"].items()}
    kinds = dict.fromkeys(tokens, int(gguf.TokenType.NORMAL))
    for added in parts["added_tokens"]:
        tokens[added["id"]] = added["content"]
        kinds[added["id"]] = int(gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED)
    return _Vocabulary(
        pre,
        # Rows of the embedding that no token has.
        [tokens.get(token_id, f"[PAD{token_id}]") for token_id in range(n_tokens)],
        [kinds.get(token_id, int(gguf.TokenType.UNUSED)) for token_id in range(n_tokens)],
        [merge if isinstance(merge, str) else " ".join(merge) for merge in bpe["merges"]],
    )


def _pre_tokenizer(parts: Mapping[str, Any]) -> str:
    """llama.cpp's name for how texts are split; empty when it is not known here."""
    own = parts.get("pre_tokenizer") or {}
    steps = own.get("pretokenizers", []) if own.get("type") == "Sequence" else [own]
    for name, known in _PRE_TOKENIZERS.items():
        if parts.get("normalizer") is None and len(steps) == len(known) and all(map(_does, steps, known)):
            return name
    return ""


def _does(step: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    return all(step.get(key) == value for key, value in wanted.items()) and step.get("use_regex", True) is True


def _tensors(
    model: CausalLM, config: Mapping[str, Any], kind: gguf.GGMLQuantizationType
) -> Iterator[tuple[str, NDArray[Any], gguf.GGMLQuantizationType]]:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    for own_name, tensor in cast(torch.nn.Module, model).state_dict().items():
        if own_name == "lm_head.weight" and config["tie_word_embeddings"]:
            continue
        name = names.get_name(own_name, try_suffixes=(".weight",))
        if name is None:
            raise ModelError(f"GGUF export has no name for the weights {own_name}.", hint=_ELSEWHERE)
        data = tensor.detach().to("cpu", torch.float32).numpy()
        heads = {".attn_q.": "num_attention_heads", ".attn_k.": "num_key_value_heads"}
        data = next((_interleaved(data, config[key]) for part, key in heads.items() if part in name), data)
        stored = kind if data.ndim > 1 else gguf.GGMLQuantizationType.F32
        yield name, gguf.quants.quantize(np.ascontiguousarray(data), stored), stored


def _interleaved(weights: NDArray[np.float32], n_heads: int) -> NDArray[np.float32]:
    """Rows of each head as llama.cpp turns them: in pairs of neighbours, not of halves."""
    return weights.reshape(n_heads, 2, -1, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)
