"""Labels that stand for items inside a prompt, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.errors import ConfigError
from llmrec.types import ItemId, Label, Slate


def make_slate(item_ids: Sequence[ItemId], labels: Sequence[Label]) -> Slate:
    """The slate that shows `item_ids` in this order under the first of `labels`.

    Raises:
        ConfigError: There are fewer labels than items, or an item or a label stands twice.
    """
    used = tuple(labels[: len(item_ids)])
    if len(used) < len(item_ids):
        raise ConfigError(f"a slate of {len(item_ids)} items needs as many labels; there are {len(used)}.")
    if len(set(item_ids)) < len(item_ids) or len(set(used)) < len(used):
        raise ConfigError("an item or a label stands twice on one slate; each may stand once.")
    return Slate(used, tuple(item_ids))
