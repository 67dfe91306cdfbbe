"""What a message says of items: liked, disliked, seen, taken; named by title or pointed at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.cues import twist_after, verdict_after
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.mentions import MentionFinder
from llmrec.dialogue.profile import STANCES, Stance, add_items, remove_items
from llmrec.dialogue.reading import Mention, Missing
from llmrec.dialogue.references import read_answer, references_to
from llmrec.dialogue.title_index import TitleIndex
from llmrec.types import Act, ItemId, Profile, Verdict

_MAX_ITEMS = 50
_MAX_CHOICES = 10
_MAX_NAMED = 5
_MAX_TITLE_CHARS = 80
_LIKENESS = re.compile(
    r"\b(?:like|similar|lines\s+of|style|vein|spirit|mood|manner|feel|vibe|reminiscent|reminds|as\s+\w+\s+as|mix(?:ture)?|blend|cross"
    r"|combination|comparable|resembling|alternatives?|same|close(?:r)?|meets|crossed\s+with)\b",
    re.IGNORECASE,
)
_VERB_LIKE = re.compile(
    r"\b(?:i|we|you|they|he|she)(?:'d|'ll)?(?:\s+(?:do|did|would|really|also|quite|just|always|still))*\s+like\b",
    re.IGNORECASE,
)
_MAX_JOINT_CHARS = 16
_MAX_SUBJECT_CHARS = 20
_KNOWN = re.compile(r"\b(?:loved|enjoyed|liked|adored|hated|disliked|didn't|couldn't|wasn't|was|were)\b", re.IGNORECASE)


class ItemStatements:
    """Reads statements about the items of one catalogue."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex, *, is_value: Callable[[str], bool]) -> None:
        """Look titles up in `titles`; `is_value` tells the values of facts, which are seldom meant as titles."""
        self._catalogue = catalogue
        self._titles = titles
        self._mentions = MentionFinder(titles, is_value=is_value)

    def read_answer(self, draft: Draft) -> None:
        """Take the choice among the items that were asked about last."""
        pending, stance = draft.profile.pending, draft.profile.pending_as
        draft.profile = replace(draft.profile, pending=(), pending_as="")
        answer = read_answer(draft.rest, pending, self._titles) if pending and stance else None
        # "The second one was great" answers nothing: it says something new of an item.
        if answer is not None and stance and verdict_after(draft.text, answer.span.end) is None:
            draft.profile = add_items(draft.profile, stance, answer.item_ids, turn=draft.turn)
            draft.act("answer", answer.item_ids)
            draft.said = True
            draft.cut(answer.span)

    def read(self, draft: Draft) -> None:
        """Take every statement about an item."""
        rest = draft.rest
        mentions = self._mentions.find(rest, references=references_to(draft.in_view(), rest, it=draft.it()))
        for mention in mentions.found[:_MAX_ITEMS]:
            self._take(draft, mention)
        # "The third one" of two shown says nothing that could be wished for.
        draft.cut(*mentions.aimless)
        for missing in mentions.missing:
            self._say_missing(draft, missing)
            draft.cut(missing.cut)
            draft.said = draft.said or missing.cut is not None

    def _take(self, draft: Draft, mention: Mention) -> None:
        if "unseen" in mention.stances:
            draft.profile = remove_items(draft.profile, mention.item_ids, ("seen",))
            draft.cut(mention.cut)
        stances = [stance for stance in STANCES if stance in mention.stances]
        if not stances:
            return
        chosen = self._meant(draft.profile, mention)
        draft.acts += _acts_of(draft, mention, stances, chosen)
        for stance in stances:
            self._take_stance(draft, mention, stance, chosen)
        draft.cut(mention.cut)
        draft.said = draft.said or stances != ["accepted"]

    def _meant(self, profile: Profile, mention: Mention) -> tuple[ItemId, ...]:
        """The items that are certainly meant; none when the user has to be asked."""
        choices = mention.item_ids
        if mention.plural or self._same_work(choices):
            return choices
        known = self._known_already(profile, choices)
        return known if known and self._same_work(known) else ()

    def _take_stance(self, draft: Draft, mention: Mention, stance: Stance, chosen: Sequence[ItemId]) -> None:
        if not chosen:
            choices = self._known_already(draft.profile, mention.item_ids) or mention.item_ids
            self._ask_which(draft, choices, stance)
            return
        if not mention.exact:
            draft.note("took_for", typed=mention.text[:_MAX_TITLE_CHARS], title=self._title(chosen[0]))
        if stance == "accepted":
            draft.note("accepted", titles=draft.words.both([self._title(item_id) for item_id in chosen]))
        draft.profile = add_items(draft.profile, stance, chosen, turn=draft.turn)

    def _same_work(self, item_ids: Sequence[ItemId]) -> bool:
        """Whether the items look the same to the user, so that asking which one is meant makes no sense."""
        return len({self._title(item_id) for item_id in item_ids}) <= 1

    def _known_already(self, profile: Profile, item_ids: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Those of the items the conversation has been about: the user need not say again which one is meant."""
        entries = (*profile.liked, *profile.disliked, *profile.seen, *profile.shown)
        known = {entry.item_id for entry in entries}
        return tuple(item_id for item_id in item_ids if item_id in known)

    def _ask_which(self, draft: Draft, item_ids: Sequence[ItemId], stance: Stance) -> None:
        if tuple(item_ids[:_MAX_CHOICES]) == draft.asked_about:
            return  # the user was asked just now and did not care to answer
        if draft.question:
            draft.note("namesakes", title=self._title(item_ids[0]))
            return
        shown = [self._title(item_id) for item_id in item_ids[:_MAX_NAMED]]
        draft.question = draft.words.say("which_one", titles=draft.words.either(shown))
        draft.profile = replace(draft.profile, pending=tuple(item_ids[:_MAX_CHOICES]), pending_as=stance)

    def _say_missing(self, draft: Draft, missing: Missing) -> None:
        typed = missing.text[:_MAX_TITLE_CHARS]
        if missing.nearest:
            draft.note("missing_nearest", typed=typed, title=self._title(missing.nearest[0]))
        else:
            draft.note("missing", typed=typed)

    def _title(self, item_id: ItemId) -> str:
        return self._catalogue[item_id].title


def _acts_of(draft: Draft, mention: Mention, stances: Sequence[Stance], chosen: Sequence[ItemId]) -> list[Act]:
    """The acts of one statement: an opinion of a shown item means that it is known or not wanted."""
    words = draft.text[mention.cut.start : mention.cut.end] if mention.cut else ""
    verdict: Verdict = "loved" if "liked" in stances else "hated" if "disliked" in stances else ""
    is_shown = set(chosen) <= set(draft.shown_last()) and bool(chosen)
    acts: list[Act] = []
    if "seen" in stances or (verdict and is_shown and _KNOWN.search(words)):
        acts.append(Act("seen", tuple(chosen), verdict))
    if "accepted" in stances:
        acts.append(Act("accept", tuple(chosen)))
    if "disliked" in stances:
        acts.append(Act("reject" if is_shown else "preference", tuple(chosen), verdict))
    if "liked" in stances and not acts:
        acts.append(Act("compare" if _is_measure(draft.text, mention) else "preference", tuple(chosen), verdict))
    return acts


def _is_measure(text: str, mention: Mention) -> bool:
    """Whether what is liked is what others are to be like: "similar to Heat", "Heat in space"."""
    start = mention.span.start
    if mention.cut is not None and mention.cut.start < start:
        # The subject may stand before what is cut: "I" of "I like".
        said = text[max(0, mention.cut.start - _MAX_SUBJECT_CHARS) : start]
        return _LIKENESS.search(_VERB_LIKE.sub("", said)) is not None
    joined = re.search(r"\b(?:meets|crossed\s+with)\W*$", text[max(0, start - _MAX_JOINT_CHARS) : start], re.IGNORECASE)
    return joined is not None or twist_after(text, mention.span.end) is not None
