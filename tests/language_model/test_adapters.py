import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from llmrec.errors import ModelError
from llmrec.language_model.transformers_lm import TransformersLM
from tests.contracts.adapter_host import AdapterHostContract
from tests.contracts.label_scorer import QUESTION, BulkLabelScorerContract
from tests.language_model.tiny import tiny_model, tiny_tokenizer

# peft 0.21 asks transformers by an old name when it wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def save_adapter(
    directory: Path, *, base: str, scale: float, modules: tuple[str, ...] = ("q_proj", "v_proj"), rank: int = 2
) -> Path:
    config = LoraConfig(r=rank, target_modules=list(modules), task_type="CAUSAL_LM")
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


def test_damaged_weights_are_told_in_a_sentence(tiny_directory: Path, adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"the weights of the adapter .*ranker are damaged: .*Copy or train it again"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)


@pytest.mark.parametrize(("key", "value"), [("peft_type", "PROMPT_TUNING"), ("bias", "all")])
def test_what_could_not_be_taken_off_again_is_refused(
    key: str, value: str, tiny_directory: Path, adapter: Path
) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(ModelError, match=f"{value}.* could not be taken off the base again"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)


class TestTransformersLMAsAdapterHost(AdapterHostContract):
    @pytest.fixture
    def host(self, tiny_directory: Path, tmp_path: Path) -> TransformersLM:
        red = save_adapter(tmp_path / "red", base="tiny", scale=0.5)
        blue = save_adapter(tmp_path / "some-run", base="tiny", scale=-0.7, modules=("up_proj", "v_proj"), rank=3)
        return TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=red, more_adapters={"blue": blue})


class TestAViewAsLabelScorer(BulkLabelScorerContract):
    @pytest.fixture
    def scorer(self, tiny_directory: Path, adapter: Path) -> TransformersLM:
        return TransformersLM.from_pretrained(
            tiny_directory, device="cpu", more_adapters={"a.b": adapter}
        ).with_adapter("a.b")


def test_several_adapters_share_one_model(tiny_directory: Path, adapter: Path, tmp_path: Path) -> None:
    other = save_adapter(tmp_path / "explain", base="tiny", scale=-0.5, modules=("o_proj",))
    host = TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=adapter, more_adapters={"why": other})
    assert host.adapter == "ranker"
    assert host.with_adapter("why")._model is host._model
    alone = TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=other)
    found, expected = (
        model.score_labels(QUESTION, model.labels(5), timeout_s=60).log_probs
        for model in (host.with_adapter("why"), alone)
    )
    assert np.array_equal(found, expected)


def test_candidates_are_judged_with_the_adapter_in_use_however_often_it_is_switched(
    tiny_directory: Path, adapter: Path, tmp_path: Path
) -> None:
    other = save_adapter(tmp_path / "why", base="tiny", scale=-0.5, modules=("k_proj", "up_proj"))
    host = TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=adapter, more_adapters={"why": other})
    bases: dict[str, torch.nn.Module] = {"": tiny_model()}
    bases |= {
        name: PeftModel.from_pretrained(tiny_model(), str(at)) for name, at in (("ranker", adapter), ("why", other))
    }
    tokenizer = tiny_tokenizer()
    # Every byte is a token here: " Yes" and " No" share the space, and part at the letter.
    text = host._chat.ids(QUESTION) + tokenizer("Up Answer: ", add_special_tokens=False)["input_ids"]
    yes, no = (tokenizer.convert_tokens_to_ids(letter) for letter in "YN")
    for name in ("ranker", "why", "", "why", "ranker"):
        with torch.inference_mode():
            logits = bases[name](torch.tensor([text])).logits[0, -1]
        found = host.with_adapter(name).score_candidates(QUESTION, ["Up Answer:", "Heat Answer:"], timeout_s=60)
        assert found.scores[0] == pytest.approx(float(logits[yes] - logits[no]), abs=1e-4)


def test_without_adapter_the_host_is_the_base_to_the_bit(
    tiny_directory: Path, tiny: TransformersLM, adapter: Path
) -> None:
    host = TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=adapter)
    found, expected = (
        model.score_labels(QUESTION, model.labels(5), timeout_s=60).log_probs for model in (host.with_adapter(""), tiny)
    )
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("fault", ["idle", "other"])
def test_one_of_several_that_does_not_fit_is_named(fault: str, tiny_directory: Path, adapter: Path) -> None:
    base, scale = ("tiny", 0.0) if fault == "idle" else ("Bigger", 0.5)
    bad = save_adapter(adapter.with_name(fault), base=base, scale=scale)
    with pytest.raises(ModelError, match=rf"{fault} (changes nothing|was trained on 'Bigger', not on 'tiny')"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter, more_adapters={"second": bad})


def test_two_adapters_of_one_name_are_refused(tiny_directory: Path, adapter: Path) -> None:
    with pytest.raises(ModelError, match="two adapters are called 'ranker'"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter, more_adapters={"ranker": adapter})


def test_an_adapter_that_knows_items_shares_its_base_with_no_other(
    tiny_directory: Path, adapter: Path, tmp_path: Path
) -> None:
    items = save_adapter(tmp_path / "items", base="tiny", scale=0.5)
    (items / "item_tokens.json").write_text("{}")
    with pytest.raises(ModelError, match="items knows items and cannot share tiny with others"):
        TransformersLM.from_pretrained(tiny_directory, adapter=items, more_adapters={"ranker": adapter})
    with pytest.raises(ModelError, match="items knows one catalogue's items, not prompts"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter, more_adapters={"items": items})


def test_an_adapter_of_a_few_layers_ranks_with_these_and_leaves_writing_to_all(
    tiny_directory: Path, tiny: TransformersLM, adapter: Path
) -> None:
    (adapter / "ranker.json").write_text(json.dumps({"n_layers": 2}), encoding="utf-8")
    whole = TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
    (adapter / "ranker.json").write_text(json.dumps({"n_layers": 1}), encoding="utf-8")
    early = TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
    labels = tiny.labels(5)
    scores = [model.score_labels(QUESTION, labels, timeout_s=60).log_probs for model in (whole, early)]
    assert not np.allclose(*scores, atol=1e-3)
    again = early.with_adapter("")
    assert np.array_equal(
        again.score_labels(QUESTION, labels, timeout_s=60).log_probs,
        tiny.score_labels(QUESTION, labels, timeout_s=60).log_probs,
    )


def test_an_adapter_for_more_layers_than_the_base_has_is_refused(tiny_directory: Path, adapter: Path) -> None:
    (adapter / "ranker.json").write_text(json.dumps({"n_layers": 9}), encoding="utf-8")
    with pytest.raises(ModelError, match="9 layers were asked for; tiny has 2"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
    (adapter / "ranker.json").write_text(json.dumps({"n_layers": "few"}), encoding="utf-8")
    with pytest.raises(ModelError, match="says n_layers is 'few'; it must be a count of layers"):
        TransformersLM.from_pretrained(tiny_directory, adapter=adapter)
