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
    r"\b(?:(?P<common>what\s+do(?:es)?\s+(?P<those>[^.;!?\n\x00]{2,120}?)\s+have\s+in\s+common)"
    r"|(?:compare|(?:what(?:'s|\s+is|\s+are)\s+)?(?:the\s+)?differences?\s+between"
    r"|how\s+(?:do(?:es)?|is|are)(?=\s[^.;!?\n\x00]{2,120}\bdiffer)"
    r"|(?:what|which)(?:\s+one)?(?:'s|\s+is)\s+(?:better|best)\b,?(?=[^.;!?\n\x00]{2,120}\bor\b))"
    r"\s+(?P<what>[^.;!?\n\x00]{2,200}))",
    re.IGNORECASE,
)
_VERSUS = re.compile(r"^\W*(?P<what>[^.;!?\n\x00]{2,120}?\s(?:vs\.?|versus)\s[^.;!?\n\x00]{2,120})\W*$", re.IGNORECASE)
_JOINT = re.compile(
    r"\s*,\s*|\s+(?:and|with|to|or|from|than|vs\.?|versus|differ(?:s|ent)?)\s+(?:(?:with|from|to|than)\s+)?",
    re.IGNORECASE,
)


_THEY = re.compile(r"\bthey\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,2}")


class Comparisons:
    """Compares items of one catalogue."""

    def __init__(self, catalogue: Catalogue, *, titled: Callable[[str], tuple[ItemId, ...]]) -> None:
        """Know what is measured; `titled` finds the items that a text names."""
        self._catalogue = catalogue
        self._titled = titled
        self._directions = dict(_directions(catalogue))
        words = one_of([re.escape(word).replace(r"\ ", " ") for word in self._directions] or ["(?!)"])
        self._than = re.compile(
            rf"\b(?:is|are|was|were|does|do)\s+(?P<one>[^.,;!?\n\x00]{{2,100}}?)\s+(?P<word>{words})\s+than\s+"
            r"(?P<other>[^.,;!?\n\x00]{2,100})",
            re.IGNORECASE,
        )
        self._which = re.compile(
            r"\b(?:which|what)(?:\s+(?:one|of\s+(?:them|these|those|the\s+\w+)))?(?:'s|\s+(?:is|are|was))\s+(?:the\s+)?"
            rf"(?P<word>{words})(?:\s+one)?\b[^.,;!?\n\x00]*",
            re.IGNORECASE,
        )

    def read(self, draft: Draft) -> None:
        """Answer the comparisons that `draft` asks for."""
        than = self._than.search(draft.rest)
        if than:
            self._tell_than(draft, than)
        which = self._which.search(draft.rest)
        if which:
            self._tell_which(draft, which)
        compared = _COMPARED.search(draft.rest) or _VERSUS.search(draft.rest)
        if compared is None:
            return
        those = compared.groupdict().get("those")
        chosen = self._named(draft, _THEY.sub("them", those) if those else compared["what"])
        if len(chosen) > 1:
            self._tell_both(draft, compared, chosen, in_common=those is not None)
        elif draft.in_view() and compared.re is _COMPARED:
            draft.note("no_such")
            _asked(draft, compared, chosen)

    def _tell_than(self, draft: Draft, asked: re.Match[str]) -> None:
        """Answer "is the first one longer than Heat?"."""
        field, sign = self._directions[_one_space(asked["word"])]
        ones, others = self._named(draft, asked["one"]), self._named(draft, asked["other"])[:1]
        if not ones or not others:
            missing = [m for m in references_to(draft.in_view(), asked.group()) if not m.item_ids]
            if missing and draft.in_view():
                draft.note("no_such")
                _asked(draft, asked, ())
            return
        items = (*ones, *others)
        values = {item_id: value for item_id in items if (value := self._number(item_id, field)) is not None}
        unknown = [self._catalogue[item_id].title for item_id in items if item_id not in values]
        if unknown:
            draft.note("not_said", title=draft.words.both(unknown))
        for one in ones if others[0] in values else ():
            if one in values:
                is_so = sign * values[one] > sign * values[others[0]]
                facts = "; ".join(self._measured(item_id, field, values[item_id]) for item_id in (one, others[0]))
                draft.note("than_so" if is_so else "than_not_so", facts=facts)
        _asked(draft, asked, items)

    def _tell_which(self, draft: Draft, asked: re.Match[str]) -> None:
        field, sign = self._directions[_one_space(asked["word"])]
        # "Which is lighter, the first or the second?"
        chosen = self._named(draft, draft.rest[asked.end() :])
        items = chosen if len(chosen) > 1 else draft.asked_of if len(draft.asked_of) > 1 else draft.in_view()
        if len(items) <= 1:
            return
        draft.cut(Span(asked.end(), len(draft.text)) if len(chosen) > 1 else None)
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

    def _tell_both(self, draft: Draft, asked: re.Match[str], items: Sequence[ItemId], *, in_common: bool) -> None:
        """The facts in which the items differ, or those that they share."""
        if in_common:
            self._tell_shared(draft, items)
        else:
            self._tell_apart(draft, items)
        _asked(draft, asked, items)

    def _tell_apart(self, draft: Draft, items: Sequence[ItemId]) -> None:
        facts = [self._catalogue[item_id].facts for item_id in items]
        names = [name for name in self._catalogue.fields if any(fact.get(name) != facts[0].get(name) for fact in facts)]
        for item_id in items:
            item = self._catalogue[item_id]
            told = [f"{n.replace('_', ' ')} {_shown(item.facts[n])}" for n in names if n in item.facts][:_MAX_FACTS]
            if told:
                draft.note("compared", title=item.title, facts="; ".join(told))
            else:
                draft.note("not_said", title=item.title)

    def _tell_shared(self, draft: Draft, items: Sequence[ItemId]) -> None:
        titles = draft.words.both([self._catalogue[item_id].title for item_id in items])
        facts = [self._catalogue[item_id].facts for item_id in items]
        shared = {name: _in_all([fact.get(name) for fact in facts]) for name in self._catalogue.fields}
        told = [f"{name.replace('_', ' ')} {_shown(value)}" for name, value in shared.items() if value is not None]
        if told:
            draft.note("in_common", titles=titles, facts="; ".join(told))
        else:
            draft.note("nothing_in_common", titles=titles)

    def _measured(self, item_id: ItemId, field: str, value: float) -> str:
        return f"{self._catalogue[item_id].title}: {field.replace('_', ' ')} {value:g}"

    def _named(self, draft: Draft, what: str) -> tuple[ItemId, ...]:
        """The items `what` names or points at, in its order of kinds; all that is in view for "them"."""
        parts = _JOINT.split(what)
        titled = [item_id for part in parts for item_id in self._titled(part)[:1]]
        if all(_NUMBER.fullmatch(part) for part in parts):
            what = ", ".join(f"#{part}" for part in parts)
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


def _in_all(values: Sequence[FactValue | None]) -> FactValue | None:
    """What all of `values` have: of lists the common part, else the one value; None for nothing."""
    first = values[0]
    if isinstance(first, tuple):
        common = tuple(one for one in first if all(isinstance(other, tuple) and one in other for other in values))
        return common or None
    return first if all(other == first for other in values) else None


def _one_space(words: str) -> str:
    return re.sub(r"\s+", " ", words).casefold()


def _superlative(phrase: str) -> str:
    head, _, rest = phrase.partition(" ")
    head = {"more": "most", "less": "least", "better": "best"}.get(head) or f"{head.removesuffix('er')}est"
    return f"{head} {rest}".strip()


def _shown(value: FactValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
