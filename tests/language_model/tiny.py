"""A model of a few thousand random weights with a real tokenizer and chat template, for tests without downloads."""

from pathlib import Path
from string import ascii_uppercase

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_tokenizer(*, chat_template: str = CHAT_TEMPLATE) -> PreTrainedTokenizerFast:
    """Every byte is a token, and so is every pair of capital letters."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [(a, b) for a in ascii_uppercase for b in ascii_uppercase]
    words = [*CONTROL_TOKENS, *alphabet, *(a + b for a, b in pairs)]
    core = Tokenizer(models.BPE(vocab={word: n for n, word in enumerate(words)}, merges=pairs))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=chat_template,
    )


def tiny_model(*, seed: int = 0, context: int = 512) -> LlamaForCausalLM:
    """Two layers of random weights, drawn from `seed` without touching the global generator."""
    config = LlamaConfig(
        vocab_size=935,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def save_tiny_model(directory: Path, *, seed: int = 0, context: int = 512) -> Path:
    """Model and tokenizer as a directory that `from_pretrained` loads."""
    tiny_model(seed=seed, context=context).save_pretrained(directory)
    tiny_tokenizer().save_pretrained(directory)
    return directory
