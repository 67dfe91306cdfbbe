"""What every FeedbackStore must do; a test class inherits from the suite and gives it a `store` fixture."""

import json

from llmrec.interfaces import FeedbackStore
from llmrec.types import Feedback, ItemId, Signal, UserId

ANN, BOB = UserId("ann"), UserId("bob")


def feedback(user: UserId = ANN, item: str = "7", signal: Signal = "like", at: float = 1.0) -> Feedback:
    return Feedback(user, ItemId(item), signal, at)


class FeedbackStoreContract:
    """Inherit and define the fixture `store`: an empty store."""

    def test_a_new_user_has_no_feedback(self, store: FeedbackStore) -> None:
        assert list(store.for_user(ANN)) == []
        assert store.export(ANN) == ""

    def test_what_was_recorded_comes_back_as_it_was(self, store: FeedbackStore) -> None:
        given = feedback(item="007 'é\n", signal="seen", at=1_700_000_000.25)
        store.record(given)
        assert list(store.for_user(ANN)) == [given]

    def test_feedback_keeps_changes_of_mind_in_order_also_when_the_clock_went_back(self, store: FeedbackStore) -> None:
        store.record(feedback(signal="dislike", at=3.0))
        store.record(feedback(signal="like", at=2.0))
        store.record(feedback(signal="seen", at=3.0))
        assert [(f.signal, f.at) for f in store.for_user(ANN)] == [("dislike", 3.0), ("like", 2.0), ("seen", 3.0)]

    def test_users_do_not_see_each_other(self, store: FeedbackStore) -> None:
        store.record(feedback(ANN, "1"))
        store.record(feedback(BOB, "2"))
        assert [f.item_id for f in store.for_user(BOB)] == ["2"]

    def test_export_is_one_json_object_a_line(self, store: FeedbackStore) -> None:
        store.record(feedback(item="é\n", at=1.5))
        store.record(feedback(item="2", at=2.5))
        rows = [json.loads(line) for line in store.export(ANN).splitlines()]
        assert {"kind": "feedback", "user_id": "ann", "item_id": "é\n", "signal": "like", "at": 1.5}.items() <= rows[
            0
        ].items()
        assert len(rows) == 2

    def test_delete_removes_all_of_one_user_and_says_how_many(self, store: FeedbackStore) -> None:
        for item in ("1", "2", "3"):
            store.record(feedback(ANN, item))
        store.record(feedback(BOB, "1"))
        assert store.delete(ANN) == 3
        assert store.delete(ANN) == 0
        assert list(store.for_user(ANN)) == []
        assert len(store.for_user(BOB)) == 1
