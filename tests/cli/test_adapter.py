"""`llmrec adapter`: each command does what it says, and what cannot go well ends in one sentence."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, GgufConfig

from tests.cli_helpers import call
from tests.finetune.tiny_ranker import save_lively_model
from tests.language_model.test_adapters import save_adapter
from tests.language_model.tiny import save_tiny_model

# peft 0.21 asks transformers by an old name when it wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMREC_OFFLINE", "1")
    monkeypatch.setenv("LLMREC_CACHE", str(tmp_path / "cache"))
    return save_adapter(tmp_path / "ranker", base="tiny", scale=0.5)


def test_an_adapter_from_elsewhere_is_shown_as_far_as_it_says(adapter: Path, capsys: Capsys) -> None:
    shown = call(capsys, "adapter", "show", adapter)
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "ranker: a LoRA adapter over tiny",
        # q: 2 x 32 and 32 x 2; v: 2 x 32 and 16 x 2; in both layers.
        "shape: rank 2, alpha 8, q_proj, v_proj of 2 layers; 448 weights, F32, "
        f"{(adapter / 'adapter_model.safetensors').stat().st_size / 1e6:.1f} MB",
        "transformers' decision pipeline: does not run it",
        "It has no ranker.json: what it was trained on and what it is worth is not known here.",
    ]


def test_what_is_shown_is_there_for_programs(adapter: Path, capsys: Capsys) -> None:
    shown = call(capsys, "adapter", "show", adapter, "--json").json
    assert (shown["base"], shown["rank"], shown["modules"], shown["record"]) == ("tiny", 2, ["q_proj", "v_proj"], {})


def test_merge_writes_a_model(base: Path, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "merged"
    done = call(capsys, "adapter", "merge", adapter, "--base", base, "--out", out, "--dtype", "bfloat16")
    assert (done.code, done.err) == (0, f"Loading {base}; it is merged on the CPU.\n")
    assert done.out.startswith(f"{out} is written, ")
    assert AutoModelForCausalLM.from_pretrained(out, local_files_only=True).dtype.itemsize == 2


def test_export_writes_a_file(base: Path, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
    out = tmp_path / "ranker.gguf"
    done = call(capsys, "adapter", "export", adapter, "--base", base, "--out", out, "--format", "bf16", "--json")
    assert done.json == {"out": str(out), "bytes": out.stat().st_size}
    config = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=out.name, quantization_config=config)
    assert model.config.num_hidden_layers == 2


@pytest.mark.parametrize("command", ["merge", "export"])
class TestWhatCannotGoWell:
    def refused(self, capsys: Capsys, command: str, *arguments: object) -> str:
        done = call(capsys, "adapter", command, *arguments)
        assert (done.code, done.out) == (2, "")
        (line,) = [line for line in done.err.splitlines() if line.startswith("Error: ")]
        return line

    def test_the_place_is_taken(self, command: str, base: Path, adapter: Path, capsys: Capsys) -> None:
        said = self.refused(capsys, command, adapter, "--base", base, "--out", base)
        assert said == f"Error: {base} exists already. Give --out a new name, or remove it."

    def test_nothing_is_called_so(self, command: str, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        config = json.loads((adapter / "adapter_config.json").read_text())
        (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "nothing"}))
        said = self.refused(capsys, command, adapter, "--base", "nothing", "--out", tmp_path / "out")
        assert said.startswith("Error: no model is called 'nothing'. Name a directory, a hub id (owner/name) or one of")

    def test_the_base_is_another(self, command: str, base: Path, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        other = shutil.copytree(base, tmp_path / "other")
        said = self.refused(capsys, command, adapter, "--base", other, "--out", tmp_path / "out")
        assert "was trained on 'tiny', not on 'other'. Load it on the model it was trained on." in said

    def test_the_base_has_other_layers(self, command: str, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        other = save_lively_model(tmp_path / "another" / "tiny")
        said = self.refused(capsys, command, adapter, "--base", other, "--out", tmp_path / "out")
        assert f"the adapter {adapter} does not fit tiny: Error(s) in loading state_dict" in said

    def test_it_changes_nothing(self, command: str, base: Path, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        idle = save_adapter(adapter.with_name("idle"), base="tiny", scale=0.0)
        said = self.refused(capsys, command, idle, "--base", base, "--out", tmp_path / "out")
        assert said == f"Error: the adapter {idle} changes nothing in tiny. Train it, or leave it out."

    def test_it_knows_items(self, command: str, base: Path, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        (adapter / "item_tokens.json").write_text("{}")
        said = self.refused(capsys, command, adapter, "--base", base, "--out", tmp_path / "out")
        assert said.endswith(
            "knows the items of one catalogue, which no other runtime could read. "
            "Serve it with ranking.mode=item_tokens."
        )

    def test_the_base_is_no_llama(self, command: str, adapter: Path, tmp_path: Path, capsys: Capsys) -> None:
        if command == "merge":
            return
        other = mistral(tmp_path / "another" / "tiny")
        said = self.refused(capsys, command, adapter, "--base", other, "--out", tmp_path / "out")
        assert said.startswith("Error: GGUF export knows the architecture llama, not 'mistral'. Merge it")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["show", "merge", "export"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("no directory", "there is no adapter directory"),
        ("no weights", "has no adapter_model.safetensors"),
        ("cut weights", "the weights of the adapter"),
        ("no config", "adapter_config.json cannot be read"),
        ("odd config", "adapter_config.json is not a JSON object"),
    ],
)
def test_a_damaged_adapter_is_told_before_the_base_is_read(
    command: str, spoil: str, said: str, adapter: Path, tmp_path: Path, capsys: Capsys
) -> None:
    weights, config = adapter / "adapter_model.safetensors", adapter / "adapter_config.json"
    match spoil:
        case "no directory":
            shutil.rmtree(adapter)
        case "no weights":
            weights.unlink()
        case "cut weights":
            weights.write_bytes(weights.read_bytes()[:100])
        case "no config":
            config.unlink()
        case "odd config":
            config.write_text("[]")
    options = [] if command == "show" else ["--base", tmp_path / "tiny", "--out", tmp_path / "out"]
    done = call(capsys, "adapter", command, adapter, *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_a_record_that_training_did_not_write_is_told(adapter: Path, capsys: Capsys) -> None:
    (adapter / "ranker.json").write_text('{"mode": "listwise"}')
    done = call(capsys, "adapter", "show", adapter)
    assert (done.code, done.out) == (2, "")
    assert "ranker.json is not what training writes (KeyError: 'template'). Train it again" in done.err


def mistral(directory: Path) -> Path:
    """A model of another architecture whose layers have the same sizes."""
    from transformers import MistralConfig, MistralForCausalLM

    from tests.language_model.tiny import tiny_tokenizer

    config = MistralConfig(
        vocab_size=935, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(directory)
    tiny_tokenizer().save_pretrained(directory)
    return directory
