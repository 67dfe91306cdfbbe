"""Adapters that come with the package, and settings that let one rank."""

import json
from pathlib import Path

import pytest

from llmrec.errors import ConfigError
from llmrec.packaged_adapters import adapter_named, copy_to, place_of, ranking_with, writer_named, writing_template
from llmrec.prompting.templates import PromptLibrary
from llmrec.settings import RankingSettings, Settings
from tests.language_model.test_adapters import save_adapter

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    directory = save_adapter(tmp_path / "mine", base="tiny", scale=0.5)
    about = {
        "mode": "likelihood",
        "template": "rank_likelihood",
        "template_hash": PromptLibrary.load()["rank_likelihood"].hash,
        "text": "title",
        "max_history": 40,
        "slate_size": 12,
        "max_prompt_tokens": 900,
        "fusion": {"with_lm": {"lm": 0.3}},
        "gains": True,
    }
    (directory / "ranker.json").write_text(json.dumps(about), encoding="utf-8")
    return directory


def test_settings_take_over_how_the_adapter_was_validated(adapter: Path) -> None:
    found = ranking_with(Settings(), adapter, PromptLibrary.load())
    assert found.language_model.adapter == str(adapter)
    assert found.ranking == RankingSettings(
        mode="likelihood", text="title", max_history=40, slate_size=12, max_prompt_tokens=900, lm_weight=0.3
    )


def test_where_no_gain_was_shown_the_voice_stays_small(adapter: Path) -> None:
    about = json.loads((adapter / "ranker.json").read_text(encoding="utf-8"))
    (adapter / "ranker.json").write_text(json.dumps({**about, "gains": False}), encoding="utf-8")
    assert ranking_with(Settings(), adapter, PromptLibrary.load()).ranking.lm_weight == 0.1


def test_a_template_other_than_the_one_trained_with_is_refused(adapter: Path) -> None:
    about = json.loads((adapter / "ranker.json").read_text(encoding="utf-8"))
    (adapter / "ranker.json").write_text(json.dumps({**about, "template_hash": "0ther"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"was trained with another rank_likelihood\.jinja \(0ther, here it is"):
        ranking_with(Settings(), adapter, PromptLibrary.load())


def test_a_writer_is_asked_with_the_prompt_it_was_trained_with(tmp_path: Path) -> None:
    prompts = PromptLibrary.load()
    about = {"template": "explain_written", "template_hash": prompts["explain_written"].hash}
    (tmp_path / "explain.json").write_text(json.dumps(about), encoding="utf-8")
    assert writing_template(tmp_path, prompts) is prompts["explain_written"]
    (tmp_path / "explain.json").write_text(json.dumps({**about, "template_hash": "0ther"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"was trained with another explain_written\.jinja \(0ther, here it is"):
        writing_template(tmp_path, prompts)


def test_the_writer_of_the_package_was_trained_with_the_packages_prompt() -> None:
    prompts = PromptLibrary.load()
    assert writing_template(writer_named("packaged"), prompts) is prompts["explain_written"]
    assert writer_named("runs/mine") == Path("runs/mine")


@pytest.mark.parametrize("damage", ["", "[]", "{}"])
def test_an_adapter_that_does_not_say_how_it_writes_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "explain.json").write_text(damage, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"does not say how it writes: its explain\.json cannot be read"):
        writing_template(tmp_path, PromptLibrary.load())


def test_an_adapter_that_does_not_say_how_it_ranks_is_refused(adapter: Path) -> None:
    (adapter / "ranker.json").unlink()
    with pytest.raises(ConfigError, match=r"does not say how it ranks: its ranker\.json has no 'template'"):
        ranking_with(Settings(), adapter, PromptLibrary.load())


def test_a_copy_stands_among_the_recommenders_own(adapter: Path, tmp_path: Path) -> None:
    place = place_of(adapter, tmp_path / "shop")
    assert place == tmp_path / "shop" / "adapters" / "mine"
    found = ranking_with(Settings(), adapter, PromptLibrary.load(), place=place)
    assert found.language_model.adapter == str(place)
    copy_to(place, adapter)
    assert (place / "adapter_model.safetensors").read_bytes() == (adapter / "adapter_model.safetensors").read_bytes()
    copy_to(place, place)


def test_a_name_is_a_path_or_the_one_that_comes_with_the_data_set() -> None:
    assert adapter_named("runs/lm", None) == Path("runs/lm")
    assert (adapter_named("packaged", "movielens-100k") / "adapter_model.safetensors").is_file()
    for dataset in ("amazon-games", None):
        with pytest.raises(ConfigError, match=r"no adapter for (amazon-games|files of your own) comes with"):
            adapter_named("packaged", dataset)


def test_the_packaged_adapter_fits_the_packaged_prompts_and_is_small() -> None:
    adapter = adapter_named("packaged", "movielens-100k")
    assert ranking_with(Settings(), adapter, PromptLibrary.load()).ranking.mode == "likelihood"
    assert sum(path.stat().st_size for path in adapter.iterdir()) <= 8_000_000
