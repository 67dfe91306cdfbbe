"""A model written as GGUF is the same model when transformers reads it back."""

from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
)

from llmrec.assets import AssetStore
from llmrec.errors import ArtifactError, AssetError, ModelError
from llmrec.language_model.gguf import convert_gguf, prepared_model
from llmrec.language_model.gguf_export import export_gguf
from tests.language_model.tiny import tiny_model, tiny_tokenizer
from tests.language_model.tiny_gguf import write_tiny_gguf

STORED = {"f16": torch.float16, "bf16": torch.bfloat16}


def shaped(**changes: object) -> LlamaForCausalLM:
    values = {**tiny_model().config.to_dict(), **changes}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return LlamaForCausalLM(LlamaConfig(**values)).eval()


def rounded(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The same numbers as a file keeps them: matrices in `dtype`, vectors as they are."""
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.copy_(weights.to(dtype))
    return model


def read_back(path: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )


@pytest.mark.parametrize("number_format", ["f16", "bf16"])
@pytest.mark.parametrize(
    "make",
    [
        tiny_model,
        lambda: shaped(tie_word_embeddings=True, num_key_value_heads=1),
        lambda: shaped(head_dim=16, rope_parameters={"rope_type": "default", "rope_theta": 50_000.0}),
    ],
    ids=["grouped", "tied", "wide-heads"],
)
def test_transformers_reads_back_the_same_model(
    make: Callable[[], PreTrainedModel], number_format: str, tmp_path: Path
) -> None:
    model, path = make(), tmp_path / "out" / "tiny.gguf"
    export_gguf(model, tiny_tokenizer(), path, name="tiny", number_format=number_format)
    again = read_back(path)
    ids = torch.arange(3, 60).unsqueeze(0)
    with torch.inference_mode():
        expected = rounded(model, STORED[number_format])(input_ids=ids).logits
        assert torch.allclose(again(input_ids=ids).logits, expected, atol=1e-5)
    assert again.config.max_position_embeddings == model.config.max_position_embeddings
    assert list(path.parent.iterdir()) == [path]


def test_the_tokenizer_comes_along(tmp_path: Path) -> None:
    own = tiny_tokenizer()
    export_gguf(tiny_model(), own, tmp_path / "tiny.gguf", name="tiny", number_format="f16")
    again = AutoTokenizer.from_pretrained(tmp_path, gguf_file="tiny.gguf")
    for text in ("Heat (1995)", "AB ABC", "naïve 日本", "<|im_start|>user\n"):
        assert again.encode(text) == own.encode(text)
    assert again.chat_template == own.chat_template
    assert (again.bos_token_id, again.eos_token_id, again.pad_token_id) == (1, 2, 2)


def test_our_own_conversion_reads_what_it_wrote(tmp_path: Path) -> None:
    first = convert_gguf(write_tiny_gguf(tmp_path / "tiny.gguf"), tmp_path / "first")
    model = AutoModelForCausalLM.from_pretrained(first)
    tokenizer = AutoTokenizer.from_pretrained(first)
    export_gguf(model, tokenizer, tmp_path / "again.gguf", name="tiny", number_format="f16")
    second = AutoTokenizer.from_pretrained(convert_gguf(tmp_path / "again.gguf", tmp_path / "second"))
    assert second.encode(":\n\n12 a1") == tokenizer.encode(":\n\n12 a1")


def test_rows_without_a_token_are_named_and_marked(tmp_path: Path) -> None:
    export_gguf(shaped(vocab_size=940), tiny_tokenizer(), tmp_path / "x.gguf", name="tiny", number_format="f16")
    reader = gguf.GGUFReader(tmp_path / "x.gguf")
    tokens, kinds = (reader.get_field(f"tokenizer.ggml.{what}").contents() for what in ("tokens", "token_type"))
    assert tokens[-5:] == [f"[PAD{n}]" for n in range(935, 940)]
    assert kinds[:4] == [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL]
    assert kinds[-5:] == [gguf.TokenType.UNUSED] * 5


def test_another_architecture_is_refused_and_told_where_to_go(tmp_path: Path) -> None:
    config = MistralConfig(
        vocab_size=935, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2,
    )  # fmt: skip
    with pytest.raises(
        ModelError, match=r"knows the architecture llama, not 'mistral'\. Merge it .*convert_hf_to_gguf"
    ):
        export_gguf(MistralForCausalLM(config), tiny_tokenizer(), tmp_path / "x", name="x", number_format="f16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attention_bias": True}, "attention_bias True"),
        ({"mlp_bias": True}, "mlp_bias True"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "rope_type 'linear'"),
    ],
)
def test_a_llama_that_would_be_read_otherwise_is_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"does not write Llamas with {said}"):
        export_gguf(shaped(**changes), tiny_tokenizer(), tmp_path / "x", name="x", number_format="f16")


def test_a_tokenizer_that_llama_cpp_would_split_otherwise_is_refused(tmp_path: Path) -> None:
    from tokenizers import pre_tokenizers

    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ModelError, match="does not write this base's tokenizer"):
        export_gguf(tiny_model(), tokenizer, tmp_path / "x", name="x", number_format="f16")


def test_a_disk_that_is_full_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / ".x.gguf.partial").symlink_to("/dev/full")
    with pytest.raises(ArtifactError, match=r"x\.gguf\.partial cannot be written: the disk is full"):
        export_gguf(tiny_model(), tiny_tokenizer(), tmp_path / "x.gguf", name="x", number_format="f16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_smollm2_is_described_as_llama_cpp_described_it(tmp_path: Path) -> None:
    name = "smollm2-135m-instruct"
    store = AssetStore.from_environment(offline=True)
    try:
        directory, (original,) = prepared_model(store, name), store.path(name).glob("*.gguf")
    except AssetError as error:
        pytest.skip(f"needs the weights of {name}: {error}")
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    export_gguf(model, tokenizer, tmp_path / "x.gguf", name="x", number_format="f16")
    theirs, ours = gguf.GGUFReader(original), gguf.GGUFReader(tmp_path / "x.gguf")
    described = [key for key in theirs.fields if not key.startswith(("GGUF.", "general."))]
    assert {key: ours.fields[key].contents() for key in described if "merges" not in key} == {
        key: theirs.fields[key].contents() for key in described if "merges" not in key
    }
    assert ours.fields["tokenizer.ggml.merges"].contents() == theirs.fields["tokenizer.ggml.merges"].contents()
    assert {t.name: tuple(t.shape) for t in ours.tensors} == {t.name: tuple(t.shape) for t in theirs.tensors}
    again = read_back(tmp_path / "x.gguf")
    ids = tokenizer("The Matrix (1999) and Alien", return_tensors="pt").input_ids
    with torch.inference_mode():
        assert torch.allclose(again(input_ids=ids).logits, model(input_ids=ids).logits, atol=0.05)
