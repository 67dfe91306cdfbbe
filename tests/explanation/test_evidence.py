from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import matches
from llmrec.explanation.evidence import EvidenceExplainer, sentence
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Contributions,
    Evidence,
    Explanation,
    History,
    Interaction,
    Item,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Ranking,
    RankReport,
    UserId,
    WishEntry,
)
from tests.contracts.explainer import ExplainerContract, is_true_of, ranking_of

SINCE_1990, UNTIL_1999 = Constraint("year", "$gte", 1990), Constraint("year", "$lte", 1999)
HORROR = Constraint("genres", "$eq", "Horror")


class FixedSimilarity:
    """Every item is as like every other as it is told."""

    def __init__(self, cosine: float) -> None:
        self._cosine = cosine

    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        return [self._cosine for _ in others]


@pytest.fixture(scope="module")
def explainer(films: Catalogue) -> EvidenceExplainer:
    return EvidenceExplainer(films, None, None)


class FixedMeter:
    """Every item has the same contributions, of those that are asked of."""

    def __init__(self, wish: float | None = None, **items: float) -> None:
        self._wish = wish
        self._items = {ItemId(name.removeprefix("i")): fall for name, fall in items.items()}
        self.asked: list[Sequence[ItemId]] = []

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        self.asked.append(sources)
        found = {source: self._items.get(source, 0.0) for source in sources}
        return [Contributions(found, self._wish) for _ in ranking.item_ids]


class BlindMeter:
    """Finds no item."""

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        return [None] * len(ranking.item_ids)


class TestContract(ExplainerContract):
    """The explainer keeps to its seam."""


def explain(explainer: EvidenceExplainer, item_id: str, query: Query) -> Explanation:
    (explanation,) = explainer.explain(query, Ranking((ItemId(item_id),), (1.0,), "retrieval"))
    return explanation


def profile(*, liked: str = "", wish: str = "", constraints: Sequence[Constraint] = ()) -> Profile:
    return Profile(
        liked=tuple(ItemEntry(ItemId(item_id), 0) for item_id in liked.split()),
        wishes=(WishEntry(wish, 0),) if wish else (),
        constraints=tuple(ConstraintEntry(constraint, 0) for constraint in constraints),
    )


def test_half_of_a_range_that_was_given_up_is_no_reason(explainer: EvidenceExplainer) -> None:
    entries = tuple(ConstraintEntry(constraint, 0) for constraint in (SINCE_1990, UNTIL_1999))
    assert explain(explainer, "10", Query(profile=Profile(constraints=entries))).cites[0].kind == "fact"
    assert explain(explainer, "9", Query(profile=Profile(constraints=entries))).text == (
        "From 1995, within 1990 to 1999."
    )


def test_condition_wish_and_shared_fact_make_one_sentence(explainer: EvidenceExplainer) -> None:
    believed = profile(liked="2", wish="a scary film", constraints=(SINCE_1990, UNTIL_1999))
    explanation = explain(explainer, "6", Query(profile=believed))
    assert explanation.text == (
        'From 1996, within 1990 to 1999; "scary" fits its description; '
        "shares Horror with Alien (1979), which you loved."
    )
    assert [evidence.kind for evidence in explanation.cites] == ["constraint", "wish", "shared_fact"]
    assert [evidence.value for evidence in explanation.cites] == ["1996", "scary", "Horror"]
    assert explanation.cites[2].item_id == "2"


def test_a_condition_the_item_does_not_meet_is_not_claimed(explainer: EvidenceExplainer) -> None:
    explanation = explain(explainer, "2", Query(profile=profile(constraints=(SINCE_1990, HORROR))))
    assert explanation.text == "Its genres include Horror, as you asked."


def test_an_outer_condition_counts_as_stated(explainer: EvidenceExplainer) -> None:
    assert explain(explainer, "2", Query(constraints=(HORROR,))).cites[0].kind == "constraint"


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (Constraint("year", "$gt", 1990), "From 1996, after 1990."),
        (Constraint("year", "$lt", 2000), "From 1996, before 2000."),
        (Constraint("year", "$eq", 1996), "From 1996, as you asked."),
    ],
)
def test_bounds_are_said_in_words(explainer: EvidenceExplainer, constraint: Constraint, text: str) -> None:
    assert explain(explainer, "6", Query(profile=profile(constraints=(constraint,)))).text == text


def test_the_rarest_shared_fact_comes_first(explainer: EvidenceExplainer) -> None:
    # Horror is on three films of the catalogue, Sci-Fi on four.
    assert explain(explainer, "4", Query(profile=profile(liked="2"))).text == (
        "Shares Horror and Sci-Fi with Alien (1979), which you loved."
    )


def test_only_history_from_the_middle_value_up_counts_as_liked(explainer: EvidenceExplainer, films: Catalogue) -> None:
    history = History(
        (
            Interaction(UserId("ann"), ItemId("9"), 1.0),
            Interaction(UserId("ann"), ItemId("2"), 5.0),
            Interaction(UserId("ann"), ItemId("3"), 4.0),
        )
    )
    assert explain(explainer, "4", Query(history=history)).text == (
        "Shares Horror with Alien (1979) and Sci-Fi with Aliens (1986), which are in your history."
    )
    crime = Item(ItemId("11"), "Ronin (1998)", {"genres": ("Crime",)})
    other = EvidenceExplainer(Catalogue([crime, *films.values()]), None, None)
    assert all(evidence.item_id is None for evidence in explain(other, "11", Query(history=history)).cites)


def test_a_negated_word_is_no_reason(explainer: EvidenceExplainer) -> None:
    explanation = explain(explainer, "6", Query(profile=profile(wish="not too scary")))
    assert all(evidence.kind != "wish" for evidence in explanation.cites)


def test_words_meet_in_their_stems(explainer: EvidenceExplainer) -> None:
    assert explain(explainer, "5", Query(profile=profile(wish="rebellions and hidden realities"))).cites[0].value == (
        "hidden, reality, rebellion"
    )


def test_a_like_item_is_cited_above_the_threshold_only(films: Catalogue) -> None:
    query = Query(profile=profile(liked="9"))
    near = explain(EvidenceExplainer(films, FixedSimilarity(0.8), None), "10", query)
    assert near.text == "Close in content to Heat (1995), which you loved."
    for cosine in (0.1, float("nan")):
        far = explain(EvidenceExplainer(films, FixedSimilarity(cosine), None), "10", query)
        assert all(evidence.kind != "similar_item" for evidence in far.cites)


def test_popularity_is_the_last_resort(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, None, {ItemId("9"): 12, ItemId("5"): 1})
    assert explain(explainer, "9", Query()).text == "12 people here have chosen it."
    assert explain(explainer, "5", Query()).text == "1 person here has chosen it."
    liked = explain(explainer, "5", Query(profile=profile(liked="3")))
    assert [evidence.kind for evidence in liked.cites] == ["shared_fact"]


def test_an_item_without_any_reason_shows_a_fact(explainer: EvidenceExplainer) -> None:
    assert explain(explainer, "9", Query()).text == "Its genres: Crime."


def test_an_item_without_facts_is_explained_by_its_rank() -> None:
    bare = EvidenceExplainer(Catalogue([Item(ItemId("1"), "The Hobbit")]), None, None)
    assert explain(bare, "1", Query()).text == "Picked by its place in the ranking."


def met(*item_ids: str) -> History:
    return History(tuple(Interaction(UserId("ann"), ItemId(item_id), 5.0) for item_id in item_ids))


def test_the_items_that_speak_most_are_cited_and_what_they_share_is_said(films: Catalogue) -> None:
    # Alien 3 shares more with Alien, but it is Aliens that lifts it.
    explainer = EvidenceExplainer(films, None, None, meter=FixedMeter(i2=0.3, i3=0.9))
    explanation = explain(explainer, "4", Query(history=met("2", "3")))
    assert explanation.text == (
        "Shares Sci-Fi with Aliens (1986) and Horror with Alien (1979), which are in your history."
    )
    assert [(e.item_id, e.contribution) for e in explanation.cites] == [("3", 0.9), ("2", 0.3)]


def test_an_item_whose_removal_does_not_lower_the_score_is_never_cited(films: Catalogue) -> None:
    for fall in (-0.5, 0.0, 0.04):
        explainer = EvidenceExplainer(films, FixedSimilarity(0.9), {ItemId("4"): 7}, meter=FixedMeter(i2=fall))
        explanation = explain(explainer, "4", Query(history=met("2")))
        assert explanation.text == "Nothing you met or liked decides it alone; 7 people here have chosen it."
        assert all(piece.item_id is None for piece in explanation.cites)


def test_what_is_weak_beside_the_strongest_is_not_cited(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, None, None, meter=FixedMeter(i2=0.2, i3=0.9))
    assert explain(explainer, "4", Query(history=met("2", "3"))).text == (
        "Shares Sci-Fi with Aliens (1986), which is in your history."
    )


def test_of_two_with_nothing_in_common_only_the_measured_lift_is_said(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, FixedSimilarity(0.1), None, meter=FixedMeter(i9=0.9))
    explanation = explain(explainer, "7", Query(profile=profile(liked="9")))
    assert explanation.text == "Scores higher thanks to Heat (1995), which you loved."
    assert [piece.kind for piece in explanation.cites] == ["contribution"]


def test_where_a_model_read_the_wish_too_no_lift_is_claimed_for_it(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, None, None, meter=FixedMeter(wish=0.9))
    heard = Ranking((ItemId("9"),), (1.0,), "lm+retrieval", RankReport(lm_scores={ItemId("9"): 1.0}))
    (explanation,) = explainer.explain(Query(profile=profile(wish="quiet cinema")), heard)
    assert explanation.text == "Its genres: Crime."


def test_what_was_asked_for_is_not_said_again_of_a_cited_item(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, None, None, meter=FixedMeter(i2=0.9))
    asked = Query(profile=profile(liked="2", constraints=(HORROR,)))
    assert explain(explainer, "6", asked).text == (
        "Its genres include Horror, as you asked; scores higher thanks to Alien (1979), which you loved."
    )


def test_the_newest_items_are_measured_each_once(films: Catalogue) -> None:
    meter = FixedMeter()
    explain(EvidenceExplainer(films, None, None, meter=meter), "4", Query(history=met("2", "3", "2")))
    assert meter.asked == [["2", "3"]]


def test_an_item_that_cannot_be_measured_is_explained_by_what_it_shares(films: Catalogue) -> None:
    explainer = EvidenceExplainer(films, None, None, meter=BlindMeter())
    assert explain(explainer, "4", Query(history=met("2"))).text == (
        "Shares Horror and Sci-Fi with Alien (1979), which is in your history."
    )


@pytest.mark.parametrize(
    ("wish", "fall", "text"),
    [
        ("quiet cinema", 0.3, 'Scores higher thanks to your words "quiet cinema".'),
        ("quiet cinema", 0.0, "Its genres: Crime."),
        ("quiet cinema " * 9, 0.3, "Its genres: Crime."),
        ("tense", 0.3, '"tense" fits its description.'),
    ],
)
def test_a_wish_that_lifts_an_item_without_its_words_is_quoted(
    films: Catalogue, wish: str, fall: float, text: str
) -> None:
    explainer = EvidenceExplainer(films, None, None, meter=FixedMeter(wish=fall))
    assert explain(explainer, "9", Query(profile=profile(wish=wish))).text == text


IDS = [str(number) for number in range(1, 11)]


@settings(max_examples=150, deadline=None)
@given(
    liked=st.lists(st.sampled_from(IDS), max_size=3, unique=True),
    met=st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([1.0, 3.0, 5.0])), max_size=5),
    wish=st.sampled_from(["", "a scary film", "tense and dark", "gentle love story", "Comedy", "not bleak"]),
    constraints=st.lists(st.sampled_from([SINCE_1990, UNTIL_1999, HORROR]), max_size=3),
)
def test_only_true_things_are_said(
    films: Catalogue, liked: list[str], met: list[tuple[str, float]], wish: str, constraints: list[Constraint]
) -> None:
    history = History(tuple(Interaction(UserId("ann"), ItemId(item_id), value) for item_id, value in met))
    believed = profile(liked=" ".join(liked), wish=wish, constraints=constraints)
    known = {*liked, *(item_id for item_id, _ in met)}
    explainer = EvidenceExplainer(films, FixedSimilarity(0.7), None)
    for explanation in explainer.explain(Query(profile=believed, history=history), ranking_of(films)):
        item = films[explanation.item_id]
        assert len(explanation.cites) <= 3
        for evidence in explanation.cites:
            assert is_true_of(evidence, item)
            assert evidence.item_id is None or (evidence.item_id in known and evidence.item_id != item.id)
            if evidence.kind == "constraint":
                assert any(matches(item, c) for c in constraints if c.field == evidence.field)
            if evidence.kind == "shared_fact" and evidence.item_id is not None:
                assert is_true_of(evidence, films[evidence.item_id])


def test_alike_reasons_are_said_together_in_the_sentence() -> None:
    wanted = [
        Evidence("constraint", f"its genres include {genre}, as you asked", "genres", genre)
        for genre in ("Drama", "Crime")
    ]
    assert sentence(wanted) == "Its genres include Drama and Crime, as you asked."


def test_what_most_items_have_in_common_is_no_reason() -> None:
    everywhere = Catalogue(
        Item(ItemId(str(n)), f"Book {n}", {"language": "eng", "genres": ("War",) if n < 2 else ("Fun",)})
        for n in range(4)
    )
    explanation = explain(EvidenceExplainer(everywhere, None, None), "1", Query(profile=profile(liked="0")))
    assert [(e.field, e.value) for e in explanation.cites] == [("genres", "War")]


def test_the_word_for_the_item_itself_is_no_reason(explainer: EvidenceExplainer) -> None:
    assert explain(explainer, "8", Query(profile=profile(wish="a story"))).cites[0].kind != "wish"
