"""What is known of a user counts once, wherever it is kept."""

from pathlib import Path

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.feedback import SQLiteFeedbackStore
from llmrec.service.people import People
from llmrec.types import Interaction, ItemId, UserId
from tests.test_recommender import fitted

ANN = UserId("ann")


def test_what_an_update_took_in_does_not_count_twice(
    films: Catalogue, interactions: Interactions, tmp_path: Path
) -> None:
    recommender = fitted(films, interactions)
    store = SQLiteFeedbackStore(tmp_path / "feedback.sqlite3")
    try:
        rows = [Interaction(ANN, ItemId("8"), 5.0, 9.0001), Interaction(ANN, ItemId("8"), 5.0, 11.0)]
        People(recommender, store).record_interactions(rows)
        assert [row.at for row in People(recommender, store).known(ANN, must_exist=True).since] == [9.0001, 11.0]
        recommender.update([{"user_id": "ann", "item_id": "8", "rating": 5, "timestamp": 9.0}])
        assert [row.at for row in People(recommender, store).known(ANN, must_exist=True).since] == [11.0]
    finally:
        store.close()
