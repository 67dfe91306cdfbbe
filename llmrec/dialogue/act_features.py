"""What a classifier of acts sees of a turn: its words, what the grammar heard in it, and what was said before it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from llmrec.dialogue import acts, reactions
from llmrec.dialogue.critiques import names_quality
from llmrec.dialogue.cues import find_cues
from llmrec.dialogue.question_topics import asks_about_item
from llmrec.dialogue.wishes import is_refinement

TITLE = "ttl"
"""Stands for every title in the texts of a situation."""

N_FEATURES = 1 << 15
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[?!]")
_SEEN_QUESTION = re.compile(
    rf"\b(?:have|did)\s+you\s+(?:seen|ever|watch|see|read|play|tried)|\bseen\s+(?:it|that|{TITLE})"
)
_KIND_QUESTION = re.compile(
    r"\bwhat\s+(?:kind|type|sort|genre|are|is|do|about)\b|\bwhich\b|\bany(?:thing)?\s+(?:particular|specific)\b"
    r"|\bdo\s+you\s+(?:like|prefer|enjoy|have)\b|\bare\s+you\b"
)
_LENGTHS = (3, 8, 15)
_WORDS, _LETTERS, _BEFORE, _SITUATED, _FLAGS = 3.0, 1.5, 1.5, 1.0, 0.35


@dataclass(frozen=True, slots=True)
class Situation:
    """A user's message and what stands around it, titles masked by `TITLE`.

    Attributes:
        before: What was said to the user just before; empty at the start.
        n_turns: How many messages the user wrote before this one.
        is_offered: Whether an item was offered just before.
        was_offered: Whether an item was offered at any time before.
        names_offered: Whether the message names an item that was offered.
        names_new: Whether it names an item nobody named before.
    """

    text: str
    before: str = ""
    n_turns: int = 0
    is_offered: bool = False
    was_offered: bool = False
    names_offered: bool = False
    names_new: bool = False


def feature_rows(situations: Sequence[Situation]) -> sp.csr_array:
    """One row for each situation, float64 [n, N_FEATURES]; features that collide add up."""
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for situation in situations:
        for name, value in _features(situation):
            columns.append(zlib.crc32(name.encode()) % N_FEATURES)
            values.append(value)
        ends.append(len(values))
    shape = (len(situations), N_FEATURES)
    rows = sp.csr_array(
        (np.array(values), np.array(columns, dtype=np.int32), np.array(ends, dtype=np.int32)), shape=shape
    )
    rows.sum_duplicates()
    return rows


def _features(situation: Situation) -> Iterator[tuple[str, float]]:
    text, before = situation.text.casefold(), situation.before.casefold()
    words, earlier = _TOKEN.findall(text), _TOKEN.findall(before)
    place = "o" if situation.is_offered else "w" if situation.was_offered else "n"
    yield from _weighed("w:", _n_grams(words, 3), _WORDS)
    yield from _weighed("c:", _letter_groups(words), _LETTERS)
    yield from _weighed("p:", _n_grams(earlier, 2), _BEFORE)
    yield from _weighed(f"{place}:", set(words), _SITUATED)
    yield from _weighed("f:", _crossed(_flags(situation, text, before, words)), _FLAGS, normed=False)


def _weighed(prefix: str, names: set[str], weight: float, *, normed: bool = True) -> Iterator[tuple[str, float]]:
    value = weight / max(1, len(names)) ** 0.5 if normed else weight
    for name in names:
        yield prefix + name, value


def _n_grams(words: Sequence[str], longest: int) -> set[str]:
    padded = ["^", *words, "$"]
    return {" ".join(padded[i : i + n]) for n in range(1, longest + 1) for i in range(len(padded) - n + 1)}


def _letter_groups(words: Sequence[str]) -> set[str]:
    padded = [f" {word} " for word in words]
    return {word[i : i + n] for word in padded for n in (3, 4) for i in range(len(word) - n + 1)}


_GRAMMAR: Mapping[str, Callable[[str], object]] = {
    "accepts": reactions.find_acceptance, "refuses": reactions.find_refusal, "passes": reactions.find_passing,
    "more": reactions.find_more, "so_so": reactions.find_so_so, "refines": is_refinement, "asks": acts.is_question,
    "requests": acts.is_request, "talks": acts.is_small_talk, "quality": names_quality, "about_item": asks_about_item,
}  # fmt: skip


# What a sentence speaks of, roughly: enough to tell "it was great" (known) from "that looks great" (taken).
_TONES: Mapping[str, re.Pattern[str]] = {
    "praise": re.compile(
        r"\b(?:good|great|awesome|amazing|excellent|hilarious|funny|fantastic|perfect|classic|cool|nice|best|fun|favou?rites?"
        r"|loved?|liked?|enjoy(?:ed)?|wonderful|brilliant|interesting|intriguing)\b"
    ),
    "blame": re.compile(
        r"\b(?:bad|boring|bored|terrible|awful|hated?|dislike[sd]?|stupid|dumb|worst|weird|disappoint\w*|overrated|silly|sucks?"
        r"|too|lacking|slow|meh)\b"
    ),
    "negation": re.compile(r"n't\b|\b(?:not|never|no|nothing|neither|dont|didnt|havent|haven|isnt|wasnt|cant)\b"),
    "past": re.compile(
        r"\b(?:was|were|saw|seen|watched|loved|liked|liekd|enjoyed|hated|did|read|remember|thought|found|already|rewatch\w*)\b"
    ),
    "future": re.compile(
        r"\b(?:will|'ll|ill|would|going|gonna|might|maybe|try|check|add|give|look\s+(?:into|up|for)|later|tonight|soon|list)\b"
        r"|'ll\b"
    ),
    "unknown": re.compile(
        r"\b(?:haven't|havent|have\s+not|have\s+never|never|not|n't)\s+(?:yet\s+)?(?:seen|heard|watched|saw|see)\b"
    ),
    "known": re.compile(
        r"\b(?:i|we|i've|we've|ive)\s+(?:have\s+|already\s+|actually\s+|just\s+|did\s+)*(?:seen|saw|watched|see|read)\b"
    ),
    "looks": re.compile(r"\b(?:sounds?|looks?|seems?|heard)\b"),
}


def _flags(situation: Situation, text: str, before: str, words: Sequence[str]) -> set[str]:
    n_titles = words.count(TITLE)
    flags = {
        "first": situation.n_turns == 0, "second": situation.n_turns == 1, "offered": situation.is_offered,
        "was_offered": situation.was_offered, "asked": "?" in before, "none_before": not before,
        "names_offered": situation.names_offered, "names_new": situation.names_new, "question": "?" in text,
        "no_title": n_titles == 0, "title": n_titles == 1, "titles": n_titles > 1,
        "asked_seen": _SEEN_QUESTION.search(before), "asked_kind": _KIND_QUESTION.search(before),
        f"length_{sum(len(words) > n for n in _LENGTHS)}": True,
    }  # fmt: skip
    heard = {name for name, hears in _GRAMMAR.items() if hears(text)} | {
        f"cue_{cue.kind}" for cue in find_cues(text) if not cue.weak
    }
    tones = [name for name, tone in _TONES.items() if tone.search(text)]
    together = {f"{one}+{other}" for i, one in enumerate(tones) for other in tones[i + 1 :]}
    return (
        {name for name, is_so in flags.items() if is_so} | heard | set(tones) | together | {"tones_" + "+".join(tones)}
    )


def _crossed(flags: set[str]) -> set[str]:
    """The flags, and each with what is so around the message: "an item was offered, and the user speaks of seeing"."""
    around = sorted(flags & _AROUND)
    return flags | {f"{one}&{other}" for one in around for other in flags if one != other}


_AROUND = {
    "offered",
    "was_offered",
    "asked",
    "asked_seen",
    "asked_kind",
    "first",
    "names_offered",
    "names_new",
    "no_title",
}
