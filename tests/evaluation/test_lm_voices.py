"""Whose answers are found again: those of the same weights, adapter, prompt, settings and texts, and of no other."""

import json
from pathlib import Path

import pytest

from llmrec.assets import AssetStore
from llmrec.build import Overrides
from llmrec.data.catalogue import Catalogue
from llmrec.errors import ModelError
from llmrec.evaluation.fitting import LM_STAGES
from llmrec.evaluation.lm_voices import ANSWERS_DIRECTORY, language_model_voices
from llmrec.language_model.scripted import ScriptedModel
from llmrec.prompting.templates import PromptLibrary
from llmrec.settings import Settings
from llmrec.types import Item, ItemId
from tests.contracts.ranker import QUERY, candidates_of


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("model", "adapter"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").write_bytes(name.encode())
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    return tmp_path


def opened(place: Path, catalogue: Catalogue, stage: str = "lm", *changes: str) -> str:
    """The file whose answers the stage finds."""
    settings = Settings().changed(
        [f"language_model.model={place / 'model'}", f"language_model.adapter={place / 'adapter'}", *changes]
    )
    directory = place / "answers"
    before = set(directory.glob("*"))
    overrides = Overrides(store=AssetStore(place / "cache"))
    log = language_model_voices(catalogue, settings, PromptLibrary.load(), overrides, directory=directory)[stage].log
    assert log is not None
    log()
    [made] = set(directory.glob("*")) - before or {Path("known")}
    return made.name


def test_whatever_could_be_answered_otherwise_has_a_file_of_its_own(place: Path, films: Catalogue) -> None:
    assert opened(place, films) != "known"
    assert opened(place, films) == "known"
    for stage in LM_STAGES[1:]:
        assert opened(place, films, stage) != "known"
    assert opened(place, films, "lm", "ranking.mode=isolated") != "known"
    assert opened(place, films, "lm", "language_model.dtype=bfloat16") != "known"
    assert opened(place, Catalogue([*films.values(), Item(ItemId("new"), "New")])) != "known"
    assert opened(place, films, "lm", "ranking.lm_weight=3", "ranking.max_lift=1", "ranking.timeout_s=9") == "known"
    (place / "model" / "weights.safetensors").write_bytes(b"trained further")
    assert opened(place, films) != "known"


@pytest.mark.parametrize("file", ["weights.safetensors", "adapter_config.json"])
def test_another_adapter_is_asked_again_and_the_base_is_not(place: Path, films: Catalogue, file: str) -> None:
    opened(place, films), opened(place, films, "lm_base")
    (place / "adapter" / file).write_bytes(b'{"changed": 1}')
    assert opened(place, films) != "known"
    assert opened(place, films, "lm_base") == "known"


def test_the_file_says_whose_answers_it_holds(place: Path, films: Catalogue) -> None:
    about = json.loads((place / "answers" / opened(place, films)).read_text().splitlines()[0])["about"]
    assert about["model"] == str(place / "model")
    assert about["prompts"].keys() == {"rank", "rank_isolated"}
    assert about["ranking"]["slate_size"] == 20


def test_an_adapter_that_is_not_there_is_said(place: Path, films: Catalogue) -> None:
    with pytest.raises(ModelError, match="the adapter nowhere cannot be read"):
        opened(place, films, "lm", "language_model.adapter=nowhere")


def test_answers_are_kept_in_the_cache_unless_another_place_is_named(place: Path, films: Catalogue) -> None:
    settings = Settings().changed([f"language_model.model={place / 'model'}"])
    overrides = Overrides(store=AssetStore(place / "cache"))
    log = language_model_voices(films, settings, PromptLibrary.load(), overrides)["lm"].log
    assert log is not None
    log()
    assert len(list((place / "cache" / ANSWERS_DIRECTORY).glob("*.jsonl"))) == 1


def test_what_a_model_behind_a_url_answered_is_not_kept_for_its_weights_are_unknown(films: Catalogue) -> None:
    settings = Settings().changed(["language_model.model=openai:http://127.0.0.1:9/v1#m"])
    assert language_model_voices(films, settings, PromptLibrary.load(), Overrides())["lm"].log is None


def test_a_model_in_memory_answers_each_stage_from_its_own_texts_and_keeps_no_file(films: Catalogue) -> None:
    shown: list[str] = []

    def judge(prompt: object, text: str) -> float:
        shown.append(text)
        return 0.0

    settings = Settings().changed(["ranking.mode=isolated"])
    overrides = Overrides(language_model=ScriptedModel(judge=judge))
    voices = language_model_voices(films, settings, PromptLibrary.load(), overrides)
    assert tuple(voices) == LM_STAGES
    seen: dict[str, tuple[str, ...]] = {}
    for name, voice in voices.items():
        assert voice.log is None
        shown.clear()
        voice.ranker().rank(QUERY, candidates_of(films, 3))
        seen[name] = tuple(shown)
    assert seen["lm"] == seen["lm_base"]
    assert len(set(seen.values())) == 3
    assert seen["lm_ids"][0].startswith(films.ids[0])


def test_without_a_model_there_is_no_voice(films: Catalogue) -> None:
    settings = Settings().changed(["language_model.model=none"])
    assert language_model_voices(films, settings, PromptLibrary.load(), Overrides()) == {}


def test_about_validation_rows_the_adapter_that_has_not_learned_them_is_asked(place: Path, films: Catalogue) -> None:
    measured = place / "adapter" / "measured"
    measured.mkdir()
    (measured / "weights.safetensors").write_bytes(b"before")
    (measured / "adapter_config.json").write_text("{}")
    settings = Settings().changed(
        [f"language_model.model={place / 'model'}", f"language_model.adapter={place / 'adapter'}"]
    )
    overrides = Overrides(store=AssetStore(place / "cache"))
    voices = language_model_voices(films, settings, PromptLibrary.load(), overrides, directory=place / "answers")
    voice = voices["lm"]
    assert voice.measured is not None
    assert voices["lm_base"].measured is None  # it has learned nothing
    assert voice.log is not None
    assert voice.measured.log is not None
    voice.log(), voice.measured.log()
    assert len(list((place / "answers").glob("*"))) == 2
