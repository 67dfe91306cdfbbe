"""Reasons in the languages that have a file of words."""

from collections.abc import Sequence
from string import Formatter

import pytest

from llmrec.data.catalogue import Catalogue
from llmrec.explanation.evidence import EvidenceExplainer
from llmrec.explanation.telling import telling_in
from llmrec.explanation.wording import merged_by_frame
from llmrec.stages import STAGES
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Contributions,
    Evidence,
    Explanation,
    Item,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Ranking,
    WishEntry,
)

WRITTEN = ("en", "zh")


class Meter:
    """Every item the user likes speaks as much for every item."""

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        return [Contributions(dict.fromkeys(sources, 0.5), wish=0.5) for _ in ranking.item_ids]


def asked(*constraints: Constraint, liked: str = "", wish: str = "") -> Query:
    profile = Profile(
        liked=tuple(ItemEntry(ItemId(item_id), 0) for item_id in liked.split()),
        wishes=(WishEntry(wish, 0),) if wish else (),
        constraints=tuple(ConstraintEntry(constraint, 0) for constraint in constraints),
    )
    return Query(profile=profile)


def told(explainer: EvidenceExplainer, item_id: str, query: Query, language: str = "zh") -> Explanation:
    (explanation,) = explainer.explain(query, Ranking((ItemId(item_id),), (1.0,), "retrieval"), language=language)
    return explanation


def slots_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", WRITTEN)
def test_every_language_says_all_that_english_says_with_the_same_slots(language: str) -> None:
    english, other = telling_in("en"), telling_in(language)
    assert other.language == language
    assert {key: slots_of(other.template(key)) for key in other.keys} == {
        key: slots_of(english.template(key)) for key in english.keys
    }


@pytest.mark.parametrize("language", WRITTEN)
def test_every_voice_that_can_be_built_has_a_name_for_people(language: str) -> None:
    words = telling_in(language)
    assert [name for name in (*STAGES, "leanings", "language model") if words.voice(name) == name] == []
    assert words.voice("of my own") == "of my own"


def test_a_language_without_words_is_answered_in_english(films: Catalogue) -> None:
    query, explainer = asked(Constraint("year", "$gte", 1990), liked="2"), EvidenceExplainer(films, None, None)
    assert told(explainer, "6", query, "xx") == told(explainer, "6", query, "en")


def test_conditions_wish_and_a_shared_fact_are_one_chinese_sentence(films: Catalogue) -> None:
    query = asked(Constraint("year", "$gte", 1990), Constraint("year", "$lte", 1999), liked="2", wish="scary")
    explanation = told(EvidenceExplainer(films, None, None), "6", query)
    assert explanation.text == (
        "它是1996年的，您要的是1990 到 1999 之间；“scary”出现在它的 description 里；"
        "它和您喜欢的《Alien (1979)》同有 Horror。"
    )
    english = told(EvidenceExplainer(films, None, None), "6", query, "en")
    assert [(e.kind, e.field, e.value, e.item_id) for e in explanation.cites] == [
        (e.kind, e.field, e.value, e.item_id) for e in english.cites
    ]


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        (Constraint("year", "$gt", 1990), "您要的是1990年以后"),
        (Constraint("year", "$eq", 1996), "它是1996年的，符合您的要求"),
        (Constraint("genres", "$in", ("Horror", "Comedy")), "它的 genres 包括 Horror和Comedy，符合您的要求。"),
    ],
)
def test_a_condition_is_said_in_chinese_and_alike_ones_once(
    constraint: Constraint, said: str, films: Catalogue
) -> None:
    assert said in told(EvidenceExplainer(films, None, None), "6", asked(constraint)).text


def test_numbers_and_words_of_any_catalogue_are_said_in_chinese() -> None:
    mugs = Catalogue([Item(ItemId(str(n)), f"Mug {n}", {"price": 5.5 * n, "is_big": n > 1}) for n in range(1, 4)])
    query = asked(Constraint("price", "$lt", 12), Constraint("is_big", "$eq", value=True))
    text = told(EvidenceExplainer(mugs, None, None), "2", query).text
    assert text == "它的 price 是 11，您要的是低于 12；它的 is big：是，符合您的要求。"


def test_what_was_measured_is_said_in_chinese(films: Catalogue) -> None:
    explanation = told(EvidenceExplainer(films, None, None, meter=Meter()), "9", asked(liked="2 7", wish="foggy"))
    assert explanation.text == "您说的“foggy”让它得分更高；您喜欢的《Sabrina (1954)》和《Alien (1979)》让它得分更高。"


def test_where_nothing_ties_it_that_is_said_in_chinese(films: Catalogue) -> None:
    popular = EvidenceExplainer(films, None, {ItemId("9"): 12})
    assert told(popular, "9", Query()).text == "这里有 12 人选过它。"
    assert told(popular, "1", Query()).text == "它的 genres：Animation。"
    bare = EvidenceExplainer(Catalogue([Item(ItemId("1"), "The Hobbit")]), None, None)
    assert told(bare, "1", Query()).text == "按排名选出。"


def test_reasons_that_differ_in_more_than_their_own_stay_apart() -> None:
    loved = Evidence("similar_item", "它的内容与您喜欢的《A》相近", item_id=ItemId("a"))
    met = Evidence("similar_item", "它的内容与您接触过的《B》相近", item_id=ItemId("b"))
    assert merged_by_frame([loved, met], ["《A》", "《B》"], joint="和") == [loved.text, met.text]
