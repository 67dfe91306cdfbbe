"""Learning again is promoted only where it predicts better what came in since."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.build import Overrides, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.index import Fitted, load, save
from llmrec.language_model.scripted import ScriptedModel
from llmrec.retraining import Fresh, retrained
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.hybrid import HybridRetriever
from llmrec.settings import Settings
from llmrec.types import Interaction, ItemId, UserId
from llmrec.updating import ReadNews
from tests.retrieval.signalled import world

OVERRIDES = Overrides(encoder=HashingEmbedder(8))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    made = world()
    return fit_tables(made.catalogue, made.interactions, settings=Settings(), name="world", overrides=OVERRIDES)


def news_of(fitted: Fitted, *rows: tuple[str, str]) -> ReadNews:
    met = [Interaction(UserId(user), ItemId(item), 1.0, 2e9) for user, item in rows]
    added = Interactions.from_rows(met, fitted.catalogue)
    return ReadNews(fitted.catalogue, added, fitted.interactions.joined(added, fitted.catalogue), ())


def liking(fitted: Fitted, n_users: int) -> ReadNews:
    """Users meet the most popular item they had not met that is alike what they met."""
    hybrid = fitted.retrievers["hybrid"]
    met = fitted.interactions
    scores = hybrid.score_histories(met.histories())
    scores[met.users, met.items] = -np.inf
    best = scores.argmax(axis=1)[:n_users].tolist()
    return news_of(fitted, *((met.user_ids[user], met.item_ids[item]) for user, item in enumerate(best)))


def turned(fitted: Fitted) -> Fitted:
    """What serves thinks the opposite of what was learned."""
    good = fitted.retrievers["hybrid"]
    assert isinstance(good, HybridRetriever)
    weights = {name: -weight for name, weight in good.weights.items()}
    worse = HybridRetriever(fitted.catalogue.ids, good._signals, weights)
    return replace(fitted, retrievers={**fitted.retrievers, "hybrid": worse})


def heard(fitted: Fitted) -> tuple[Fitted, Overrides]:
    """With a language model whose adapter has a say; it thinks all items equal."""
    settings = fitted.settings.changed(["language_model.adapter=voices/alto"])
    return replace(fitted, settings=settings), replace(OVERRIDES, language_model=ScriptedModel())


def test_what_is_asked_are_new_items_of_known_users(fitted: Fitted) -> None:
    met = fitted.interactions
    known_item = met.item_ids[met.items[0]]
    unmet = next(i for i in met.item_ids if i not in met.history(met.user_ids[0]).item_ids)
    fresh = Fresh.of(fitted, news_of(fitted, ("u0", known_item), ("u0", unmet), ("u0", unmet), ("stranger", unmet)))
    assert len(fresh.histories) == 1
    assert fresh.answers.items.tolist() == [fitted.catalogue.position(ItemId(unmet))]
    assert fresh.histories.items.tolist() == met.histories(np.array([0])).items.tolist()


def test_what_predicts_better_is_promoted(fitted: Fitted) -> None:
    served = turned(fitted)
    after = retrained(served, liking(fitted, 30), settings=served.settings, overrides=OVERRIDES)
    assert after.notes[-1].endswith("promoted.")
    assert "not promoted" not in after.notes[-1]
    assert "Compared: hybrid as served, and hybrid learned again. On what 30 users did since" in after.notes[-1]
    assert after.fusion is None
    assert len(after.interactions) == len(fitted.interactions) + 30


def test_what_does_not_gain_is_not_promoted_and_the_news_count_all_the_same(fitted: Fitted) -> None:
    settings = fitted.settings.changed(["models.hybrid_parts=ease"])
    after = retrained(fitted, liking(fitted, 5), settings=settings, overrides=OVERRIDES)
    assert after.notes[-1].endswith("not promoted, updated instead.")
    assert after.settings == fitted.settings
    assert len(after.interactions) == len(fitted.interactions) + 5


def test_strangers_alone_decide_nothing(fitted: Fitted) -> None:
    with pytest.raises(ConfigError, match="no user who was known before did anything new"):
        retrained(fitted, news_of(fitted, ("stranger", "i0")), settings=fitted.settings, overrides=OVERRIDES)


def test_the_language_model_takes_part_where_it_has_an_adapter(fitted: Fitted, tmp_path: Path) -> None:
    served, overrides = heard(turned(fitted))
    after = retrained(served, liking(fitted, 60), settings=served.settings, overrides=overrides)
    assert (
        "Compared: hybrid with the language model and its adapter alto as served, and hybrid with the language model "
        "and its adapter alto (what each voice is worth too) learned again. On what 60 users did since"
    ) in after.notes[-1]
    assert after.notes[-1].endswith(" promoted.")
    # It said nothing that tells items apart, so it is not heard.
    assert after.fusion is not None
    assert not after.fusion.hears_model
    save(after, tmp_path)
    kept = load(tmp_path)
    assert kept.fusion == after.fusion == kept.fusion_for(kept.settings.language_model.adapter)
    assert kept.fusion_for("voices/bass") is None


def test_weights_of_voices_stay_where_few_users_say_what_they_are_worth(fitted: Fitted) -> None:
    served, overrides = heard(turned(fitted))
    after = retrained(served, liking(fitted, 30), settings=served.settings, overrides=overrides)
    assert "and hybrid with the language model and its adapter alto learned again." in after.notes[-1]
    assert after.notes[-1].endswith(" promoted.")
    assert after.fusion is None


def test_users_are_drawn_with_their_answers(fitted: Fitted) -> None:
    fresh = Fresh.of(fitted, liking(fitted, 30))
    few = fresh.drawn(7)
    assert len(few.histories) == 7
    assert few.answers.users.tolist() == [0, 1, 2, 3, 4, 5, 6]
    of_all = {
        tuple(fresh.histories.of(slice(n, n + 1)).items.tolist()): item for n, item in enumerate(fresh.answers.items)
    }
    for n, item in enumerate(few.answers.items):
        assert of_all[tuple(few.histories.of(slice(n, n + 1)).items.tolist())] == item
    assert fresh.drawn(500).answers.items.tolist() == fresh.answers.items.tolist()
