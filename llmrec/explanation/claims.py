"""The ways in which a reason may be said, so that a text can be read back: all that it claims is one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from llmrec.types import Evidence, ItemId

# What stands before, between and after claims; none of it claims anything of the item or the user.
OPENINGS: Mapping[str, tuple[str, ...]] = {
    "You": ("You might enjoy it because ", "You may like it, since ", "You could enjoy this one: "),
    "Worth": ("Worth a look, since ", "Worth a look: ", "Worth a try because "),
    "Since": ("Since ",),
    "It": ("It might suit you because ", "It could be a match because ", "It may be worth a look, since "),
    "Try": ("Try it, since ", "Try this one: ", "Try it because "),
    "A": ("A pick for you because ", "A match for you, since ", "A suggestion for you: "),
}
CLOSINGS = (", it might suit you", ", you might enjoy it", ", it may be worth a look")
JOINTS = (", and ", "; ", "; also, ")
# Between what is said of "it" once named: "it is from 1991, has the Drama you asked for and shares Crime with Heat".
LINKS = (", ", " and ", ", and ")
SUBJECT = "it "
_LOVED, _MET = ", which you loved", ", which is in your history"
_PARTNERS = {
    _LOVED: ("{t}, which you loved", "{t}, one you loved", "{t}"),
    _MET: ("{t}, which is in your history", "{t} from your history", "{t}"),
}
_LEADS = {_LOVED: "you loved {t}, and this one {told}", _MET: "{t} is in your history, and this one {told}"}
_PAIRS = {
    _LOVED: ("it {a} and {b}, both of which you loved", "it {a} and {b}, and you loved both"),
    _MET: ("it {a} and {b}, both from your history", "it {a} and {b}, both of which are in your history"),
}
# What is said of the item and one of the user's: with the latter's name, and with "it" where it was named before.
_TIES = {
    "shared_fact": (("shares {v} with {t}", "has {v} in common with {t}"), ("shares {v} with it", "has {v} too")),
    "similar_item": (
        ("is close in content to {t}", "has content close to that of {t}"),
        ("is close to it in content", "is close in content to it"),
    ),
    "contribution": (
        ("scores higher thanks to {t}", "scores higher because of {t}"),
        ("scores higher thanks to it", "scores higher because of it"),
    ),
}
_INCLUDED = re.compile(r"its (?P<f>.+?) include (?P<v>.+), as you asked")
_VALUED = re.compile(r"its (?P<f>.+?) is (?P<v>.+), as you asked")
_DATED = re.compile(r"it is from (?P<v>\d+), (?P<r>.+)")
_BOUND = re.compile(r"its (?P<f>.+?) is (?P<v>[\d.]+), (?P<r>.+)")
_FITTING = re.compile(r"(?P<v>\".+\") fits? its (?P<f>.+)")
_HEARD = re.compile(r"it scores higher thanks to (?P<v>your words \".+\")")
_ASKED = "as you asked"
_FACTS: Sequence[tuple[re.Pattern[str], Sequence[str]]] = (
    (
        _INCLUDED,
        (
            "you asked for {v}, and its {f} include {it}",
            "its {f} include the {v} you asked for",
            "it has {v} among its {f}, as you asked",
            "it has the {v} you asked for",
        ),
    ),
    (_DATED, ("it is from {v}", "it is from {v}, as you asked", "its year, {v}, is {r}")),
    (_VALUED, ("you asked for {v}, and that is its {f}", "its {f} is the {v} you asked for")),
    (_BOUND, ("its {f} is {v}, as you asked", "at {v}, its {f} is {r}")),
    (_FITTING, ("it has {v} in its {f}", "its {f} has {v} in it")),
    (_HEARD, ("it scores higher because of {v}", "{v} make it score higher")),
)
_FLAGS = frozenset({"yes", "no"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A clause.

    Attributes:
        tells: Numbers of the reasons that it says whole.
        names: Whether it names an item of the user's, of which whatever follows without a subject would be said.
    """

    text: str
    tells: frozenset[int]
    names: bool


def claims(evidence: Sequence[Evidence], names: Mapping[ItemId, str]) -> Sequence[Claim]:
    """All clauses that say one of `evidence`, or two at once; `names` are what the user's items are called in them."""
    told = [
        Claim(text, frozenset({n}), one.item_id in names)
        for n, one in enumerate(evidence)
        for text in dict.fromkeys(_ways(one, names))
    ]
    for first, second in combinations(range(len(evidence)), 2):
        a, b = evidence[first], evidence[second]
        told += [Claim(text, frozenset({first, second}), a.item_id in names) for text in _together(a, b, names)]
    return told


def reasons(evidence: Sequence[Evidence], names: Mapping[ItemId, str], titles: Mapping[ItemId, str]) -> list[str]:
    """What a model is told: the reasons as they stand, `names` in the place of `titles`."""
    return [
        one.text.replace(titles[one.item_id], names[one.item_id]) if one.item_id and one.item_id in names else one.text
        for one in evidence
    ]


def told_in(text: str, known: Sequence[Claim]) -> frozenset[int]:
    """Numbers of the reasons that `text` says, made of openings, joints and `known` claims alone; none if of more."""
    if not text.endswith("."):
        return frozenset()
    body = text[:-1]
    # A title keeps its capital where "it" has one only because it begins the text.
    bare = (body, f"{body[:1].lower()}{body[1:]}")
    opened = [body[len(one) :] for several in OPENINGS.values() for one in several if body.startswith(one)]
    return next(filter(None, (_read(rest, known, frozenset()) for rest in (*bare, *opened))), frozenset())


def _read(text: str, known: Sequence[Claim], told: frozenset[int], *, subject: str = "") -> frozenset[int]:
    """What `text` says beside `told`; its first claim is told without `subject`."""
    for claim in known:
        said = claim.text.removeprefix(subject)
        if not claim.text.startswith(subject) or not text.startswith(said) or told & claim.tells:
            continue
        rest, now = text[len(said) :], told | claim.tells
        if not rest or rest in CLOSINGS:
            return now
        for joint in JOINTS:
            if rest.startswith(joint) and (found := _read(rest[len(joint) :], known, now)):
                return found
        for link in LINKS if is_linked(claim) else ():
            if rest.startswith(link) and (found := _read(rest[len(link) :], known, now, subject=SUBJECT)):
                return found
    return frozenset()


def is_linked(claim: Claim) -> bool:
    """Whether more may be said of "it" after this claim."""
    return claim.text.startswith(SUBJECT) and not claim.names


def _ways(one: Evidence, names: Mapping[ItemId, str]) -> Iterator[str]:
    """Clauses that say one reason, as it stands first."""
    name = names.get(one.item_id, "") if one.item_id else ""
    if not name:
        yield one.text
        for pattern, shapes in _FACTS:
            if (found := pattern.fullmatch(one.text)) is not None:
                # "You asked for yes" is nothing that anyone said.
                usable = shapes if found["v"] not in _FLAGS and _ASKED not in found.groupdict().get("r", "") else ()
                yield from (shape.format(**found.groupdict(), it="it") for shape in usable)
                return
        return
    status, value = _status(one), _values(one)
    named, unnamed = _TIES[one.kind]
    for partner in _PARTNERS[status]:
        yield from (f"it {verb.format(v=value, t=partner.format(t=name))}" for verb in named)
    yield from (_LEADS[status].format(t=name, told=verb.format(v=value)) for verb in unnamed)


def _together(one: Evidence, other: Evidence, names: Mapping[ItemId, str]) -> Iterator[str]:
    """Clauses that say two reasons at once, where they are alike."""
    if one.item_id in names and other.item_id in names and one.item_id and other.item_id:
        if _status(one) == _status(other):
            yield from _tied(one, other, names)
        return
    first, second = _INCLUDED.fullmatch(one.text), _INCLUDED.fullmatch(other.text)
    if first and second and first["f"] == second["f"]:
        value = f"{first['v']} and {second['v']}"
        yield f"its {first['f']} include {value}, as you asked"
        yield from (shape.format(f=first["f"], v=value, it="them") for shape in _FACTS[0][1])


def _tied(one: Evidence, other: Evidence, names: Mapping[ItemId, str]) -> Iterator[str]:
    for a, b in ((one, other), (other, one)):
        if a.item_id is None or b.item_id is None or a.item_id == b.item_id:
            continue  # one item is not both
        t, u = names[a.item_id], names[b.item_id]
        for first in _TIES[a.kind][0]:
            for second in _TIES[b.kind][0]:
                said, more = first.format(v=_values(a), t=t), second.format(v=_values(b), t=u)
                if a.kind == b.kind and first == second:
                    more = more.partition(" ")[2]
                elif a.kind == b.kind:
                    continue
                yield from (shape.format(a=said, b=more) for shape in _PAIRS[_status(a)])


def _values(one: Evidence) -> str:
    return one.value.replace(", ", " and ")


def _status(one: Evidence) -> str:
    return _LOVED if one.text.endswith(_LOVED) else _MET
