"""`llmrec adapter`: look at a trained adapter, build it into its base, hand it to other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import AsJson
from llmrec.cli.output import note, say, say_json
from llmrec.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmrec.language_model.adapter_files import AdapterAbout
    from llmrec.language_model.loading import LoadedModel

app = typer.Typer(help="Show, merge and export trained adapters.", no_args_is_help=True, rich_markup_mode=None)

Adapter = Annotated[Path, typer.Argument(metavar="ADAPTER", help="An adapter's directory, as training wrote it.")]
Base = Annotated[str, typer.Option("--base", help="The model it was trained on: an asset, a directory or a hub id.")]


@app.command()
def show(adapter: Adapter, as_json: AsJson = False) -> None:
    """What an adapter is: base, mode, size, and what training found."""
    from dataclasses import asdict

    from llmrec.language_model.adapter_files import ABOUT_FILE, read_adapter

    about = read_adapter(adapter)
    if as_json:
        say_json(asdict(about))
        return
    try:
        lines = list(_lines(about))
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{adapter / ABOUT_FILE} is not what training writes ({type(error).__name__}: {error}).",
            hint="Train it again, or remove that file.",
        ) from error
    for line in lines:
        say(line)


@app.command()
def merge(
    adapter: Adapter,
    base: Base,
    out: Annotated[Path, typer.Option("--out", help="The directory to write.")],
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        typer.Option("--dtype", help="Of the weights; auto is the base's own."),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Add an adapter to its base's weights: a model that plain transformers loads.

    llmrec adapter merge shop/adapters/ranker --base smollm2-135m-instruct --out shop-ranker
    """
    from llmrec.language_model.merging import require_absent, save_merged

    require_absent(out)
    model, tokenizer = _merged(adapter, base, dtype)
    save_merged(model, tokenizer, adapter, out)
    _say_written(out, sum(path.stat().st_size for path in out.iterdir()), as_json=as_json)


@app.command()
def export(
    adapter: Adapter,
    base: Base,
    out: Annotated[Path, typer.Option("--out", help="The file to write, NAME.gguf.")],
    number_format: Annotated[
        Literal["f16", "bf16"], typer.Option("--format", help="Of the matrices; vectors stay float32.")
    ] = "f16",
    as_json: AsJson = False,
) -> None:
    """Write base and adapter as one GGUF file, for llama.cpp and what builds on it.

    llmrec adapter export shop/adapters/ranker --base smollm2-135m-instruct --out shop-ranker.gguf
    """
    from llmrec.language_model.gguf_export import export_gguf
    from llmrec.language_model.merging import require_absent

    require_absent(out)
    # Merged in float32, so that the numbers are rounded once.
    model, tokenizer = _merged(adapter, base, "float32")
    name = f"{Path(base).name} {adapter.resolve().name}"
    export_gguf(model, tokenizer, out, name=name, number_format=number_format)
    _say_written(out, out.stat().st_size, as_json=as_json)


def _merged(adapter: Path, base: str, dtype: str) -> LoadedModel:
    from llmrec.assets import AssetStore
    from llmrec.assets.progress import TerminalProgress
    from llmrec.language_model.merging import merged_model
    from llmrec.models import load_plain_model

    def load_base() -> LoadedModel:
        note(f"Loading {base}; it is merged on the CPU.")
        return load_plain_model(base, AssetStore.from_environment(), dtype=dtype, fetch=TerminalProgress())

    return merged_model(adapter, load_base, base_name=Path(base).name)


def _lines(about: AdapterAbout) -> Iterator[str]:
    record = about.record
    yield f"{about.name}: a LoRA adapter over {about.base or 'a base that it does not name'}"
    if about.knows_items:
        yield "mode: item_tokens; it knows one catalogue's items, not prompts, and cannot be merged or exported"
    elif about.mode:
        yield f"mode: {about.mode}; prompt {record['template']}, hash {record['template_hash']}"
    yield (
        f"shape: rank {about.rank}, alpha {about.alpha:g}, {', '.join(about.modules)} of {about.n_layers} layers; "
        f"{about.n_weights:,} weights, {', '.join(about.dtypes)}, {about.n_bytes / 1e6:.1f} MB"
    )
    yield f"transformers' decision pipeline: {'runs it' if about.for_pipeline else 'does not run it'}"
    if not record:
        yield "It has no ranker.json: what it was trained on and what it is worth is not known here."
        return
    data = record["record"]["data"]["name"]
    yield f"learned from: {data}, {record['n_examples']} examples, {record['n_steps']} steps"
    yield f"verdict: {record['verdict']}"
    yield "NDCG@10 on validation users:"
    for what, found in record["validation"].items():
        low_high = " ({:.4f} to {:.4f})".format(*found["ci95"]) if "ci95" in found else ""
        yield f"  {what}: {found['mean']:.4f}{low_high}"


def _say_written(out: Path, n_bytes: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"out": str(out), "bytes": n_bytes})
    else:
        say(f"{out} is written, {n_bytes / 1e6:.1f} MB.")
