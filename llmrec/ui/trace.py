"""How a reply came about, for the owner: every stage, and where each shown item stood at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.types import StageTrace, Trace
from llmrec.ui.conversation import Card
from llmrec.ui.markup import Html, element, text


def trace_html(trace: Trace, cards: Sequence[Card], catalogue: Catalogue) -> Html:
    """A folded block with the stages, the ranks and parts of the shown items, and the model that was asked."""
    ranked = [stage for stage in trace.stages if stage.order]
    parts = [_stages_html(trace.stages)]
    if cards:
        parts.append(_ranks_html(cards, ranked, catalogue))
    asked = [("model", trace.model), ("adapter", trace.adapter), ("prompt", trace.prompt_hash)]
    parts += [element("p", text(f"{name}: {value}")) for name, value in asked if value]
    parts += [element("p", text(note)) for note in trace.notes]
    return element(
        "details", element("summary", Html("Trace"), class_="quiet"), *parts, class_="trace", data_key="trace"
    )


def _stages_html(stages: Sequence[StageTrace]) -> Html:
    rows = ([stage.name, f"{stage.n_in:,}", f"{stage.n_out:,}", f"{1000 * stage.seconds:.0f}"] for stage in stages)
    return _table_html("Stages", ["stage", "in", "out", "ms"], rows)


def _ranks_html(cards: Sequence[Card], stages: Sequence[StageTrace], catalogue: Catalogue) -> Html:
    voices = list(dict.fromkeys(name for card in cards for name in card.voices))
    places = [{item_id: str(rank) for rank, item_id in enumerate(stage.order, start=1)} for stage in stages]

    def rows() -> Iterator[Sequence[str]]:
        for card in cards:
            parts = (f"{card.voices[name]:+.3f}" if name in card.voices else "" for name in voices)
            yield [catalogue[card.item_id].title, *(place.get(card.item_id, "") for place in places), *parts]

    head = ["item", *(f"rank: {stage.name}" for stage in stages), *(f"adds: {name}" for name in voices)]
    return _table_html("Ranks and parts of the score", head, rows())


def _table_html(caption: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> Html:
    cells = (element("th", text(name), scope="col") for name in head)
    body = (element("tr", *(element("td", text(value)) for value in row)) for row in rows)
    table = element(
        "table",
        element("caption", Html(caption)),
        element("thead", element("tr", *cells)),
        element("tbody", *body),
    )
    return element("div", table, class_="table", tabindex="0", role="region", aria_label=caption)
