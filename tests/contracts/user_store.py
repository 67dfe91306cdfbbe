"""What the store of everything about users must do on every database; inherit and give it an `open_another` fixture."""

import json
import math
import threading
from collections.abc import Callable

import pytest

from llmrec.errors import FeedbackError
from llmrec.feedback import RowCounts, SQLFeedbackStore
from llmrec.feedback.rows import UserRows
from llmrec.types import Feedback, Impression, Interaction, ItemId, SignalCount, UserId
from tests.contracts.feedback_store import ANN, BOB, FeedbackStoreContract, feedback

OpenAnother = Callable[..., SQLFeedbackStore]
DAY_S = 86_400.0


def impression(number: int = 1, user: UserId = ANN, item: str = "7", at: float = 1.0) -> Impression:
    return Impression(f"i{number}", user, f"q{number}", ItemId(item), number, 0.5, "fused", "test/a", "p0", "a0", at)


def interaction(user: UserId = ANN, item: str = "7", value: float = 4.0, at: float | None = 1.0) -> Interaction:
    return Interaction(user, ItemId(item), value, at)


class UserStoreContract(FeedbackStoreContract):
    """`open_another(now=...)` opens the same database once more; the fixture closes what it opened."""

    @pytest.fixture
    def store(self, open_another: OpenAnother) -> SQLFeedbackStore:
        return open_another()

    def test_impressions_come_back_as_they_were(self, store: SQLFeedbackStore) -> None:
        shown = [impression(1, at=2.0), impression(2, BOB, at=1.0)]
        store.record_impressions(shown)
        assert list(store.impressions()) == shown
        assert list(store.impressions(since=1.5)) == shown[:1]
        assert store.impressions_of(BOB) == (shown[1],)

    def test_interactions_come_by_their_time(self, store: SQLFeedbackStore) -> None:
        store.record_interactions([interaction(item="1", at=3.0), interaction(item="2", at=1.0), interaction(BOB)])
        assert [row.item_id for row in store.interactions_of(ANN)] == ["2", "1"]
        assert [row.item_id for row in store.interactions()] == ["1", "2", "7"]

    def test_an_interaction_without_a_time_happened_now(self, open_another: OpenAnother) -> None:
        store = open_another(now=lambda: 50.0)
        store.record_interactions([interaction(at=None)])
        assert store.interactions_of(ANN) == (interaction(at=50.0),)

    def test_what_was_done_after_the_clock_went_back_is_still_later(self, open_another: OpenAnother) -> None:
        open_another(now=lambda: 100.0).record_interactions([interaction(item="1", at=None)])
        store = open_another(now=lambda: 40.0)
        store.record_interactions([interaction(item="2", at=None)])
        assert [row.item_id for row in store.interactions_of(ANN)] == ["1", "2"]

    def test_a_replayed_event_is_stored_once(self, store: SQLFeedbackStore, open_another: OpenAnother) -> None:
        said = Feedback(ANN, ItemId("7"), "click", 1.0, event_id="e1")
        for one in (store, open_another(), store):
            one.record(said)
            one.record_interactions([interaction(item="1"), interaction(item="2")], event_ids=["e1", "e2"])
            one.record_impressions([impression(1), impression(2)])
        assert store.for_user(ANN) == [said]
        assert [row.item_id for row in store.interactions_of(ANN)] == ["1", "2"]
        assert len(store.impressions_of(ANN)) == 2

    def test_events_without_an_id_and_the_same_id_of_another_user_are_new(self, store: SQLFeedbackStore) -> None:
        for _ in range(2):
            store.record(feedback())
        store.record(Feedback(ANN, ItemId("7"), "click", 1.0, event_id="e1"))
        store.record(Feedback(BOB, ItemId("7"), "click", 1.0, event_id="e1"))
        assert (len(store.for_user(ANN)), len(store.for_user(BOB))) == (3, 1)

    def test_a_text_is_kept_with_its_answer(self, store: SQLFeedbackStore) -> None:
        said = Feedback(ANN, ItemId("7"), "text", 1.0, "too 'long'\n; DROP TABLE feedback", "q1", "e1")
        store.record(said)
        assert store.for_user(ANN) == [said]

    def test_an_export_holds_every_kind_of_row_and_no_other_user(self, store: SQLFeedbackStore) -> None:
        for user in (ANN, BOB):
            store.record(Feedback(user, ItemId("7"), "text", 2.0, "a\u2028b"))
            store.record_interactions([interaction(user)])
            store.record_impressions([impression(1 if user == ANN else 2, user)])
        rows = [json.loads(line) for line in store.export(ANN).splitlines()]
        assert [row["kind"] for row in rows] == ["interaction", "feedback", "impression"]
        assert {row["user_id"] for row in rows} == {"ann"}
        assert rows[1]["text"] == "a\u2028b"
        assert rows[2]["propensity"] == 0.5

    def test_erasing_empties_every_table_and_remembers_whom_to_forget(self, store: SQLFeedbackStore) -> None:
        for user in (ANN, BOB):
            store.record(feedback(user))
            store.record_interactions([interaction(user)] * 2)
            store.record_impressions([impression(1 if user == ANN else 2, user)])
        assert store.erase(ANN) == RowCounts(feedback=1, interactions=2, impressions=1)
        assert store.export(ANN) == ""
        assert store.forgets(ANN)
        assert not store.forgets(BOB)
        assert len(store.export(BOB).splitlines()) == 4

    def test_what_serves_a_user_is_had_at_once(self, store: SQLFeedbackStore) -> None:
        assert store.about(ANN) == UserRows(is_forgotten=False, interactions=(), feedback=())
        store.record_interactions([interaction(item="1", at=3.0), interaction(item="2", at=1.0), interaction(BOB)])
        for at in (5.0, 4.0):
            store.record(feedback(at=at))
        found = store.about(ANN)
        assert (found.interactions, list(found.feedback)) == (store.interactions_of(ANN), list(store.for_user(ANN)))
        assert [row.at for row in found.feedback] == [5.0, 4.0]
        store.erase(ANN)
        assert store.about(ANN) == UserRows(is_forgotten=True, interactions=(), feedback=())
        assert not store.about(BOB).is_forgotten

    def test_who_opted_out_is_logged_no_more_until_they_come_back(self, store: SQLFeedbackStore) -> None:
        store.record_impressions([impression(1), impression(2, BOB)])
        store.opt_out(ANN)
        store.record_impressions([impression(3), impression(4, BOB)])
        assert [row.impression_id for row in store.impressions()] == ["i2", "i4"]
        assert store.opted_out(ANN)
        store.record(feedback())
        assert len(store.for_user(ANN)) == 1
        store.opt_in(ANN)
        store.record_impressions([impression(5)])
        assert len(store.impressions_of(ANN)) == 1

    def test_retention_goes_by_when_it_was_recorded(self, open_another: OpenAnother) -> None:
        early, late = open_another(now=lambda: 1 * DAY_S), open_another(now=lambda: 30 * DAY_S)
        early.record_interactions([interaction(item="1", at=None)])
        # Of 30 years before, but said today.
        late.record_interactions([interaction(item="old film", at=-1e9)])
        late.record(feedback(at=1 * DAY_S))
        late.record(feedback(BOB, at=29 * DAY_S))
        late.record_impressions([impression(1, at=1 * DAY_S), impression(2, at=29 * DAY_S)])
        assert late.prune(older_than_s=10 * DAY_S) == RowCounts(feedback=1, interactions=1, impressions=1)
        assert [row.item_id for row in late.interactions()] == ["old film"]
        assert [row.user_id for row in late.reactions()] == [BOB]

    def test_reactions_are_counted_by_day_without_naming_anybody(self, store: SQLFeedbackStore) -> None:
        for user, said, at in [
            (ANN, "like", 1.0),
            (BOB, "like", 2.0),
            (ANN, "dislike", DAY_S + 1),
            (BOB, "like", -1.0),
        ]:
            store.record(Feedback(user, ItemId("7"), said, at))
        store.record(feedback(at=1e300))
        assert store.daily() == [
            SignalCount("1969-12-31", "like", 1),
            SignalCount("1970-01-01", "like", 2),
            SignalCount("1970-01-02", "dislike", 1),
        ]

    def test_rows_are_counted(self, store: SQLFeedbackStore) -> None:
        store.record(feedback())
        store.opt_out(BOB)
        assert store.counts() == {
            "feedback": 1, "forgotten": 0, "impressions": 0, "interactions": 0, "opted_out": 1,
        }  # fmt: skip

    def test_more_rows_than_a_page_are_read_in_order(self, store: SQLFeedbackStore) -> None:
        n_rows = 10_001
        store.record_interactions([interaction(item=str(n), at=float(-n)) for n in range(n_rows)])
        assert [row.item_id for row in store.interactions()] == [str(n) for n in range(n_rows)]

    @pytest.mark.parametrize(
        ("bad", "match"),
        [
            (feedback(at=math.nan), "cannot be stored"),
            (feedback(item="\ud800"), "no valid text"),
            (Feedback(ANN, ItemId("7"), "love", 1.0), "signal 'love' is unknown"),  # type: ignore[arg-type]
            (Feedback(ANN, ItemId("7"), "text", 1.0), "exactly where its signal is 'text'"),
            (Feedback(ANN, ItemId("7"), "like", 1.0, "nice"), "exactly where its signal is 'text'"),
        ],
    )
    def test_feedback_that_cannot_be_stored_is_refused(
        self, store: SQLFeedbackStore, bad: Feedback, match: str
    ) -> None:
        with pytest.raises(FeedbackError, match=match):
            store.record(bad)
        assert store.counts()["feedback"] == 0

    def test_one_bad_interaction_keeps_all_out(self, store: SQLFeedbackStore) -> None:
        for bad in (interaction(value=math.inf), interaction(at=math.nan), interaction(item="\ud800")):
            with pytest.raises(FeedbackError):
                store.record_interactions([interaction(), bad])
        assert store.interactions_of(ANN) == ()

    @pytest.mark.parametrize(("propensity", "position"), [(0.0, 1), (1.5, 1), (math.nan, 1), (0.5, 0)])
    def test_an_impression_nobody_can_have_had_is_refused(
        self, store: SQLFeedbackStore, propensity: float, position: int
    ) -> None:
        shown = Impression("i", ANN, "q", ItemId("7"), position, propensity, "fused", "", "", "", 1.0)
        with pytest.raises(FeedbackError):
            store.record_impressions([shown])

    def test_writers_at_once_lose_nothing(self, store: SQLFeedbackStore, open_another: OpenAnother) -> None:
        writers = [store, open_another()]

        def write(number: int) -> None:
            for at in range(5):
                writers[number % 2].record(feedback(UserId(f"user{number}"), str(at), at=float(at)))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = [[f.item_id for f in store.for_user(UserId(f"user{number}"))] for number in range(8)]
        assert stored == [[str(at) for at in range(5)]] * 8

    def test_a_closed_store_says_so(self, open_another: OpenAnother) -> None:
        store = open_another()
        store.close()
        with pytest.raises(FeedbackError, match="was closed before"):
            store.record(feedback())
