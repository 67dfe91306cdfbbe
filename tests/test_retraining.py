"""Learning again is promoted only where it predicts better what came in since."""

from dataclasses import replace

import numpy as np
import pytest

from llmrec.build import Overrides, fit_tables
from llmrec.data.interactions import Interactions
from llmrec.errors import ConfigError
from llmrec.index import Fitted
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


def test_what_is_asked_are_new_items_of_known_users(fitted: Fitted) -> None:
    met = fitted.interactions
    known_item = met.item_ids[met.items[0]]
    unmet = next(i for i in met.item_ids if i not in met.history(met.user_ids[0]).item_ids)
    fresh = Fresh.of(fitted, news_of(fitted, ("u0", known_item), ("u0", unmet), ("u0", unmet), ("stranger", unmet)))
    assert len(fresh.histories) == 1
    assert fresh.answers.items.tolist() == [fitted.catalogue.position(ItemId(unmet))]
    assert fresh.histories.items.tolist() == met.histories(np.array([0])).items.tolist()


def test_what_predicts_better_is_promoted(fitted: Fitted) -> None:
    good = fitted.retrievers["hybrid"]
    assert isinstance(good, HybridRetriever)
    # What serves thinks the opposite of what was learned.
    turned = HybridRetriever(
        fitted.catalogue.ids, good._signals, {name: -weight for name, weight in good.weights.items()}
    )
    served = replace(fitted, retrievers={**fitted.retrievers, "hybrid": turned})
    after = retrained(served, liking(fitted, 30), settings=served.settings, overrides=OVERRIDES)
    assert after.notes[-1].endswith("promoted.")
    assert "not promoted" not in after.notes[-1]
    assert "on what 30 users did since" in after.notes[-1]
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
