"""First sentences to try, made of the catalogue's own facts."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from llmrec.data.catalogue import Catalogue, FactField
from llmrec.dialogue.messages import Messages

N_EXAMPLES = 4
_MAX_CHARS = 80


def example_prompts(catalogue: Catalogue, words: Messages) -> tuple[str, ...]:
    """At most four sentences the catalogue can answer, none for an empty one; the same each time."""
    prompts = (prompt for prompt in _prompts(catalogue, words) if len(prompt) <= _MAX_CHARS)
    return tuple(dict.fromkeys(prompts))[:N_EXAMPLES]


def is_year(field: FactField) -> bool:
    """Whether a number reads as a calendar year, so that it needs no name beside it."""
    return field.kind == "number" and field.low >= 1000 and field.high <= 2100


def _prompts(catalogue: Catalogue, words: Messages) -> Iterator[str]:
    values = _frequent_values(catalogue)
    years = [field for field in catalogue.fields.values() if is_year(field)]
    if values and years:
        yield words.say("example_decade", value=values[0], decade=_usual_decade(catalogue, years[0]))
    elif values:
        yield words.say("example_value", value=values[0])
    if len(values) > 2:
        yield words.say("example_but", value=values[1], other=values[2])
    # Rich entries make good examples, and the sort is stable: the first of them in the catalogue's order.
    rich = sorted(catalogue.values(), key=lambda item: -(len(item.facts) + bool(item.description)))
    yield from (words.say("example_loved", title=item.title) for item in rich[:1])
    yield words.say("example_any")


def kind_field(catalogue: Catalogue) -> FactField | None:
    """The fact that says most: it has few values that recur often, as a kind or a category does."""
    fields = [f for f in catalogue.fields.values() if f.kind in {"list", "text"} and 1 < len(f.values) < f.n_items]
    # A list ("genres") classifies; a text that recurs ("publisher") does so less.
    return min(fields, key=lambda f: (f.kind != "list", len(f.values) / f.n_items), default=None)


def _frequent_values(catalogue: Catalogue) -> tuple[str, ...]:
    field = kind_field(catalogue)
    return field.values if field is not None else ()


def _usual_decade(catalogue: Catalogue, field: FactField) -> int:
    years = [item.facts[field.name] for item in catalogue.values() if field.name in item.facts]
    return int(median(year for year in years if isinstance(year, (int, float)))) // 10 * 10
