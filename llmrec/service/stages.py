"""The stages that ask the language model, sent through the engine; everything else of a recommender stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmrec.build import Around
from llmrec.interfaces import Phraser, Ranker, rankings_of, ranks_together
from llmrec.ranking.retrieval_order import RetrievalOrderRanker, retrieval_ranking
from llmrec.recommender import Recommender
from llmrec.service.engine import DeadlineError, Engine, SharedWork
from llmrec.service.tickets import current_ticket
from llmrec.types import Candidate, Explanation, Query, Ranking, RankReport


@dataclass(frozen=True, slots=True)
class _Asked:
    query: Query
    candidates: Sequence[Candidate]


class QueuedRanker:
    """Ranks when the model is free; at the request's deadline the retrieval order is the answer, and says so."""

    def __init__(self, ranker: Ranker, engine: Engine, *, batch_size: int = 1) -> None:
        """Rank with `ranker` in `engine`, at most `batch_size` requests in one pass where it can."""
        self._engine = engine

        def rank(asked: Sequence[_Asked]) -> Sequence[Ranking]:
            return rankings_of(ranker, [one.query for one in asked], [one.candidates for one in asked])

        self._work = SharedWork(rank, batch_size if ranks_together(ranker) else 1)

    def rank(self, query: Query, candidates: Sequence[Candidate]) -> Ranking:
        """What `ranker` gives, or the candidates' order when its time was up. Raises ClientLeft."""
        try:
            ranking = self._engine.run_shared(self._work, _Asked(query, candidates))
        except DeadlineError as error:
            ranking = retrieval_ranking(candidates, RankReport(degraded=error.message))
        ticket = current_ticket()
        # The first ranking is the answer's; explanations ask again what would be without one thing.
        if ticket is not None and ticket.report is None:
            ticket.report = ranking.report
            ticket.degraded = ranking.report.degraded
        return ranking


class QueuedPhraser:
    """Phrases when the model is free; at the request's deadline the explanations stay as they are."""

    def __init__(self, phraser: Phraser, engine: Engine) -> None:
        """Phrase with `phraser` in `engine`."""
        self._phraser = phraser
        self._engine = engine

    def phrase(self, query: Query, explanations: Sequence[Explanation]) -> Sequence[Explanation]:
        """What `phraser` gives, or `explanations` when its time was up. Raises ClientLeft."""
        ticket = current_ticket()
        if ticket is not None and ticket.seconds_left == 0:
            return explanations
        try:
            return self._engine.run(lambda: self._phraser.phrase(query, explanations))
        except DeadlineError:
            return explanations


def queued(recommender: Recommender, engine: Engine, *, batch_size: int) -> Recommender:
    """The same recommender, whose model only `engine` asks; it is loaded now. Raises AssetError, ModelError."""

    def around_ranker(ranker: Ranker) -> Ranker:
        if isinstance(ranker, RetrievalOrderRanker):
            return ranker
        return QueuedRanker(ranker, engine, batch_size=batch_size)

    own = recommender.through(Around(around_ranker, lambda phraser: QueuedPhraser(phraser, engine)))
    own.warm_up()
    return own
