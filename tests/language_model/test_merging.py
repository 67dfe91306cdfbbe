import time
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

from llmrec.errors import ArtifactError, ConfigError, ModelError
from llmrec.language_model.decision_files import isolated_files
from llmrec.language_model.loading import LoadedModel, ModelSource, load_model
from llmrec.language_model.merging import merged_model, require_absent, save_merged
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.prompting.templates import PromptLibrary
from tests.language_model.test_adapters import save_adapter
from tests.language_model.tiny import tiny_tokenizer

# peft 0.21 asks transformers by an old name when it wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return save_adapter(tmp_path / "ranker", base="tiny", scale=0.5)


def load_tiny(directory: Path) -> LoadedModel:
    return load_model(ModelSource(str(directory), torch.device("cpu"), "auto"))


def merge(adapter: Path, base: Path) -> LoadedModel:
    return merged_model(adapter, lambda: load_tiny(base), base_name=base.name)


def test_what_is_merged_is_loaded_by_plain_transformers_and_answers_alike(
    tiny_directory: Path, adapter: Path, tmp_path: Path
) -> None:
    save_merged(*merge(adapter, tiny_directory), adapter, tmp_path / "out" / "mine")
    ids = torch.arange(3, 40).unsqueeze(0)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "mine", local_files_only=True)
    serving = TransformersLM.from_pretrained(tiny_directory, device="cpu", adapter=adapter)
    with serving._my_turn(deadline=time.monotonic() + 60), torch.inference_mode():
        expected = serving._model(input_ids=ids, use_cache=False).logits
        assert torch.allclose(plain(input_ids=ids).logits, expected, atol=1e-5)
    assert not any("lora" in name for name, _ in plain.named_parameters())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "mine", local_files_only=True)
    assert tokenizer.chat_template == tiny_tokenizer().chat_template


def test_a_merged_model_needs_no_adapter_in_the_pipeline(tiny_directory: Path, adapter: Path, tmp_path: Path) -> None:
    isolated_files(tiny_tokenizer(), PromptLibrary.load()["rank_isolated"], name="tiny").write(adapter)
    save_merged(*merge(adapter, tiny_directory), adapter, tmp_path / "mine")
    request = {"state": {"history": ["Heat"]}, "questions": {"a": {"type": "noul", "instructions": "Alien"}}}
    merged = pipeline("decision", str(tmp_path / "mine"), device="cpu", dtype="float32")(request)
    with_adapter = pipeline(
        "decision", str(tiny_directory), decision_config=str(adapter), device="cpu", dtype="float32"
    )(request)
    assert merged["a"]["noul"] == pytest.approx(with_adapter["a"]["noul"], abs=1e-5)


def test_the_base_keeps_its_number_format(tiny_directory: Path, adapter: Path) -> None:
    source = ModelSource(str(tiny_directory), torch.device("cpu"), torch.bfloat16)
    model, _ = merged_model(adapter, lambda: load_model(source), base_name="tiny")
    assert {weights.dtype for weights in model.parameters()} == {torch.bfloat16}  # type: ignore[attr-defined]


def never() -> LoadedModel:
    raise AssertionError("the base is not read for an adapter that cannot be merged")


def test_an_adapter_that_knows_items_is_refused_in_one_sentence(adapter: Path) -> None:
    (adapter / "item_tokens.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"ranker knows the items of one catalogue.*Serve it with ranking\.mode=item"):
        merged_model(adapter, never, base_name="tiny")


def test_an_adapter_of_another_base_is_refused_before_the_base_is_read(adapter: Path) -> None:
    with pytest.raises(ModelError, match="was trained on 'tiny', not on 'big'"):
        merged_model(adapter, never, base_name="big")


def test_an_adapter_that_changes_nothing_is_refused(tiny_directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="idle changes nothing in tiny"):
        merge(save_adapter(tmp_path / "idle", base="tiny", scale=0.0), tiny_directory)


def test_what_is_there_already_is_refused(tmp_path: Path) -> None:
    require_absent(tmp_path / "new")
    with pytest.raises(ConfigError, match=r"exists already\. Give --out a new name"):
        require_absent(tmp_path)


def test_a_disk_that_is_full_leaves_nothing(tiny_directory: Path, adapter: Path, tmp_path: Path) -> None:
    model, tokenizer = merge(adapter, tiny_directory)
    (tmp_path / "out").mkdir()
    # The directory is made anew, so the full disk is met where the adapter's own record is copied to.
    (adapter / "ranker.json").write_text("{}")

    class Full:
        """A tokenizer that finds no room."""

        def save_pretrained(self, directory: str) -> None:
            with open("/dev/full", "w") as file:
                file.write("x")

    with pytest.raises(ArtifactError, match=r"cannot be written: the disk is full; .* Make room and run the command"):
        save_merged(model, Full(), adapter, tmp_path / "out" / "mine")  # type: ignore[arg-type]
    assert list((tmp_path / "out").iterdir()) == []
    assert tokenizer is not None
