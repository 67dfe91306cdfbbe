"""The classifier learns what it is shown, comes back as it was saved, and changes the state only when it is sure."""

from pathlib import Path

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.act_features import N_FEATURES, Situation, feature_rows
from llmrec.dialogue.act_model import HEARD, SHIPPED, ActModel, fit, trained_on
from llmrec.dialogue.hearing import Hearing
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.errors import ArtifactError
from tests.dialogue.reading_out import read_out, say, shown

KNOWN = ["it gave me nightmares", "gave my sister nightmares"] * 4
WANTED = ["a slow burn of a story", "stories of old sailors"] * 4


@pytest.fixture(scope="module")
def model() -> ActModel:
    rows = feature_rows([Situation(text, is_offered=True) for text in KNOWN + WANTED])
    labels = np.zeros((len(KNOWN + WANTED), len(HEARD)), dtype=np.bool_)
    labels[: len(KNOWN), HEARD.index("reject")] = True
    labels[len(KNOWN) :, HEARD.index("request")] = True
    weights, bias = fit(rows, labels, penalty=0.01)
    return ActModel(weights.astype(np.float32), bias.astype(np.float32), np.full(len(HEARD), 0.5, dtype=np.float32))


def test_what_was_learned_is_heard(model: ActModel) -> None:
    assert set(model.heard(Situation("that gave me nightmares", is_offered=True))) == {"reject"}
    assert set(model.heard(Situation("a story of sailors", is_offered=True))) == {"request"}


def test_a_model_comes_back_as_it_was_saved(model: ActModel, tmp_path: Path) -> None:
    model.save(tmp_path / "acts.safetensors", trained_on=["7"])
    again = ActModel.load(tmp_path / "acts.safetensors")
    situations = [Situation(text, is_offered=True) for text in KNOWN + WANTED]
    assert again.probabilities(situations) == pytest.approx(model.probabilities(situations), abs=0.01)
    assert trained_on(tmp_path / "acts.safetensors") == ("7",)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="is no model of acts"):
        ActModel.load(tmp_path / "x")


def test_features_do_not_depend_on_the_other_situations() -> None:
    one, other = Situation("seen it", "how about ttl ?", 1, is_offered=True), Situation("hello")
    assert (feature_rows([other, one])[[1]] != feature_rows([one])).nnz == 0
    assert feature_rows([one]).shape == (1, N_FEATURES)


def test_an_unread_reaction_to_the_only_card_is_heard_and_is_no_wish(films: Catalogue, model: ActModel) -> None:
    tracker = GrammarTracker(films, TitleIndex(films), hearing=Hearing(model))
    understanding = say(tracker, "gave me nightmares", profile=shown("2"))
    assert read_out(understanding) == "-2"
    assert [(act.kind, act.read_by) for act in understanding.acts] == [("reject", "statistics")]


def test_what_the_grammar_read_is_not_heard_again(films: Catalogue, model: ActModel) -> None:
    tracker = GrammarTracker(films, TitleIndex(films), hearing=Hearing(model))
    understanding = say(tracker, "seen it, gave me nightmares", profile=shown("2"))
    assert {act.read_by for act in understanding.acts} == {"grammar"}


def test_nothing_is_heard_before_anything_was_shown(films: Catalogue, model: ActModel) -> None:
    tracker = GrammarTracker(films, TitleIndex(films), hearing=Hearing(model))
    assert read_out(say(tracker, "gave me nightmares")) == '"gave me nightmares"'


def test_the_shipped_model_hears_all_acts() -> None:
    assert ActModel.load(SHIPPED).thresholds.shape == (len(HEARD),)
