"""From a setting's name to a loaded model: a cached asset, a directory, a name on the model hub, or a URL."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from llmrec.assets import AssetStore
from llmrec.assets.progress import Progress
from llmrec.assets.registry import ASSETS
from llmrec.errors import ConfigError, ModelError
from llmrec.interfaces import Embedder
from llmrec.language_model.remote_address import is_remote
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import EncoderSettings, LanguageModelSettings

if TYPE_CHECKING:
    from llmrec.language_model.loading import LoadedModel
    from llmrec.language_model.remote import RemoteLM
    from llmrec.language_model.transformers_lm import TransformersLM

M = TypeVar("M", covariant=True)

NO_MODEL = "none"
WRITER = "explain"
"""What the adapter that writes explanations is called beside the one that ranks."""
HASHING = "hashing"


class _Load(Protocol[M]):
    def __call__(self, *, local_files_only: bool) -> M: ...


def load_encoder(settings: EncoderSettings, store: AssetStore, *, fetch: Progress | None = None) -> Embedder:
    """The sentence encoder that `settings` name.

    Args:
        settings: Its name and device.
        store: Where assets are cached.
        fetch: Fetch a missing asset, telling this of the bytes; None uses what is there.

    Raises:
        AssetError: The asset is absent and was not to be, or could not be, fetched.
        ConfigError: Nothing has that name.
        ModelError: It cannot be loaded.
    """
    if settings.model == HASHING:
        return HashingEmbedder()
    # Imported here, so that a recommender without weights starts without torch.
    from llmrec.retrieval.embedders import SentenceEncoder

    place = _place(settings.model, store, fetch)
    return _local_first(
        lambda *, local_files_only: SentenceEncoder(
            place,
            device=_device(settings.device),
            batch_size=settings.batch_size,
            name=_encoder_name(settings.model, place),
            local_files_only=local_files_only,
        ),
        place,
        store,
    )


def load_language_model(settings: LanguageModelSettings, store: AssetStore) -> TransformersLM | RemoteLM | None:
    """The language model that `settings` name, or None for `none`. Raises AssetError, ConfigError, ModelError."""
    if settings.model == NO_MODEL:
        return None
    if is_remote(settings.model):
        return _remote_model(settings)
    from llmrec.language_model.transformers_lm import TransformersLM
    from llmrec.packaged_adapters import writer_named

    place = _place(settings.model, store, None)
    return _local_first(
        lambda *, local_files_only: TransformersLM.from_pretrained(
            place,
            device=_device(settings.device),
            dtype=None if settings.dtype == "auto" else settings.dtype,
            adapter=Path(settings.adapter) if settings.adapter else None,
            more_adapters={WRITER: writer_named(settings.writer)} if settings.writer else {},
            local_files_only=local_files_only,
            name=Path(settings.model).name,
        ),
        place,
        store,
    )


def _remote_model(settings: LanguageModelSettings) -> RemoteLM:
    from llmrec.language_model.remote import RemoteLM

    for name in ("adapter", "writer"):
        if getattr(settings, name):
            raise ConfigError(
                f"language_model.{name} is set, and a model behind a URL takes none from here.",
                hint=f"Set language_model.{name}= (nothing) and let the server load what it shall.",
            )
    return RemoteLM.connect(settings.model)


def load_plain_model(name: str, store: AssetStore, *, dtype: str, fetch: Progress | None = None) -> LoadedModel:
    """The causal language model called `name` on the CPU as it is, and its tokenizer.

    Args:
        name: An asset's name, a directory, or a hub id.
        store: Where assets are cached.
        dtype: `float32`, `bfloat16`, `float16`, or `auto` for its own.
        fetch: Fetch a missing asset, telling this of the bytes; None uses what is there.

    Raises:
        AssetError: The asset is absent and was not to be, or could not be, fetched.
        ConfigError: Nothing has that name.
        ModelError: It cannot be loaded.
    """
    from llmrec.language_model.devices import choose_device, choose_dtype
    from llmrec.language_model.loading import ModelSource, load_model

    place, device = _place(name, store, fetch), choose_device("cpu")

    def load(*, local_files_only: bool) -> LoadedModel:
        if dtype == "auto":
            return load_model(ModelSource(str(place), device, "auto", local_files_only))
        return load_model(ModelSource(str(place), device, choose_dtype(dtype, device), local_files_only))

    return _local_first(load, place, store)


def model_place(name: str, store: AssetStore, *, fetch: Progress | None = None) -> Path | str:
    """The directory of the model that settings call `name`, or its hub id.

    Args:
        name: An asset's name, a directory, or a hub id.
        store: Where assets are cached.
        fetch: Fetch a missing asset, telling this of the bytes; None uses what is there.

    Raises:
        AssetError: The asset is absent and was not to be, or could not be, fetched.
        ConfigError: Nothing has that name.
    """
    return _place(name, store, fetch)


def weights_sha256(directory: Path) -> str:
    """Of all safetensors below `directory`, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _place(name: str, store: AssetStore, fetch: Progress | None) -> Path | str:
    """Where the libraries should load from; a name that is neither asset nor directory is the hub's."""
    if name not in ASSETS:
        return Path(name) if Path(name).is_dir() else _hub_id(name)
    from llmrec.language_model.gguf import prepared_model

    if fetch is not None:
        store.fetch(name, progress=fetch)
    return prepared_model(store, name)


def _encoder_name(name: str, place: Path | str) -> str:
    """The last part of its name; a directory of one's own is also told by its weights, which may have been trained on.

    Stored vectors are found again by this name, so other weights in the same place need another.
    """
    if name in ASSETS or not isinstance(place, Path):
        return Path(name).name
    return f"{place.resolve().name}-{weights_sha256(place)[:12]}"


def _local_first(load: _Load[M], place: Path | str, store: AssetStore) -> M:
    """What `load` gives from this machine's files; the hub is asked only for a hub id that is not among them."""
    if isinstance(place, Path) or store.offline:
        return load(local_files_only=True)
    try:
        return load(local_files_only=True)
    except ModelError:
        return load(local_files_only=False)


def _hub_id(name: str) -> str:
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return name
    known = ", ".join(asset.name for asset in ASSETS.values() if asset.kind == "model")
    raise ConfigError(
        f"no model is called {name!r}.", hint=f"Name a directory, a hub id (owner/name) or one of {known}."
    )


def _device(name: str) -> str | None:
    return None if name == "auto" else name
