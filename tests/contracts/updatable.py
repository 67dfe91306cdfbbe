"""What `update` promises of every closed-form retriever: subclass the suite and give a `fit` fixture."""

from collections.abc import Callable, Iterable
from typing import Protocol, Self

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.retrieval.scoring import HistoryScorer
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.contracts.history_scorer import HISTORIES, histories_of


class UpdatableScorer(HistoryScorer, Protocol):
    """A scorer that takes more interactions in."""

    def update(self, before: Interactions, added: Interactions) -> Self:
        """The same as a fit on both."""
        ...


Fit = Callable[[Interactions], UpdatableScorer]

ADDED = {
    "a known user goes on": [("ann", "8", 9.0)],
    "a known user repeats an item": [("ann", "2", 9.0), ("ann", "2", 10.0)],
    "somebody new comes": [("eve", "9", 5.0), ("eve", "2", 6.0), ("eve", "10", 7.0)],
    "an older interaction turns up": [("bob", "4", 1.5)],
    "an item nobody knew is met": [("cat", "9", 12.0), ("dan", "9", 12.0)],
    "all of it": [("ann", "8", 9.0), ("eve", "9", 5.0), ("bob", "4", 1.5), ("eve", "2", 6.0), ("cat", "1", 0.5)],
    "nothing": [],
}


def rows_of(rows: Iterable[tuple[str, str, float]]) -> list[Interaction]:
    return [Interaction(UserId(user), ItemId(item), 1.0, at) for user, item, at in rows]


class UpdatableContract:
    @pytest.mark.parametrize("case", ADDED)
    def test_an_update_equals_a_fit_on_both(
        self, fit: Fit, interactions: Interactions, films: Catalogue, case: str
    ) -> None:
        added = Interactions.from_rows(rows_of(ADDED[case]), films)
        both = interactions.joined(added, films)
        updated, refitted = fit(interactions).update(interactions, added), fit(both)
        for histories in (histories_of(films, HISTORIES), both.histories()):
            expected = refitted.score_histories(histories)
            np.testing.assert_allclose(updated.score_histories(histories), expected, rtol=1e-5, atol=1e-6)

    def test_updates_can_follow_each_other(self, fit: Fit, interactions: Interactions, films: Catalogue) -> None:
        retriever, known = fit(interactions), interactions
        for rows in ADDED.values():
            added = Interactions.from_rows(rows_of(rows), films)
            retriever, known = retriever.update(known, added), known.joined(added, films)
        expected = fit(known).score_histories(known.histories())
        np.testing.assert_allclose(retriever.score_histories(known.histories()), expected, rtol=1e-5, atol=1e-6)

    def test_the_one_updated_stays_as_it_was(self, fit: Fit, interactions: Interactions, films: Catalogue) -> None:
        retriever, histories = fit(interactions), interactions.histories()
        before = retriever.score_histories(histories).copy()
        retriever.update(interactions, Interactions.from_rows(rows_of(ADDED["all of it"]), films))
        np.testing.assert_array_equal(retriever.score_histories(histories), before)

    def test_interactions_with_other_items_are_refused(self, fit: Fit, interactions: Interactions) -> None:
        other = Interactions.from_rows([], Catalogue([Item(ItemId("1"), "One")]))
        with pytest.raises(DataError, match=r"needs the same items as before, and got 10 and 1 ids for 10 items"):
            fit(interactions).update(interactions, other)
