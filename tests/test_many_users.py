"""Many users at once get what each gets alone, whatever finds and ranks their items."""

import numpy as np
import pytest

from llmrec.build import Overrides
from llmrec.errors import ConfigError, UnknownUserError
from llmrec.language_model.scripted import ScriptedModel
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.settings import Settings

ALONE = "retrieval.hybrid=0"


def crowd(n_users: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """More users than are scored at once, each with a history of their own."""
    rng = np.random.default_rng(5)
    items = [{"item_id": f"{n:02}", "title": f"Thing {n:02}", "year": 1990 + n} for n in range(30)]
    events = [
        {"user_id": f"u{user}", "item_id": f"{item:02}", "timestamp": moment}
        for user in range(n_users)
        for moment, item in enumerate(rng.permutation(30)[: 3 + user % 5].tolist())
    ]
    return items, events


@pytest.mark.parametrize(
    "changes", [(), (ALONE, "retrieval.ease=1", "retrieval.transitions=0.5")], ids=["hybrid", "closed forms"]
)
@pytest.mark.parametrize("with_model", [False, True])
def test_each_of_many_gets_what_recommend_gives_alone(changes: tuple[str, ...], with_model: bool) -> None:
    model = ScriptedModel(score=lambda _, labels: [float(number % 3) for number in range(len(labels))])
    settings = Settings().changed(changes if with_model else [*changes, "language_model.model=none"])
    overrides = Overrides(encoder=HashingEmbedder(), language_model=model if with_model else None)
    one = Recommender(settings, overrides=overrides).fit(*crowd(70))
    found = list(one.recommend_many(one.user_ids, k=4, where={"year": {"$gte": 1995}}))
    assert [each.user_id for each in found] == [f"u{user}" for user in range(70)]
    for each in found:
        alone = one.recommend(user_id=each.user_id, k=4, where={"year": {"$gte": 1995}})
        assert [item.item_id for item in each.items] == [item.item_id for item in alone]
        assert [item.score for item in each.items] == pytest.approx([item.score for item in alone], abs=1e-4)
        assert {each.ranked_by} == {item.ranked_by for item in alone}


def test_mistakes_are_told_before_anything_is_computed() -> None:
    settings = Settings().changed(["language_model.model=none"])
    one = Recommender(settings, overrides=Overrides(encoder=HashingEmbedder())).fit(*crowd(5))
    with pytest.raises(UnknownUserError, match=r"no interactions of 4 of 5 users: 'a', 'b', 'c', …\."):
        one.recommend_many(["u1", "a", "b", "c", "d"])
    with pytest.raises(ConfigError, match="k is 0"):
        one.recommend_many(["u1"], k=0)
    assert list(one.recommend_many([])) == []
