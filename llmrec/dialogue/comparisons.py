"""Questions between items: "which one is newer?", "compare the first two", answered from what is recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.dimensions import DIMENSIONS, field_of
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.references import references_to
from llmrec.dialogue.words import Span, one_of
from llmrec.types import FactValue, ItemId

_MAX_COMPARED = 4
_MAX_FACTS = 5
_COMPARED = re.compile(
    r"\b(?:compare|(?:what(?:'s|\s+is|\s+are)\s+)?(?:the\s+)?differences?\s+between)\s+(?P<what>[^.;!?\n\x00]{2,200})",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s*,\s*|\s+(?:and|with|to|or)\s+(?:with\s+)?", re.IGNORECASE)


class Comparisons:
    """Compares items of one catalogue."""

    def __init__(self, catalogue: Catalogue, *, titled: Callable[[str], tuple[ItemId, ...]]) -> None:
        """Know what is measured; `titled` finds the items that a text names."""
        self._catalogue = catalogue
        self._titled = titled
        self._directions = dict(_directions(catalogue))
        words = one_of([re.escape(word).replace(r"\ ", " ") for word in self._directions] or ["(?!)"])
        self._which = re.compile(
            r"\b(?:which|what)(?:\s+(?:one|of\s+(?:them|these|those|the\s+\w+)))?(?:'s|\s+(?:is|are|was))\s+(?:the\s+)?"
            rf"(?P<word>{words})(?:\s+one)?\b[^.,;!?\n\x00]*",
            re.IGNORECASE,
        )

    def read(self, draft: Draft) -> None:
        """Answer the comparisons that `draft` asks for."""
        which = self._which.search(draft.rest)
        items = draft.asked_of if len(draft.asked_of) > 1 else draft.in_view()
        if which and len(items) > 1:
            self._tell_which(draft, which, items)
        compared = _COMPARED.search(draft.rest)
        chosen = self._named(draft, compared["what"]) if compared else ()
        if compared and len(chosen) > 1:
            self._tell_both(draft, compared, chosen)

    def _tell_which(self, draft: Draft, asked: re.Match[str], items: Sequence[ItemId]) -> None:
        field, sign = self._directions[re.sub(r"\s+", " ", asked["word"]).casefold()]
        if not field:
            draft.note("cannot_act", phrase=asked.group().strip())
            _asked(draft, asked, items)
            return
        values = {item_id: value for item_id in items if (value := self._number(item_id, field)) is not None}
        if not values:
            draft.note("not_said", title=self._catalogue[items[0]].title)
        best = max((sign * value for value in values.values()), default=0)
        for item_id in [item_id for item_id, value in values.items() if sign * value == best][:_MAX_COMPARED]:
            shown = f"{values[item_id]:g}"
            draft.note("fact", title=self._catalogue[item_id].title, field=field.replace("_", " "), value=shown)
        _asked(draft, asked, items)

    def _tell_both(self, draft: Draft, asked: re.Match[str], items: Sequence[ItemId]) -> None:
        """The facts in which the items differ."""
        facts = [self._catalogue[item_id].facts for item_id in items]
        names = [name for name in self._catalogue.fields if any(fact.get(name) != facts[0].get(name) for fact in facts)]
        for item_id in items:
            item = self._catalogue[item_id]
            told = [f"{n.replace('_', ' ')} {_shown(item.facts[n])}" for n in names if n in item.facts][:_MAX_FACTS]
            if told:
                draft.note("compared", title=item.title, facts="; ".join(told))
            else:
                draft.note("not_said", title=item.title)
        _asked(draft, asked, items)

    def _named(self, draft: Draft, what: str) -> tuple[ItemId, ...]:
        """The items `what` names or points at, in its order of kinds; all that is in view for "them"."""
        titled = [item_id for part in _JOINT.split(what) for item_id in self._titled(part)[:1]]
        pointed = [item_id for m in references_to(draft.in_view(), what, it=draft.it()) for item_id in m.item_ids]
        return tuple(dict.fromkeys([*titled, *pointed]))[:_MAX_COMPARED]

    def _number(self, item_id: ItemId, field: str) -> float | None:
        value = self._catalogue[item_id].facts.get(field)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _asked(draft: Draft, asked: re.Match[str], items: Sequence[ItemId]) -> None:
    draft.act("question", items, about=asked.group().strip())
    draft.cut(Span(*asked.span()))


def _directions(catalogue: Catalogue) -> Iterator[tuple[str, tuple[str, int]]]:
    """Comparatives and superlatives, each with its field and whether the most (1) or the least (-1) is meant.

    The field is empty where this catalogue does not record what is compared.
    """
    for dimension in DIMENSIONS:
        field = field_of(dimension, catalogue)
        for phrases, sign in ((dimension.more, 1), (dimension.less, -1)) if field or not dimension.is_mood else ():
            for phrase in phrases:
                yield phrase, (field, sign)
                yield _superlative(phrase), (field, sign)


def _superlative(phrase: str) -> str:
    head, _, rest = phrase.partition(" ")
    head = {"more": "most", "less": "least", "better": "best"}.get(head) or f"{head.removesuffix('er')}est"
    return f"{head} {rest}".strip()


def _shown(value: FactValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
