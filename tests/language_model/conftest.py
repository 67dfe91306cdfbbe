"""Models for the tests here: a tiny random one, and the real one when its weights are cached."""

from pathlib import Path

import pytest

from llmrec.assets import AssetStore
from llmrec.errors import AssetError
from llmrec.language_model.gguf import prepared_model
from llmrec.language_model.transformers_lm import TransformersLM
from tests.language_model.tiny import save_tiny_model


@pytest.fixture(scope="session")
def tiny_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_directory: Path) -> TransformersLM:
    return TransformersLM.from_pretrained(tiny_directory, device="cpu")


@pytest.fixture(scope="session")
def smollm2() -> TransformersLM:
    return _smollm2("float32")


@pytest.fixture(scope="session")
def smollm2_fast() -> TransformersLM:
    return _smollm2("fast")


def _smollm2(dtype: str) -> TransformersLM:
    name = "smollm2-135m-instruct"
    try:
        directory = prepared_model(AssetStore.from_environment(offline=True), name)
    except AssetError as error:
        pytest.skip(f"needs the weights of {name}: {error}")
    return TransformersLM.from_pretrained(directory, device="cpu", dtype=dtype, name=name)
