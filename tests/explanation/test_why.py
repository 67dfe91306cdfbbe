from collections.abc import Mapping, Sequence

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.evidence import EvidenceExplainer
from llmrec.explanation.telling import telling_in
from llmrec.explanation.why import ReasonTeller
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Contributions,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Ranking,
    RankReport,
    Standing,
    Why,
    WishEntry,
)

ALIEN, SCREAM, TOY_STORY = ItemId("2"), ItemId("6"), ItemId("1")
RANKING = Ranking(
    (SCREAM, TOY_STORY), (2.0, 1.0), "retrieval", RankReport(voices={SCREAM: {"dense": 1.5, "lm": -0.25}})
)
SHOWN = (ItemEntry(SCREAM, 3), ItemEntry(TOY_STORY, 3))


class Fixed:
    """The ranking above, whatever is asked; remembers the query and how many were shown."""

    def __init__(self) -> None:
        self.asked: list[tuple[Query, int]] = []

    def of(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> Sequence[Standing]:
        return self.ranked(query, item_ids, k=k)[1]

    def ranked(self, query: Query, item_ids: Sequence[ItemId], *, k: int) -> tuple[Ranking, Sequence[Standing]]:
        self.asked.append((query, k))
        return RANKING, [self._standing(item_id) for item_id in item_ids]

    def _standing(self, item_id: ItemId) -> Standing:
        if item_id not in RANKING.item_ids:
            return Standing(item_id, RANKING.item_ids)
        voices = RANKING.report.voices.get(item_id, {})
        rank = RANKING.item_ids.index(item_id) + 1
        return Standing(
            item_id, (SCREAM,), is_allowed=True, retrieved={"dense": 4}, n_candidates=60, rank=rank, voices=voices
        )


class OneSpeaks:
    """Alien lifts every item by 1.25; nothing else was measured."""

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        falls: Mapping[ItemId, float] = dict.fromkeys(sources, 0.0) | ({ALIEN: 1.25} if ALIEN in sources else {})
        return [Contributions(falls) for _ in ranking.item_ids]


def asked(*, liked: Sequence[ItemId] = (ALIEN,)) -> Query:
    profile = Profile(
        liked=tuple(ItemEntry(item_id, 0) for item_id in liked),
        constraints=(ConstraintEntry(Constraint("year", "$gte", 1990), 0),),
        wishes=(WishEntry("anything", 0),),
        shown=(ItemEntry(ItemId("9"), 1), *SHOWN),
    )
    return Query(profile=profile)


def why(films: Catalogue, query: Query, *item_ids: ItemId, language: str = "en") -> Sequence[Why]:
    explainer = EvidenceExplainer(films, None, None, meter=OneSpeaks())
    return ReasonTeller(films, Fixed(), explainer).why(query, item_ids, language=language)


def test_one_item_is_explained_by_place_wishes_measured_items_and_voices(films: Catalogue) -> None:
    (told,) = why(films, asked(), SCREAM)
    assert told.text == (
        "Scream (1996) is number 1 of the 60 that were ranked. It is from 1996, not before 1990. "
        "It shares Horror with Alien (1979), which you loved; without that one its score falls by 1.25. "
        "(1 is the spread of the list's scores.) "
        "What each voice adds to its score: likeness in content +1.50 (number 4 by it alone), lm -0.25."
    )
    assert [piece.contribution for piece in told.cites] == [None, 1.25]


def test_the_same_is_told_in_chinese(films: Catalogue) -> None:
    (told,) = why(films, asked(), SCREAM, language="zh")
    for part in ("60 个条目中排第 1", "您喜欢的《Alien (1979)》同有 Horror", "下降 1.25", "内容相近 +1.50", "lm -0.25"):
        assert part in told.text


def test_several_items_get_a_sentence_each_and_no_more_than_three_do(films: Catalogue) -> None:
    told = why(films, asked(), SCREAM, TOY_STORY, ItemId("3"), ItemId("4"))
    assert [one.item_id for one in told] == [SCREAM, TOY_STORY, ItemId("3")]
    assert told[0].text == (
        "Scream (1996): it is from 1996, not before 1990; it shares Horror with Alien (1979), which you loved."
    )


def test_where_nothing_of_the_users_decides_it_is_said(films: Catalogue) -> None:
    query = Query(profile=Profile(liked=(ItemEntry(ItemId("9"), 0),), shown=SHOWN))
    (told,) = why(films, query, TOY_STORY)
    assert "Nothing you met or liked decides it alone. Its genres: Animation." in told.text
    assert told.text.endswith("Only likeness in content speaks here: it is number 4 by it.")


def test_an_item_that_is_ranked_no_more_is_explained_by_its_facts(films: Catalogue) -> None:
    (told,) = why(films, asked(), ItemId("8"))
    assert "number" not in told.text


def test_the_question_is_about_the_reply_that_showed_the_item(films: Catalogue) -> None:
    source = Fixed()
    teller = ReasonTeller(films, source, EvidenceExplainer(films, None, None))
    query = asked()
    teller.why(query, [TOY_STORY])
    ((before, n_shown),) = source.asked
    assert [entry.item_id for entry in before.profile.shown] == [ItemId("9")]
    assert n_shown == 2


@pytest.mark.parametrize("language", ["zh", "xx"])
def test_every_language_says_all_that_english_says(language: str) -> None:
    assert telling_in(language).keys == telling_in("en").keys
