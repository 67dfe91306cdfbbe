"""What every Explainer must do; a test class inherits from the suite and gives it an `explainer` over `films`."""

from llmrec.data.catalogue import Catalogue
from llmrec.interfaces import Explainer
from llmrec.types import Evidence, History, Interaction, Item, ItemEntry, ItemId, Profile, Query, Ranking, UserId

QUERY = Query(
    profile=Profile(liked=(ItemEntry(ItemId("2"), 0),)),
    history=History((Interaction(UserId("ann"), ItemId("7"), 5.0), Interaction(UserId("ann"), ItemId("9"), 1.0))),
)


def ranking_of(films: Catalogue) -> Ranking:
    """All items of the catalogue, in its order."""
    return Ranking(films.ids, tuple(1.0 / place for place in range(1, len(films) + 1)), "retrieval")


def is_true_of(evidence: Evidence, item: Item) -> bool:
    """Whether each value that `evidence` shows stands in the item's record."""
    if not evidence.field:
        return True
    if evidence.field == "description":
        return all(word in item.description for word in evidence.value.split(", "))
    fact = item.facts[evidence.field]
    values = fact if isinstance(fact, tuple) else (str(fact),)
    return all(value in values or value in " ".join(values) for value in evidence.value.split(", "))


class ExplainerContract:
    """Inherit and define the fixture `explainer`."""

    def test_every_item_has_an_explanation_in_the_order_of_the_ranking(
        self, explainer: Explainer, films: Catalogue
    ) -> None:
        explanations = explainer.explain(QUERY, ranking_of(films))
        assert tuple(explanation.item_id for explanation in explanations) == films.ids
        assert all(explanation.text for explanation in explanations)

    def test_nothing_is_explained_of_nothing(self, explainer: Explainer) -> None:
        assert list(explainer.explain(QUERY, Ranking((), (), "retrieval"))) == []

    def test_every_cited_fact_is_in_the_record_of_the_item(self, explainer: Explainer, films: Catalogue) -> None:
        for explanation in explainer.explain(QUERY, ranking_of(films)):
            assert all(is_true_of(evidence, films[explanation.item_id]) for evidence in explanation.cites)

    def test_every_cited_item_is_one_the_user_met(self, explainer: Explainer, films: Catalogue) -> None:
        met = {"2", "7", "9"}
        cited = {e.item_id for explanation in explainer.explain(QUERY, ranking_of(films)) for e in explanation.cites}
        assert cited - {None} <= met

    def test_an_empty_query_is_explained_too(self, explainer: Explainer, films: Catalogue) -> None:
        assert len(explainer.explain(Query(), ranking_of(films))) == len(films)
