"""What is new is taken in: as a fit on everything where that is cheap, and said where it is not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmrec.build import Overrides, fit_tables
from llmrec.bundle import open_bundle
from llmrec.errors import ArtifactError, UnknownItemError
from llmrec.index import Fitted, load, save
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.retrieval.hybrid import LEARNED, HybridRetriever
from llmrec.settings import Settings
from llmrec.types import ItemId, Query, UserId, Vectors
from llmrec.updating import News, read_news, require_sound, updated
from tests.retrieval.signalled import world

DIM = 8


class Counting(HashingEmbedder):
    """An encoder that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(DIM)
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str], *, kind: str) -> Vectors:
        self.texts += texts
        return super().embed(texts, kind=kind)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    made = world(n_cold=2)
    overrides = Overrides(encoder=HashingEmbedder(DIM))
    return fit_tables(made.catalogue, made.interactions, settings=Settings(), name="world", overrides=overrides)


def taken_in(fitted: Fitted, encoder: Counting | None = None, **news: object) -> Fitted:
    overrides = Overrides(encoder=encoder or Counting())
    return updated(fitted, read_news(fitted, News(**news)), overrides=overrides)  # type: ignore[arg-type]


def met(user: str, *items: str, at: float = 2e9) -> list[dict[str, object]]:
    return [{"user_id": user, "item_id": item, "timestamp": at + n} for n, item in enumerate(items)]


def hybrid(fitted: Fitted) -> HybridRetriever:
    retriever = fitted.retrievers["hybrid"]
    assert isinstance(retriever, HybridRetriever)
    return retriever


def scores(fitted: Fitted, user: str, *item_ids: str) -> list[float]:
    """Of items for a user."""
    found = hybrid(fitted).scores(Query(history=fitted.interactions.history(UserId(user))))
    return found[[fitted.catalogue.position(ItemId(item_id)) for item_id in item_ids]].tolist()


def test_new_interactions_change_what_is_learned_and_no_text_is_encoded(fitted: Fitted) -> None:
    encoder = Counting()
    after = taken_in(fitted, encoder, interactions=met("new", "i0", "i1", "i4"))
    assert len(after.interactions) == len(fitted.interactions) + 3
    assert encoder.texts == []
    assert hybrid(after).weights == hybrid(fitted).weights
    assert hybrid(after).came_since[LEARNED] == 3
    assert (
        after.retrievers["popularity"].score_histories(after.interactions.histories())[0, 0]
        == 1 + (fitted.retrievers["popularity"].score_histories(fitted.interactions.histories())[0, 0])
    )


def test_only_new_and_edited_items_are_encoded(fitted: Fitted) -> None:
    encoder = Counting()
    rows = [
        {"item_id": "i3", "title": "another name", "year": 1990, "genres": "g3"},
        {"item_id": "i40", "title": "quite new", "year": 1990, "genres": "g0"},
    ]
    after = taken_in(fitted, encoder, items=rows, interactions=met("u0", "i40"))
    assert [text.partition(".")[0] for text in encoder.texts] == ["another name", "quite new"]
    assert after.catalogue.ids == (*fitted.catalogue.ids, "i40")
    np.testing.assert_array_equal(after.vectors.matrix[:3], fitted.vectors.matrix[:3])
    assert not np.array_equal(after.vectors.matrix[3], fitted.vectors.matrix[3])
    assert after.titles.resolve("quite new").item_ids == (ItemId("i40"),)
    require_sound(after)


def test_an_item_that_is_sold_out_needs_no_encoder(fitted: Fitted) -> None:
    item = fitted.catalogue[ItemId("i3")]
    row = {"item_id": "i3", "title": item.title, **item.facts, "genres": "g3", "available": "no"}
    encoder = Counting()
    after = taken_in(fitted, encoder, items=[row])
    assert encoder.texts == []
    assert not after.catalogue[ItemId("i3")].available


def test_a_new_item_suits_those_who_met_alike_ones(fitted: Fitted) -> None:
    rows = [{"item_id": "i40", "title": "item 0", "year": 1990, "genres": "g0"}]
    after = taken_in(fitted, items=rows)
    # u0 met mostly items of the first of four groups, u1 of the second.
    of_friend, of_stranger = (scores(after, user, "i40", "i38", "i39") for user in ("u0", "u1"))
    assert of_friend[0] > of_stranger[0]


def test_what_is_known_already_counts_once_and_that_is_said(fitted: Fitted) -> None:
    once = taken_in(fitted, interactions=met("u0", "i38") + met("u0", "i38"))
    assert len(once.interactions) == len(fitted.interactions) + 1
    assert once.notes == ("1 of 2 new interactions were known already or stood there twice; they count once.",)
    twice = taken_in(once, interactions=met("u0", "i38"))
    assert twice.interactions.content_hash == once.interactions.content_hash


def test_a_row_without_a_time_is_known_by_user_item_and_strength(fitted: Fitted) -> None:
    rows = [{"user_id": "u0", "item_id": "i38"}] * 2
    assert len(taken_in(fitted, interactions=rows).interactions) == len(fitted.interactions) + 1


def test_interactions_of_unknown_items_are_reported_and_the_others_count(fitted: Fitted) -> None:
    after = taken_in(fitted, interactions=met("u0", "nowhere", "i38"))
    assert len(after.interactions) == len(fitted.interactions) + 1
    [problem] = after.reports[0].problems
    assert problem.reason == "item_id 'nowhere' is not in the catalogue"


def test_an_unknown_item_cannot_be_removed(fitted: Fitted) -> None:
    with pytest.raises(UnknownItemError, match="no item has the id 'nowhere'"):
        read_news(fitted, News(remove=["nowhere"]))


def test_a_removed_item_means_learning_again(fitted: Fitted) -> None:
    after = taken_in(fitted, remove=["i3"])
    assert "i3" not in after.catalogue
    assert after.notes == ("All weights were learned again.",)
    require_sound(after)


def test_all_is_learned_again_when_a_fifth_came_since(fitted: Fitted) -> None:
    n_many = len(fitted.interactions) // 4 + 1
    many = [row for n in range(n_many // 2 + 1) for row in met(f"new {n}", "i0", f"i{n % 36 + 1}")]
    after = taken_in(fitted, interactions=many)
    assert after.notes == ("All weights were learned again.",)
    assert hybrid(after).came_since == {}


def test_the_first_interactions_make_a_hybrid() -> None:
    made = world()
    overrides = Overrides(encoder=HashingEmbedder(DIM))
    nobody = made.interactions.where(np.zeros(len(made.interactions), dtype=np.bool_))
    empty = fit_tables(
        made.catalogue, replace(nobody, user_ids=()), settings=Settings(), name="new", overrides=overrides
    )
    assert "hybrid" not in empty.retrievers
    assert "hybrid" in taken_in(empty, interactions=met("u0", "i1", "i2")).retrievers


def test_a_broken_version_is_refused_and_the_old_one_keeps_serving(fitted: Fitted, tmp_path: Path) -> None:
    save(fitted, tmp_path / "r")
    before = open_bundle(tmp_path / "r").files
    good = hybrid(fitted)
    broken = HybridRetriever(fitted.catalogue.ids, good._signals, dict.fromkeys(good.weights, float("nan")))
    with pytest.raises(ArtifactError, match="new version is broken: hybrid gives scores that are no numbers"):
        save(replace(fitted, retrievers={"hybrid": broken}), tmp_path / "r", check=require_sound)
    silent = replace(fitted, retrievers={})
    with pytest.raises(ArtifactError, match="is broken: it has nothing to recommend to the user 'u0'"):
        save(silent, tmp_path / "r", check=require_sound)
    assert open_bundle(tmp_path / "r").files == before
    assert load(tmp_path / "r").retrievers.keys() == fitted.retrievers.keys()


def test_what_was_updated_and_stored_is_updated_again_alike(fitted: Fitted, tmp_path: Path) -> None:
    save(fitted, tmp_path / "r")
    first, second = met("new", "i0", "i1", "i4"), met("u3", "i38", at=3e9)
    stored = taken_in(load(tmp_path / "r"), interactions=first)
    save(stored, tmp_path / "r", check=require_sound)
    assert hybrid(load(tmp_path / "r")).came_since == hybrid(stored).came_since
    both, direct = (taken_in(each, interactions=second) for each in (load(tmp_path / "r"), stored))
    everybody = direct.interactions.histories()
    np.testing.assert_allclose(
        hybrid(both).score_histories(everybody), hybrid(direct).score_histories(everybody), atol=1e-4
    )
