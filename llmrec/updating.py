"""Taking in what is new, and learning again only what cannot be had cheaper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmrec.build import Overrides, embedded, encoder_of, fit_tables, require_encoder
from llmrec.data.catalogue import Catalogue
from llmrec.data.columns import columns_by_table
from llmrec.data.ingest import ingest_interactions, ingest_items
from llmrec.data.interactions import Interactions
from llmrec.data.reports import IngestReport
from llmrec.dialogue.title_index import TitleIndex
from llmrec.errors import ArtifactError
from llmrec.index import SEED, Fitted
from llmrec.prompting.textualize import item_document
from llmrec.retrieval.hybrid import LEARNED, HybridRetriever
from llmrec.retrieval.updates import Widening
from llmrec.retrieval.vector_stores import ExactVectorStore
from llmrec.stages import STORED, StageContext, StoredRetriever
from llmrec.types import ItemId, Query, UserId, Vectors

if TYPE_CHECKING:
    from llmrec.data.tables import TableSource

_MAX_NEW = 0.2  # of all interactions may have come since weights were learned
_N_TRIED, _N_FOUND = 3, 10


@dataclass(frozen=True, slots=True)
class News:
    """What came in since a recommender was built.

    Attributes:
        items: Items to add, or to put in the place of those with the same ids; see `ingest_items`.
        interactions: What users did; rows that are known already are not counted twice.
        remove: Ids of items to take out.
        columns: Our column names to the tables' own.
    """

    items: TableSource | None = None
    interactions: TableSource | None = None
    remove: Sequence[str] = ()
    columns: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ReadNews:
    """News as values.

    Attributes:
        catalogue: The items from now on; without removals it begins with those there were.
        added: Interactions that were not known.
        known: All there were before, and `added`.
        reports: What became of the rows.
        notes: Sentences for whoever sent them.
    """

    catalogue: Catalogue
    added: Interactions
    known: Interactions
    reports: tuple[IngestReport, ...]
    notes: tuple[str, ...] = field(default=())


@runtime_checkable
class _Wide(StoredRetriever, Widening, Protocol):
    """A stored retriever that takes more items."""


def read_news(fitted: Fitted, news: News) -> ReadNews:
    """What `news` say of `fitted`.

    Raises:
        DataError: A table as a whole cannot be used.
        UnknownItemError: An item to remove is not there.
    """
    reports: list[IngestReport] = []
    item_columns, interaction_columns = columns_by_table(news.columns)
    kept = dict(fitted.catalogue)
    if news.items is not None:
        edits = ingest_items(news.items, columns=item_columns, joins=fitted.catalogue)
        kept |= edits.catalogue
        reports.append(edits.report)
    for item_id in dict.fromkeys(news.remove):
        del kept[fitted.catalogue.ids[fitted.catalogue.position(ItemId(item_id))]]
    is_same = news.items is None and not news.remove
    catalogue = fitted.catalogue if is_same else Catalogue(kept.values())
    added, notes = Interactions.from_rows((), catalogue), tuple[str, ...]()
    if news.interactions is not None:
        ingested = ingest_interactions(news.interactions, catalogue, columns=interaction_columns)
        reports.append(ingested.report)
        added, notes = _not_known(ingested.interactions, fitted.interactions)
    return ReadNews(catalogue, added, fitted.interactions.joined(added, catalogue), tuple(reports), notes)


def updated(fitted: Fitted, news: ReadNews, *, overrides: Overrides) -> Fitted:
    """`fitted` with `news` taken in.

    Only new and edited items are encoded. Closed forms equal a fit on everything, but for large ones, which lag behind
    by a twentieth of all interactions at most; what is trained by gradient trains on; weights of signals stay. All is
    learned again where an item is removed, and where a fifth of all interactions came since it was.

    Raises:
        DataError: No item would be left.
        AssetError, ModelError, ArtifactError: There is a text to encode, and no encoder, or another one.
    """
    removes = news.catalogue.ids[: len(fitted.catalogue)] != fitted.catalogue.ids
    if removes or _is_outgrown(fitted, news):
        return relearned(fitted, news, overrides=overrides)
    has_new_items = [*news.catalogue.values()] != [*fitted.catalogue.values()]
    fresh = replace(fitted, catalogue=news.catalogue)
    if has_new_items:
        vectors = ExactVectorStore(news.catalogue.ids, _vectors(fitted, news.catalogue, overrides))
        fresh = replace(fresh, vectors=vectors, titles=TitleIndex(news.catalogue))
    before = replace(fitted.interactions, item_ids=news.catalogue.ids)
    grown = {
        name: _widened(name, retriever, fresh, before) if has_new_items else retriever
        for name, retriever in fitted.retrievers.items()
    }
    if len(news.added):
        grown = {name: retriever.update(before, news.added) for name, retriever in grown.items()}
    return _with_news(replace(fresh, retrievers=grown), fitted, news)


def relearned(fitted: Fitted, news: ReadNews, *, overrides: Overrides) -> Fitted:
    """All of it learned again with `news`; only new and edited texts are encoded. Raises as `updated` does."""
    afresh = fit_tables(news.catalogue, news.known, settings=fitted.settings, name=fitted.name, overrides=overrides)
    noted = replace(news, notes=(*news.notes, "All weights were learned again."))
    return _with_news(replace(afresh, fusion=fitted.fusion), fitted, noted)


def require_sound(fitted: Fitted) -> None:
    """Recommend to some users with all that was learned. Raises ArtifactError when anything is broken."""
    met = fitted.interactions
    if not len(met):
        return
    chosen = np.unique(np.linspace(0, len(met.user_ids) - 1, _N_TRIED).astype(np.int64))
    for name, retriever in fitted.retrievers.items():
        if not np.isfinite(retriever.score_histories(met.histories(chosen))).all():
            raise _broken(f"{name} gives scores that are no numbers")
    for number in chosen.tolist():
        query = Query(history=met.history(met.user_ids[number]))
        if not any(retriever.retrieve(query, _N_FOUND) for retriever in fitted.retrievers.values()):
            raise _broken(f"it has nothing to recommend to the user {met.user_ids[number]!r}")


def _broken(why: str) -> ArtifactError:
    return ArtifactError(f"the new version is broken: {why}.", hint="The version there was keeps serving.")


def _is_outgrown(fitted: Fitted, news: ReadNews) -> bool:
    """Whether weights have to be learned for the first time, or were learned from too few of all interactions."""
    hybrid = fitted.retrievers.get("hybrid")
    if not isinstance(hybrid, HybridRetriever):
        return "hybrid" in fitted.settings.retrieval.weights and len(news.added) > 0
    return hybrid.came_since.get(LEARNED, 0) + len(news.added) > _MAX_NEW * len(news.known)


def _vectors(fitted: Fitted, catalogue: Catalogue, overrides: Overrides) -> Vectors:
    """The vectors there are, and those of new or edited texts, float32 [n_items, dim]."""
    texts = {item.id: item_document(item) for item in fitted.catalogue.values()}
    changed = [item for item in catalogue.values() if texts.get(item.id) != item_document(item)]
    if not changed:
        return fitted.vectors.matrix
    encoder = encoder_of(fitted.settings.changed(overrides.settings), overrides, fetch=True)
    require_encoder(fitted, encoder)
    vectors = np.empty((len(catalogue), fitted.vectors.dim), dtype=np.float32)
    vectors[: len(fitted.catalogue)] = fitted.vectors.matrix
    vectors[catalogue.positions(item.id for item in changed)] = embedded(Catalogue(changed), encoder, overrides)
    return vectors


def _widened(name: str, retriever: StoredRetriever, fresh: Fitted, before: Interactions) -> StoredRetriever:
    """`retriever` over the items of `fresh`; fitted again where it cannot be had without."""
    if isinstance(retriever, HybridRetriever) and retriever.widens:
        return retriever.described_by(fresh.catalogue, fresh.vectors.matrix)
    if isinstance(retriever, _Wide):
        return retriever.over(fresh.catalogue.ids)
    context = StageContext(fresh.catalogue, fresh.settings, vectors=lambda: fresh.vectors)
    return STORED[name].fit(before, context, SEED)


def _with_news(learned: Fitted, fitted: Fitted, news: ReadNews) -> Fitted:
    # What comes in later stands after the rest, so both together are in order of time where each is by itself.
    known_orders = ((fitted.interactions, fitted.has_time), (news.added, news.added.has_clock_times))
    in_time = all(has_time for met, has_time in known_orders if len(met))
    return replace(learned, interactions=news.known, reports=news.reports, notes=news.notes, has_time=in_time)


def _not_known(added: Interactions, known: Interactions) -> tuple[Interactions, tuple[str, ...]]:
    """Those of `added` that are neither known nor repeated, and a note when some were.

    The same user, item, strength and moment is the same interaction; so a file that is sent twice counts once.
    """
    seen = set(_rows(known.where(np.isin(known.users, _numbers_of(added.user_ids, known)))))
    is_new = np.zeros(len(added), dtype=np.bool_)
    for place, row in enumerate(_rows(added)):
        is_new[place] = row not in seen
        seen.add(row)
    n_known = int((~is_new).sum())
    note = f"{n_known} of {len(added)} new interactions were known already or stood there twice; they count once."
    return added.where(is_new), (note,) if n_known else ()


def _numbers_of(user_ids: Sequence[UserId], met: Interactions) -> NDArray[np.int64]:
    wanted = set(user_ids)
    return np.array([number for number, user_id in enumerate(met.user_ids) if user_id in wanted], dtype=np.int64)


def _rows(met: Interactions) -> Iterator[tuple[UserId, ItemId, float, float | None]]:
    columns = (column.tolist() for column in (met.users, met.items, met.values, met.at))
    for user, item, value, at in zip(*columns, strict=True):
        # nan is not even itself.
        yield met.user_ids[user], met.item_ids[item], value, None if at != at else at
