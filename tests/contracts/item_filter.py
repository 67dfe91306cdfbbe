"""What every ItemFilter promises: subclass the suite and give an `item_filter` fixture over the shared films."""

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.errors import ConfigError
from llmrec.interfaces import ItemFilter
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    History,
    Interaction,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Ranking,
    UserId,
)

AFTER_1990 = Constraint("year", "$gt", 1990)
HORROR = Constraint("genres", "$eq", "Horror")
NO_HORROR = Constraint("genres", "$ne", "Horror")


def entries(*item_ids: str) -> tuple[ItemEntry, ...]:
    return tuple(ItemEntry(ItemId(item_id), 0) for item_id in item_ids)


def stated(*constraints: Constraint) -> Profile:
    return Profile(constraints=tuple(ConstraintEntry(c, turn) for turn, c in enumerate(constraints)))


def met(*item_ids: str) -> History:
    return History(tuple(Interaction(UserId("x"), ItemId(item_id)) for item_id in item_ids))


def ranked(films: Catalogue, *item_ids: str) -> Ranking:
    ids = tuple(ItemId(item_id) for item_id in item_ids) or films.ids
    return Ranking(ids, tuple(-float(n) for n in range(len(ids))), "retrieval")


class ItemFilterContract:
    def names(self, item_filter: ItemFilter, films: Catalogue, query: Query) -> set[str]:
        mask = item_filter.allowed(query).mask
        return {item_id for item_id in films if mask[films.position(item_id)]}

    def test_without_any_wish_everything_is_allowed(self, item_filter: ItemFilter, films: Catalogue) -> None:
        allowed = item_filter.allowed(Query())
        assert allowed.mask.all()
        assert not allowed.relaxed

    def test_outer_and_stated_constraints_hold_together(self, item_filter: ItemFilter, films: Catalogue) -> None:
        query = Query(constraints=(AFTER_1990,), profile=stated(HORROR))
        assert self.names(item_filter, films, query) == {"4", "6"}

    def test_disliked_seen_and_shown_items_are_kept_out(self, item_filter: ItemFilter, films: Catalogue) -> None:
        profile = Profile(disliked=entries("1"), seen=entries("2"), shown=entries("3", "unknown"))
        assert self.names(item_filter, films, Query(profile=profile)) == set(films) - {"1", "2", "3"}

    def test_viewed_items_are_kept_out_unless_the_query_lets_them_in(
        self, item_filter: ItemFilter, films: Catalogue
    ) -> None:
        query = Query(history=met("1", "2", "gone"))
        assert self.names(item_filter, films, query) == set(films) - {"1", "2"}
        assert self.names(item_filter, films, Query(history=query.history, filter_viewed=False)) == set(films)

    def test_outer_constraints_are_never_given_up(self, item_filter: ItemFilter, films: Catalogue) -> None:
        allowed = item_filter.allowed(Query(constraints=(Constraint("year", "$gt", 2020),), profile=stated(HORROR)))
        assert not allowed.mask.any()
        assert not allowed.relaxed

    def test_a_stated_constraint_is_given_up_and_named_when_nothing_is_left(
        self, item_filter: ItemFilter, films: Catalogue
    ) -> None:
        query = Query(profile=stated(Constraint("year", "$lt", 1970), HORROR))
        allowed = item_filter.allowed(query)
        assert allowed.relaxed == (Constraint("year", "$lt", 1970),)
        assert self.names(item_filter, films, query) == {"2", "4", "6"}

    def test_selection_keeps_the_order_and_stops_at_k(self, item_filter: ItemFilter, films: Catalogue) -> None:
        allowed = item_filter.allowed(Query())
        assert item_filter.select(Query(), allowed, ranked(films, "9", "1", "5"), 2) == ("9", "1")

    def test_selection_checks_again_whatever_was_ranked(self, item_filter: ItemFilter, films: Catalogue) -> None:
        query = Query(profile=stated(NO_HORROR), history=met("1"))
        allowed = item_filter.allowed(query)
        assert item_filter.select(query, allowed, ranked(films, "2", "1", "unknown", "9", "9", "5"), 10) == ("9", "5")
        nothing_was_checked = item_filter.allowed(Query())
        assert item_filter.select(query, nothing_was_checked, ranked(films, "2", "1", "9"), 10) == ("9",)

    def test_no_more_than_two_of_one_series_are_selected(self, item_filter: ItemFilter, films: Catalogue) -> None:
        allowed = item_filter.allowed(Query())
        assert item_filter.select(Query(), allowed, ranked(films, "2", "3", "4", "9"), 4) == ("2", "3", "9")

    def test_less_than_one_item_cannot_be_asked_for(self, item_filter: ItemFilter, films: Catalogue) -> None:
        with pytest.raises(ConfigError, match="k is 0; ask for at least 1 item"):
            item_filter.select(Query(), item_filter.allowed(Query()), ranked(films), 0)
