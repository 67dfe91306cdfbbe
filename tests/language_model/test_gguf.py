import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from llmrec.assets import AssetStore
from llmrec.assets.files import AssetFile, sha256_of
from llmrec.assets.registry import Asset
from llmrec.assets.sources import GivenOnly
from llmrec.errors import AssetError, ModelError
from llmrec.language_model.gguf import convert_gguf, prepared_model
from tests.language_model.tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("gguf")
    gguf = write_tiny_gguf(root / "tiny.gguf")
    return gguf, convert_gguf(gguf, root / "converted" / "tiny")


@pytest.fixture
def copy(converted: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The pair again, free to be spoilt."""
    gguf, out = converted
    return Path(shutil.copy2(gguf, tmp_path)), shutil.copytree(out, tmp_path / "tiny")


def inodes(directory: Path) -> set[int]:
    return {path.stat().st_ino for path in directory.iterdir() if path.name != "asset.json"}


def test_the_result_loads_without_the_gguf_file(converted: tuple[Path, Path]) -> None:
    _, out = converted
    model = AutoModelForCausalLM.from_pretrained(out, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert model.dtype.is_floating_point
    assert model.dtype.itemsize == 4
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.model_max_length == 128


def test_the_chat_template_comes_along(converted: tuple[Path, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted[1], local_files_only=True)
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert rendered == "<|im_start|>user\nHi<|im_end|>\n"


def test_digits_stand_alone_where_the_file_says_so(converted: tuple[Path, Path], tmp_path: Path) -> None:
    split = AutoTokenizer.from_pretrained(converted[1], local_files_only=True)
    other = convert_gguf(write_tiny_gguf(tmp_path / "other.gguf", pre="default"), tmp_path / "out")
    whole = AutoTokenizer.from_pretrained(other, local_files_only=True)
    text = ":\n\n12"
    assert split.convert_ids_to_tokens(split.encode(text)) == [":", "ĊĊ", "1", "2"]
    assert whole.convert_ids_to_tokens(whole.encode(text)) == [":", "Ċ", "Ċ", "1", "2"]


def test_the_manifest_names_both_hashes(converted: tuple[Path, Path]) -> None:
    gguf, out = converted
    manifest = json.loads((out / "asset.json").read_text())
    assert sha256_of(gguf) in manifest["source"]
    assert manifest["files"]["model.safetensors"]["sha256"] == sha256_of(out / "model.safetensors")


def test_the_same_file_gives_the_same_bytes(converted: tuple[Path, Path], tmp_path: Path) -> None:
    gguf, out = converted
    again = convert_gguf(gguf, tmp_path / "tiny")
    hashes = [{p.name: sha256_of(p) for p in d.iterdir() if p.name != "asset.json"} for d in (out, again)]
    assert hashes[0] == hashes[1]


def test_a_whole_result_is_used_again(copy: tuple[Path, Path]) -> None:
    gguf, out = copy
    before = inodes(out)
    assert convert_gguf(gguf, out) == out
    assert inodes(out) == before


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "asset.json"])
def test_a_damaged_result_is_made_anew(name: str, copy: tuple[Path, Path]) -> None:
    gguf, out = copy
    whole = sha256_of(out / "model.safetensors")
    (out / name).write_bytes((out / name).read_bytes()[:100])
    convert_gguf(gguf, out)
    assert sha256_of(out / "model.safetensors") == whole
    assert AutoTokenizer.from_pretrained(out, local_files_only=True).eos_token_id == 2


def test_another_gguf_file_is_converted_anew(copy: tuple[Path, Path]) -> None:
    gguf, out = copy
    before = sha256_of(out / "model.safetensors")
    gguf.unlink()
    convert_gguf(write_tiny_gguf(gguf, seed=1), out)
    assert sha256_of(out / "model.safetensors") != before


def test_no_progress_bar_reaches_a_log_file(
    converted: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_gguf(converted[0], tmp_path / "tiny")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("body", [b"", b"no such format" * 100])
def test_what_is_no_gguf_file_is_refused_in_a_sentence(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(body)
    with pytest.raises(ModelError, match=r"x\.gguf cannot be converted"):
        convert_gguf(tmp_path / "x.gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_half_a_gguf_file_is_refused_in_a_sentence(converted: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(converted[0].read_bytes()[:20_000])
    with pytest.raises(ModelError, match=r"x\.gguf cannot be converted"):
        convert_gguf(tmp_path / "x.gguf", tmp_path / "out")


def test_a_missing_gguf_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.gguf cannot be converted .*No such file"):
        convert_gguf(tmp_path / "nowhere.gguf", tmp_path / "out")


def store_of(cache: Path, name: str, body: Path) -> AssetStore:
    given = GivenOnly((AssetFile(body.name),), "planted")
    store = AssetStore(cache, assets={name: Asset(name, "model", "CC0", "Nobody", "https://example.org", (given,))})
    store.fetch(name, local=body.parent)
    return store


def test_a_cached_gguf_model_is_prepared_in_the_cache(converted: tuple[Path, Path], tmp_path: Path) -> None:
    store = store_of(tmp_path, "tiny", converted[0])
    path = prepared_model(store, "tiny")
    assert path == tmp_path / "converted" / "tiny"
    assert (path / "model.safetensors").exists()


def test_a_model_that_can_be_loaded_as_it_is_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "config.json").write_text("{}")
    store = store_of(tmp_path, "plain", tmp_path / "given" / "config.json")
    assert prepared_model(store, "plain") == store.path("plain")


def test_a_model_that_is_not_cached_is_an_asset_error(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="smollm2-135m-instruct is not in the cache"):
        prepared_model(AssetStore(tmp_path), "smollm2-135m-instruct")


@pytest.fixture(scope="module")
def directory() -> Path:
    name = "smollm2-135m-instruct"
    try:
        return prepared_model(AssetStore.from_environment(offline=True), name)
    except AssetError as error:
        pytest.skip(f"needs the weights of {name}: {error}")


@pytest.fixture(scope="module")
def tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(directory, local_files_only=True)


@pytest.mark.slow
class TestSmolLM2:
    def test_the_weights_are_the_recorded_ones(self, directory: Path) -> None:
        recorded = "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd"
        assert sha256_of(directory / "model.safetensors") == recorded

    @pytest.mark.parametrize(
        ("text", "ids"),
        [
            ("Hello world", [19556, 905]),
            ("The Matrix (1999)", [504, 25343, 365, 33, 41, 41, 41, 25]),
            ("2001: A Space Odyssey", [34, 32, 32, 33, 42, 330, 5744, 35952]),
            ("Top:\n\n10 films", [14777, 42, 1116, 33, 32, 9411]),
            ("naïve café 日本", [3546, 46494, 37366, 17097, 241, 115, 40993]),
            ("  two spaces\n\nnew", [216, 827, 5600, 198, 198, 2241]),
        ],
    )
    def test_strings_have_their_golden_ids(self, text: str, ids: list[int], tokenizer: PreTrainedTokenizerBase) -> None:
        assert tokenizer.encode(text) == ids
        assert tokenizer.decode(ids) == text

    def test_special_tokens_have_their_ids(self, tokenizer: PreTrainedTokenizerBase) -> None:
        names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        assert tokenizer.convert_tokens_to_ids(names) == [0, 1, 2]
        assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (names[1], names[2], names[2])
        assert len(tokenizer) == 49152

    def test_a_chat_is_rendered_as_the_model_was_taught(self, tokenizer: PreTrainedTokenizerBase) -> None:
        chat = [{"role": "system", "content": "You rank films."}, {"role": "user", "content": "Hi, 1999!"}]
        rendered = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        assert rendered == (
            "<|im_start|>system\nYou rank films.<|im_end|>\n"
            "<|im_start|>user\nHi, 1999!<|im_end|>\n<|im_start|>assistant\n"
        )
        assert tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False) == [
            1, 9690, 198, 2683, 8014, 9411, 30, 2, 198, 1, 4093, 198, 26843, 28, 216, 33, 41, 41, 41, 17, 2, 198,
            1, 520, 9531, 198,
        ]  # fmt: skip

    def test_a_chat_without_a_system_message_gets_the_models_own(self, tokenizer: PreTrainedTokenizerBase) -> None:
        rendered = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
        assert rendered.startswith(
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        )
