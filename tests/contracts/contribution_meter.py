"""What every ContributionMeter must do; a test class inherits and gives it `meter`, `query` and `ranking`."""

from llmrec.interfaces import ContributionMeter
from llmrec.types import Query, Ranking


class ContributionMeterContract:
    """Inherit and define the fixtures `meter`, `query` (with a history and a wish) and `ranking`, what it ranks to."""

    def test_every_item_has_the_contribution_of_every_source(
        self, meter: ContributionMeter, query: Query, ranking: Ranking
    ) -> None:
        sources = query.positive_item_ids
        measured = meter.measure(query, ranking, sources)
        assert len(measured) == len(ranking.item_ids)
        assert all(one is not None and set(one.items) == set(sources) for one in measured)
        assert all(one is not None and one.wish is not None for one in measured)

    def test_nothing_is_measured_of_nothing(self, meter: ContributionMeter, query: Query) -> None:
        assert list(meter.measure(query, Ranking((), (), "retrieval"), query.positive_item_ids)) == []

    def test_the_same_call_measures_the_same(self, meter: ContributionMeter, query: Query, ranking: Ranking) -> None:
        first, again = (meter.measure(query, ranking, query.positive_item_ids) for _ in range(2))
        assert first == again

    def test_the_query_is_left_as_it_was(self, meter: ContributionMeter, query: Query, ranking: Ranking) -> None:
        before = query.positive_item_ids
        meter.measure(query, ranking, before)
        assert query.positive_item_ids == before
