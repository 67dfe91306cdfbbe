"""Settings are complete, frozen, and say what is wrong with a key or a value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from llmrec.errors import ConfigError
from llmrec.settings import Settings


def test_defaults_are_complete_and_frozen() -> None:
    settings = Settings()
    assert settings.retrieval.weights.keys() == {"dense", "bm25", "hybrid", "popularity"}
    with pytest.raises(ValidationError, match="frozen"):
        settings.ranking.slate_size = 3  # type: ignore[misc]


def test_a_retriever_without_weight_is_left_out() -> None:
    assert "hybrid" not in Settings().changed(["retrieval.hybrid=0"]).retrieval.weights
    assert "ease" in Settings().changed(["retrieval.ease=1"]).retrieval.weights


def test_assignments_change_and_keep_the_rest() -> None:
    settings = Settings().changed(["ranking.slate_size=10", "language_model.model=none"])
    assert (settings.ranking.slate_size, settings.language_model.model) == (10, "none")
    assert settings.retrieval == Settings().retrieval


@pytest.mark.parametrize("text", ["ease,slit", " ease , slit ", '["ease", "slit"]', '["ease","slit"] '])
def test_a_setting_of_several_names_takes_them_with_commas_or_as_a_list(text: str) -> None:
    assert Settings().changed([f"models.hybrid_parts={text}"]).models.hybrid_parts == ("ease", "slit")


@pytest.mark.parametrize("text", ["", "[]"])
def test_a_setting_of_several_names_may_hold_none(text: str) -> None:
    assert Settings().changed([f"models.hybrid_parts={text}"]).models.hybrid_parts == ()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "models.hybrid_parts=['ease']",
            r"""setting models\.hybrid_parts: "\['ease'\]" is not a list\. Write .*=a,b or .*=\["a", "b"\]\.""",
        ),
        ("models.hybrid_parts=eese", r"setting models\.hybrid_parts: Input should be 'ease', 'transitions', "),
        ("models.hybrid_parts=[1]", r"setting models\.hybrid_parts: Input should be 'ease', 'transitions', "),
        ("ranking.slate_sise=3", r"no setting is called 'ranking\.slate_sise'\. Did you mean 'slate_size'\?"),
        ("rankings.slate_size=3", r"no setting is called 'rankings'\. Did you mean 'ranking'\?"),
        ("ranking.slate_size=1", r"setting ranking\.slate_size: .*greater than or equal to 2"),
        ("ranking.lm_weight=nan", r"setting ranking\.lm_weight"),
        ("retrieval.n_candidates=5", r"retrieval\.n_candidates is 5; it must be at least ranking\.slate_size \(20\)"),
        ("encoder.device=gpu", r"setting encoder\.device"),
        ("slate_size=3", r"'slate_size=3' is not a setting; write room\.key=value"),
        ("ranking.slate_size", r"is not a setting; write room\.key=value"),
    ],
)
def test_what_is_wrong_is_named(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings().changed([assignment])


def test_files_are_toml_or_json(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[ranking]\nlm_weight = 0.5\n")
    (tmp_path / "s.json").write_text('{"ranking": {"lm_weight": 0.5}}')
    for name in ("s.toml", "s.json"):
        assert Settings.from_file(tmp_path / name).ranking.lm_weight == 0.5
    (tmp_path / "s.toml").write_text('[models]\nhybrid_parts = ["ease"]\n')
    assert Settings.from_file(tmp_path / "s.toml").models.hybrid_parts == ("ease",)
    (tmp_path / "s.toml").write_text('[models]\nhybrid_parts = "ease"\n')
    with pytest.raises(
        ConfigError, match=r'models\.hybrid_parts holds several values\. Write hybrid_parts = \["a", "b"\]'
    ):
        Settings.from_file(tmp_path / "s.toml")
    (tmp_path / "bad.toml").write_text("[ranking\n")
    for name in ("bad.toml", "none.toml"):
        with pytest.raises(ConfigError, match=rf"settings file .*{name} cannot be read"):
            Settings.from_file(tmp_path / name)
