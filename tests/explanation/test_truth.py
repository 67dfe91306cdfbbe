"""Many explanations, as templates and in every wording that a model may choose, held against another check."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.explanation_check import Sources, faults
from llmrec.data.catalogue import Catalogue
from llmrec.explanation.checking import CoverageChecker
from llmrec.explanation.claims import claims, told_in
from llmrec.explanation.evidence import MIN_CONTRIBUTION, EvidenceExplainer
from llmrec.explanation.wording import merged, wordings
from llmrec.explanation.writing import names_of
from llmrec.types import (
    Constraint,
    ConstraintEntry,
    Contributions,
    Explanation,
    History,
    Interaction,
    ItemEntry,
    ItemId,
    Profile,
    Query,
    Ranking,
    Recommendation,
    UserId,
    WishEntry,
)
from tests.contracts.explainer import ranking_of

IDS = [str(number) for number in range(1, 11)]
COSINE = 0.7
COUNTS = {ItemId(item_id): int(item_id) for item_id in IDS}
CONDITIONS = [
    Constraint("year", "$gte", 1990),
    Constraint("year", "$lte", 1999),
    Constraint("genres", "$eq", "Horror"),
    Constraint("genres", "$in", ("Comedy", "Crime")),
    Constraint("genres", "$ne", "Romance"),
]


class AllAlike:
    def similarity(self, item_id: ItemId, others: Sequence[ItemId]) -> Sequence[float]:
        return [COSINE for _ in others]


class DrawnMeter:
    """Every source does for every item what was drawn for it."""

    def __init__(self, falls: Mapping[ItemId, float], wish: float) -> None:
        self.falls = falls
        self.wish = wish

    def measure(self, query: Query, ranking: Ranking, sources: Sequence[ItemId]) -> Sequence[Contributions | None]:
        items = {source: self.falls.get(source, 0.0) for source in sources}
        return [Contributions(items, self.wish if query.text else None) for _ in ranking.item_ids]

    def lifts(self, query: Query, item_id: ItemId, source: ItemId | None) -> bool:
        return (self.wish if source is None else self.falls.get(source, 0.0)) >= MIN_CONTRIBUTION


def asked(liked: Sequence[str], met: Sequence[str], wish: str, constraints: Sequence[Constraint]) -> Query:
    return Query(
        profile=Profile(
            liked=tuple(ItemEntry(ItemId(item_id), 0) for item_id in liked),
            wishes=(WishEntry(wish, 0),) if wish else (),
            constraints=tuple(ConstraintEntry(constraint, 0) for constraint in constraints),
        ),
        history=History(tuple(Interaction(UserId("ann"), ItemId(item_id)) for item_id in met)),
    )


def card(explanation: Explanation, text: str, films: Catalogue) -> Recommendation:
    title = films[explanation.item_id].title
    return Recommendation(explanation.item_id, title, 0.0, 1, "retrieval", text, explanation.cites)


@settings(max_examples=100, deadline=None)
@given(
    liked=st.lists(st.sampled_from(IDS), max_size=3, unique=True),
    met=st.lists(st.sampled_from(IDS), max_size=4, unique=True),
    wish=st.sampled_from(["", "a scary film", "tense, dark", "love in paris", "not bleak", "quiet cinema"]),
    constraints=st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True),
    falls=st.dictionaries(st.sampled_from([ItemId(item_id) for item_id in IDS]), st.floats(-1, 1)),
    wish_fall=st.floats(-1, 1),
)
def test_every_title_fact_number_and_claim_is_covered_by_true_evidence(
    films: Catalogue,
    liked: list[str],
    met: list[str],
    wish: str,
    constraints: list[Constraint],
    falls: dict[ItemId, float],
    wish_fall: float,
) -> None:
    query, meter = asked(liked, met, wish, constraints), DrawnMeter(falls, wish_fall)
    sources = Sources(films, COUNTS, lambda one, other: COSINE, meter.lifts)
    checker = CoverageChecker(films)
    explanations = EvidenceExplainer(films, AllAlike(), COUNTS, meter=meter).explain(query, ranking_of(films))
    for place, explanation in enumerate(explanations):
        assert faults(card(explanation, explanation.text, films), query, sources) == []
        assert all(e.item_id is None or meter.lifts(query, explanation.item_id, e.item_id) for e in explanation.cites)
        known = claims(explanation.cites, names_of(explanation.cites, films))
        for claim in known[::5]:  # there are many ways to say the same
            text = f"{claim.text[:1].upper()}{claim.text[1:]}."
            assert told_in(text, known) == claim.tells
            assert faults(card(explanation, text, films), query, sources) == []
        for text in wordings(merged(explanation.cites), place=place):
            if checker.check(text, explanation.cites, films[explanation.item_id]).ok:
                assert faults(card(explanation, text, films), query, sources) == []
