"""How a reply came about, for the owner: every stage, where each shown item stood at it, and what the model was asked.

In English whatever the page speaks: it is the language of the code that it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.types import RankReport, StageTrace, Trace
from llmrec.ui.conversation import Card
from llmrec.ui.markup import Html, element, text


def trace_html(trace: Trace, cards: Sequence[Card], catalogue: Catalogue) -> Html:
    """A folded block: stages, ranks and parts of the shown items, the voices' weights, the model and its prompts."""
    ranked = [stage for stage in trace.stages if stage.order]
    parts = [_stages_html(trace.stages)]
    if cards:
        parts.append(_ranks_html(cards, ranked, trace.report, catalogue))
    if trace.report.weights:
        rows = ([name, f"{weight:.3f}"] for name, weight in trace.report.weights.items())
        parts.append(_table_html("Weights of the voices", ["voice", "weight"], rows))
    asked = [("model", trace.model), ("adapter", trace.adapter), ("prompt", trace.prompt_hash)]
    parts += [element("p", text(f"{name}: {value}")) for name, value in asked if value]
    parts += [element("p", text(note)) for note in trace.notes]
    parts += _prompts_html(trace.report)
    return element(
        "details",
        element("summary", Html("Trace"), class_="quiet"),
        *parts,
        class_="trace",
        lang="en",
        data_key="trace",
    )


def _prompts_html(report: RankReport) -> Iterator[Html]:
    """Word for word, before the model's own markup of a chat is put around the messages."""
    for number, prompt in enumerate(report.prompts, start=1):
        messages = "\n\n".join(f"{message.role}:\n{message.content}" for message in prompt.messages)
        yield _text_html(f"Prompt {number}", messages)
    if report.judged:
        yield _text_html("Put after it, each by itself", "\n\n".join(report.judged))


def _text_html(caption: str, value: str) -> Html:
    body = element("pre", text(value), tabindex="0", role="region", aria_label=caption)
    return element("div", element("p", Html(caption), class_="caption"), body, class_="prompt")


def _stages_html(stages: Sequence[StageTrace]) -> Html:
    rows = ([stage.name, f"{stage.n_in:,}", f"{stage.n_out:,}", f"{1000 * stage.seconds:.0f}"] for stage in stages)
    return _table_html("Stages", ["stage", "in", "out", "ms"], rows)


def _ranks_html(cards: Sequence[Card], stages: Sequence[StageTrace], report: RankReport, catalogue: Catalogue) -> Html:
    voices = list(dict.fromkeys(name for card in cards for name in card.voices))
    places = [{item_id: str(rank) for rank, item_id in enumerate(stage.order, start=1)} for stage in stages]
    raw = {item_id: f"{score:.3f}" for item_id, score in report.lm_scores.items()}

    def rows() -> Iterator[Sequence[str]]:
        for card in cards:
            parts = (f"{card.voices[name]:+.3f}" if name in card.voices else "" for name in voices)
            ranks = (place.get(card.item_id, "") for place in places)
            said = [raw.get(card.item_id, "")] if raw else []
            yield [catalogue[card.item_id].title, *ranks, *said, *parts]

    head = ["item", *(f"rank: {stage.name}" for stage in stages), *(["model's own score"] if raw else [])]
    return _table_html("Ranks and parts of the score", [*head, *(f"adds: {name}" for name in voices)], rows())


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
