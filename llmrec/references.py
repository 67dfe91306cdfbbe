"""The item behind what a caller writes: an id, a title, or a mapping with one of them."""

from __future__ import annotations

from collections.abc import Mapping

from llmrec.arguments import ItemReference
from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.title_index import TitleIndex
from llmrec.errors import UnknownItemError
from llmrec.types import ItemId


def referenced_item(reference: ItemReference, catalogue: Catalogue, titles: TitleIndex) -> ItemId:
    """The id behind `reference`.

    Raises:
        UnknownItemError: Nothing, or more than one item, is called that; names the nearest.
    """
    if isinstance(reference, Mapping):
        reference = str(reference.get("item_id", reference.get("title", "")))
    # Ids are strings here; a data frame's may come as numbers.
    name = str(reference)
    return ItemId(name) if name in catalogue else _titled(name, catalogue, titles)


def _titled(title: str, catalogue: Catalogue, titles: TitleIndex) -> ItemId:
    match = titles.resolve(title)
    named = [catalogue[item_id].title for item_id in match.item_ids[:5]]
    if len(set(named)) < len(named):
        named = [f"{name} [{item_id}]" for name, item_id in zip(named, match.item_ids, strict=False)]
    if match.exact and len(match.item_ids) == 1:
        return match.item_ids[0]
    if match.exact:
        raise UnknownItemError(f"{title!r} stands for {', '.join(named)}.", hint="Add the year or give the item id.")
    hint = f"Did you mean {' or '.join(map(repr, named[:3]))}?" if named else "Give an item id or a full title."
    raise UnknownItemError(f"no item has the id or title {title[:120]!r}.", hint=hint)
