import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from llmrec.errors import ModelError
from llmrec.language_model.transformers_lm import TransformersLM
from tests.contracts.label_scorer import QUESTION
from tests.language_model.tiny import tiny_model

# peft 0.21 asks transformers by an old name when it wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def save_adapter(directory: Path, *, base: str, scale: float) -> Path:
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(tiny_model(), config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.fill_(scale)
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(str(directory), save_embedding_layers=False)  # "auto" asks the hub
    return directory


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return save_adapter(tmp_path / "ranker", base="somebody/Tiny", scale=0.5)


def test_an_adapter_changes_the_scores_and_is_named(tiny_directory: Path, tiny: TransformersLM, adapter: Path) -> None:
    adapted = TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
    assert adapted.adapter == "ranker"
    labels = tiny.labels(5)
    without = tiny.score_labels(QUESTION, labels, timeout_s=60).log_probs
    assert not np.allclose(adapted.score_labels(QUESTION, labels, timeout_s=60).log_probs, without, atol=1e-4)


def test_a_model_with_adapter_still_generates(tiny_directory: Path, adapter: Path) -> None:
    adapted = TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
    assert len(adapted.generate([QUESTION], max_new_tokens=2, timeout_s=60)) == 1


def test_an_adapter_of_another_base_is_refused(tiny_directory: Path, tmp_path: Path) -> None:
    other = save_adapter(tmp_path / "other", base="somebody/Bigger", scale=0.5)
    with pytest.raises(ModelError, match="was trained on 'somebody/Bigger', not on 'tiny'"):
        TransformersLM.from_pretrained(tiny_directory, adapter=other)


def test_an_adapter_that_changes_nothing_is_refused(tiny_directory: Path, tmp_path: Path) -> None:
    idle = save_adapter(tmp_path / "idle", base="tiny", scale=0.0)
    with pytest.raises(ModelError, match="changes nothing"):
        TransformersLM.from_pretrained(tiny_directory, adapter=idle)


def test_an_adapter_with_missing_weights_is_refused(tiny_directory: Path, adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["target_modules"] = ["q_proj", "v_proj", "o_proj"]
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="does not fit tiny: Found missing adapter keys"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)


def test_an_adapter_of_another_size_is_refused(tiny_directory: Path, adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["r"] = 4
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="does not fit tiny"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)


def test_a_directory_without_safetensors_is_refused(tiny_directory: Path, adapter: Path) -> None:
    shutil.move(adapter / "adapter_model.safetensors", adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
