"""Training on from fitted weights when more interactions came in."""

from dataclasses import replace

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.errors import DataError
from llmrec.retrieval.sequential import SASRecRetriever, TextSequentialRetriever
from llmrec.retrieval.sequential_plan import TextReading
from llmrec.types import Interaction, Item, ItemId, UserId
from tests.contracts.retriever import asks
from tests.retrieval.walks import COLD, QUICK, TINY, circle, first, texts, walks

SHORT = replace(QUICK, max_epochs=2)
UNLIFTED = TextReading(cold_bonus=0.0)


def test_an_update_learns_what_is_new_and_leaves_the_old_retriever_alone() -> None:
    query = asks(history=("a", "b"))
    # From now on "new" follows every "b", and users go on to "c" after it.
    rows = [
        Interaction(UserId(f"late {user}"), ItemId(item_id), 1.0, float(step))
        for user in range(40)
        for step, item_id in enumerate(("a", "b", COLD, "c"))
    ]
    eager = SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=replace(QUICK, update_epochs=15))
    before = eager.scores(query)
    assert first(eager, "a", "b") == "c"
    updated = eager.update(walks(), Interactions.from_rows(rows, circle()))
    assert first(updated, "a", "b") == COLD
    np.testing.assert_array_equal(eager.scores(query), before)


def test_an_update_reads_what_a_user_did_before() -> None:
    fitted = SASRecRetriever.fit(walks(), seed=1, shape=TINY, training=SHORT)
    one_more = Interactions.from_rows([Interaction(UserId("3"), ItemId("a"), 1.0, 99.0)], circle())
    # A single interaction alone teaches nothing; with the six before it there are six steps.
    changed = fitted.update(walks(), one_more).scores(asks(history=("a", "b")))
    assert np.abs(changed - fitted.scores(asks(history=("a", "b")))).max() > 1e-4
    newcomer = Interactions.from_rows([Interaction(UserId("x"), ItemId("a"), 1.0, 99.0)], circle())
    same = fitted.update(walks(), newcomer).scores(asks(history=("a", "b")))
    np.testing.assert_allclose(same, fitted.scores(asks(history=("a", "b"))), atol=1e-5)


def test_an_update_starts_a_new_item_from_its_text() -> None:
    with_texts = TextSequentialRetriever.fit(walks(), texts(), seed=1, shape=TINY, training=SHORT, reading=UNLIFTED)
    added = Interactions.from_rows([Interaction(UserId("x"), COLD, 1.0, 1.0)], circle())
    query = asks(history=("a", "b", "c"))
    np.testing.assert_allclose(with_texts.update(walks(), added).scores(query), with_texts.scores(query), atol=1e-4)


def test_an_update_over_another_catalogue_is_refused() -> None:
    sasrec = SASRecRetriever.fit(walks(4), seed=1, shape=TINY, training=SHORT)
    other = Interactions.from_rows((), Catalogue([Item(ItemId("z"), "z")]))
    with pytest.raises(DataError, match="needs the same items as before"):
        sasrec.update(walks(), other)
