"""What every Responder must do; a test class inherits from the suite and gives it a `responder` over `films`."""

import numpy as np
import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Responder
from llmrec.types import Allowed, ItemEntry, ItemId, Profile, Query, Recommendation, Turn, Understanding, WishEntry


def card(films: Catalogue, item_id: str, rank: int = 1) -> Recommendation:
    return Recommendation(ItemId(item_id), films[ItemId(item_id)].title, 1.0, rank, "retrieval", "", ())


def everything_allowed(films: Catalogue) -> Allowed:
    return Allowed(np.ones(len(films), dtype=np.bool_))


PROFILES = [
    Profile(),
    Profile(liked=(ItemEntry(ItemId("2"), 0),)),
    Profile(wishes=(WishEntry("x" * 5_000, 0),)),
    Profile(disliked=(ItemEntry(ItemId("2"), 0),), seen=(ItemEntry(ItemId("3"), 0),)),
]


class ResponderContract:
    """Inherit and define the fixture `responder`."""

    @pytest.mark.parametrize("profile", PROFILES)
    @pytest.mark.parametrize("n_shown", [0, 2])
    def test_names_only_titles_on_cards_and_those_the_user_likes(
        self, responder: Responder, films: Catalogue, profile: Profile, n_shown: int
    ) -> None:
        query = Query(turns=(Turn("user", "hello"),), profile=profile)
        shown = [card(films, item_id) for item_id in ("5", "6")[:n_shown]]
        text = responder.respond(query, Understanding(profile), everything_allowed(films), shown)
        named = {item.title for item in films.values() if item.title in text}
        liked = {films[entry.item_id].title for entry in profile.liked}
        assert named <= liked | {recommendation.title for recommendation in shown}

    @pytest.mark.parametrize("profile", PROFILES)
    def test_is_short_and_never_empty(self, responder: Responder, films: Catalogue, profile: Profile) -> None:
        text = responder.respond(Query(profile=profile), Understanding(profile), everything_allowed(films), [])
        assert 0 < len(text) < 500

    def test_asks_the_question(self, responder: Responder, films: Catalogue) -> None:
        understanding = Understanding(Profile(), question="Which one do you mean?")
        text = responder.respond(Query(), understanding, everything_allowed(films), [])
        assert text.endswith("Which one do you mean?")
