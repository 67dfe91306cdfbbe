"""Turns a GGUF file into a directory transformers loads in a second, once; not how the model is then used."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.assets.cache import replace_directory, write_if_possible
from llmrec.assets.files import RECORD_NAME, AssetRecord, FileRecord, recheck, sha256_of
from llmrec.assets.lock import locked
from llmrec.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llmrec.assets import AssetStore

# Part of what a conversion is made from: raise it when a change here changes the result.
_RECIPE = 1


def prepared_model(store: AssetStore, name: str) -> Path:
    """A directory transformers can load for the cached model `name`; a GGUF file is converted on first use.

    Raises:
        AssetError: The model is not in the cache, or damaged.
        ModelError: The conversion failed.
    """
    directory = store.path(name)
    found = sorted(directory.glob("*.gguf"))
    return convert_gguf(found[0], store.cache_dir / "converted" / name) if found else directory


def convert_gguf(gguf: Path, out: Path) -> Path:
    """`out`, holding weights (safetensors, float32), tokenizer and chat template of `gguf`, and their hashes.

    An `out` that was made from the same bytes and is whole is used again; anything else in its place is replaced.

    Raises:
        ModelError: `gguf` cannot be read, or `out` cannot be written.
    """
    try:
        source = f"{gguf.name} sha256 {sha256_of(gguf)}, recipe {_RECIPE}"
        if _is_whole(out, source):
            return out
        with locked(out.with_name(f"{out.name}.lock")):
            if not _is_whole(out, source):
                _convert(gguf, out, source)
    except OSError as error:
        raise ModelError(f"{gguf} cannot be converted ({error}).", hint=f"Check the file and {out.parent}.") from error
    return out


def _is_whole(out: Path, source: str) -> bool:
    record = AssetRecord.read(out)
    if record is None or record.source != source or not record.files:
        return False
    fresh, faults = recheck(out, record, thorough=False)
    if not faults and fresh != record:
        write_if_possible(fresh, out)
    return not faults


def _convert(gguf: Path, out: Path, source: str) -> None:
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with _bars_only_on_a_terminal():
            _save_as_transformers(gguf, partial)
        files = {path.name: FileRecord.of(path) for path in sorted(partial.iterdir()) if path.name != RECORD_NAME}
        AssetRecord(out.name, source, datetime.now(UTC).isoformat(timespec="seconds"), files).write(partial)
        replace_directory(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _save_as_transformers(gguf: Path, directory: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        _mend_pre_tokenizer(tokenizer, _pre_tokenizer_name(gguf))
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            local_files_only=True,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
        )
    except (ValueError, KeyError, IndexError, RuntimeError, ImportError) as error:
        raise ModelError(f"{gguf} cannot be converted ({error}).", hint="Is it a whole GGUF file?") from error
    # The file knows the context's length, but transformers does not hand it to the tokenizer.
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(directory)
    model.save_pretrained(directory)


def _pre_tokenizer_name(gguf: Path) -> str:
    from gguf import GGUFReader

    field = GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    return str(field.contents()) if field else ""


def _mend_pre_tokenizer(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Split digits one by one where the file says so, which transformers does not read from a GGUF file."""
    from tokenizers import pre_tokenizers

    if name == "smollm":
        # Source: llama.cpp's table of pre-tokenizers, and SmolLM2's own tokenizer.json.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )


@contextmanager
def _bars_only_on_a_terminal() -> Iterator[None]:
    """Keep transformers' progress bars out of log files; all else it says to stderr is passed on."""
    if sys.stderr.isatty():
        yield
        return
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            yield
    finally:
        # A bar is drawn over and over on one line, each time after a carriage return.
        kept = [line for line in said.getvalue().split("\n") if "\r" not in line]
        sys.stderr.write("\n".join(kept))
