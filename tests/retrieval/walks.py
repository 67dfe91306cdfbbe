"""A planted world for the sequential retrievers: items stand in a circle, and users walk along it."""

import numpy as np

from llmrec.data.catalogue import Catalogue
from llmrec.data.interactions import Interactions
from llmrec.interfaces import Retriever
from llmrec.retrieval.sequential_plan import NetworkShape, TrainingPlan
from llmrec.types import Interaction, Item, ItemId, UserId, Vectors
from tests.contracts.retriever import asks

N_CIRCLE = 8
COLD = ItemId("new")
TINY = NetworkShape(dim=16, n_blocks=1, n_heads=2, max_length=6, dropout=0.0)
QUICK = TrainingPlan(max_epochs=25, patience=8, batch_size=8, learning_rate=0.01)


def circle(names: str = "abcdefgh") -> Catalogue:
    """The items of the circle in alphabetical order, then one that nobody ever meets."""
    return Catalogue([*(Item(ItemId(name), name) for name in sorted(names)), Item(COLD, "new")])


def walks(
    n_users: int = 64, *, longest: int = 9, names: str = "abcdefgh", catalogue: Catalogue | None = None
) -> Interactions:
    """User u starts at item u of the circle `names` and meets 3 to `longest` items, some more than `TINY` reads."""
    rows = (
        Interaction(UserId(str(user)), ItemId(names[(user + step) % N_CIRCLE]), 1.0, float(step))
        for user in range(n_users)
        for step in range(3 + user % (longest - 2))
    )
    return Interactions.from_rows(rows, catalogue or circle(names))


def texts(twin: str = "d") -> Vectors:
    """Orthogonal unit vectors for the circle; the item nobody met reads almost like `twin`."""
    vectors = np.eye(N_CIRCLE + 1, dtype=np.float32)
    vectors[-1] = vectors["abcdefgh".index(twin)] * np.float32(0.98)
    vectors[-1, -1] = 0.2
    return vectors


def first(retriever: Retriever, *history: str) -> str:
    """The best item that is not in the history: what training stopped at."""
    allowed = np.array([item_id not in history for item_id in circle()])
    return retriever.retrieve(asks(history=history), 1, allowed=allowed)[0].item_id
