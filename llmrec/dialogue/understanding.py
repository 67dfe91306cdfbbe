"""The dialogue tracker of exact readers: what one message changes in the profile. It keeps nothing between calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import contradiction
from llmrec.dialogue import acts
from llmrec.dialogue.cues import verdict_after
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.mentions import MentionFinder
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import (
    Stance,
    add_constraints,
    add_items,
    add_wish,
    drop_constraints,
    forget_constraints,
    is_blank,
    remove_items,
    summary,
    undo,
)
from llmrec.dialogue.reading import Mention, Missing, Reading
from llmrec.dialogue.references import read_answer, references_to_shown
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.wishes import exclusions, is_refinement, wish_of
from llmrec.dialogue.words import Span, clean, mask, squeeze
from llmrec.dialogue.years import year_field
from llmrec.types import Constraint, ItemId, Profile, Turn, Understanding

MAX_CHARS = 20_000
_MAX_CONSTRAINTS = 30
_MAX_ITEMS = 50
_MAX_NOTES = 4
_MAX_CHOICES = 10
_MAX_NAMED = 5
_MAX_TITLE_CHARS = 80
_MAX_FORGOTTEN_CHARS = 60
WHY = "Each card says why it was picked."
NO_ANSWER = "I recommend and do not answer questions yet; each card shows what is recorded of its item."
HELP = "Tell me what you feel like, or a title you loved."
_STANCES: tuple[Stance, ...] = ("liked", "disliked", "seen")


@dataclass(slots=True)
class _Draft:
    """A message while it is being read; lives as long as one call of `update`."""

    text: str
    profile: Profile
    turn: int
    cuts: list[Span] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    question: str = ""
    k: int | None = None
    said: bool = False

    @property
    def rest(self) -> str:
        """The message with the understood places masked."""
        return mask(self.text, self.cuts)

    def cut(self, *spans: Span | None) -> None:
        self.cuts += [span for span in spans if span is not None]


class GrammarTracker:
    """Understands messages by exact readers over one catalogue; implements DialogueTracker."""

    def __init__(self, catalogue: Catalogue, titles: TitleIndex) -> None:
        """Prepare the readers for `catalogue`, whose titles `titles` has indexed."""
        self._catalogue = catalogue
        self._titles = titles
        self._grammar = ConstraintGrammar(catalogue)
        self._mentions = MentionFinder(titles, is_value=self._grammar.names_value)
        self._phrases = ConstraintPhrases(catalogue)
        years = year_field(catalogue)
        self._drops = acts.DropReader(catalogue.fields, year_field=years.name if years else "")

    def update(self, profile: Profile, turn: Turn, *, index: int) -> Understanding:
        """Profile after the user's `turn`, message number `index` (from 0) of the chat; `profile` is unchanged."""
        draft = _Draft(clean(turn.text, max_chars=MAX_CHARS), profile, index)
        if len(turn.text) > MAX_CHARS:
            draft.notes.append(f"The message is very long; only its first {MAX_CHARS:,} characters were read.")
        if acts.is_small_talk(draft.text) and not profile.pending:
            return self._small_talk(draft)
        if acts.is_why(draft.text) and profile.shown:
            return Understanding(draft.profile, (*draft.notes, WHY), wants_items=False)
        if acts.is_question(draft.text) and not profile.pending:
            return Understanding(draft.profile, (*draft.notes, NO_ANSWER), wants_items=False)
        refines = is_refinement(draft.text)
        for read in (self._read_acts, self._read_answer, self._read_items):
            read(draft)
        self._read_constraints(draft, refines=refines)
        self._read_count(draft)
        self._read_exclusions(draft)
        self._read_wish(draft, refines=refines)
        return self._conclude(draft)

    def _small_talk(self, draft: _Draft) -> Understanding:
        return Understanding(draft.profile, (*draft.notes, HELP), wants_items=False)

    def _read_acts(self, draft: _Draft) -> None:
        reset = acts.find_reset(draft.text)
        if reset is not None:
            draft.profile = Profile()
            draft.notes.append("We start over.")
            draft.cut(reset)
        taken_back = acts.find_undo(draft.text)
        if taken_back is not None:
            self._undo(draft)
            draft.cut(taken_back)
        for name, span in self._drops.read(draft.rest):
            draft.profile = drop_constraints(draft.profile, name)
            draft.said = True
            draft.cut(span)

    def _undo(self, draft: _Draft) -> None:
        before = summary(draft.profile, self._catalogue)
        draft.profile = replace(undo(draft.profile), pending=(), pending_as="")
        after = summary(draft.profile, self._catalogue)
        gone = [sentence for sentence in before if sentence not in after]
        draft.notes.append("The last statement is taken back." if gone else "There is nothing to take back.")

    def _read_answer(self, draft: _Draft) -> None:
        pending, stance = draft.profile.pending, draft.profile.pending_as
        draft.profile = replace(draft.profile, pending=(), pending_as="")
        answer = read_answer(draft.rest, pending, self._titles) if pending and stance else None
        # "The second one was great" answers nothing: it says something new of an item.
        if answer is not None and stance and verdict_after(draft.text, answer.span.end) is None:
            draft.profile = add_items(draft.profile, stance, answer.item_ids, turn=draft.turn)
            draft.said = True
            draft.cut(answer.span)

    def _read_items(self, draft: _Draft) -> None:
        rest = draft.rest
        mentions = self._mentions.find(rest, references=references_to_shown(rest, draft.profile))
        for mention in mentions.found[:_MAX_ITEMS]:
            self._take_mention(draft, mention)
        # "The third one" of two shown says nothing that could be wished for.
        draft.cut(*mentions.aimless)
        for missing in mentions.missing:
            draft.notes.append(self._missing_note(missing))
            draft.cut(missing.cut)
            draft.said = draft.said or missing.cut is not None

    def _take_mention(self, draft: _Draft, mention: Mention) -> None:
        if "unseen" in mention.stances:
            draft.profile = remove_items(draft.profile, mention.item_ids, ("seen",))
            draft.cut(mention.cut)
        for stance in _STANCES:
            if stance in mention.stances:
                self._take_stance(draft, mention, stance)
                draft.cut(mention.cut)
                draft.said = True

    def _take_stance(self, draft: _Draft, mention: Mention, stance: Stance) -> None:
        choices = mention.item_ids
        if not mention.plural and not self._same_work(choices):
            choices = self._known_already(draft.profile, choices) or choices
        if not mention.plural and not self._same_work(choices):
            self._ask_which(draft, choices, stance)
            return
        if not mention.exact:
            draft.notes.append(f'I took "{mention.text[:_MAX_TITLE_CHARS]}" for {self._title(choices[0])}.')
        draft.profile = add_items(draft.profile, stance, choices, turn=draft.turn)

    def _same_work(self, item_ids: Sequence[ItemId]) -> bool:
        """Whether the items look the same to the user, so that asking which one is meant makes no sense."""
        return len({self._title(item_id) for item_id in item_ids}) <= 1

    def _known_already(self, profile: Profile, item_ids: Sequence[ItemId]) -> tuple[ItemId, ...]:
        """Those of the items the conversation has been about: the user need not say again which one is meant."""
        entries = (*profile.liked, *profile.disliked, *profile.seen, *profile.shown)
        known = {entry.item_id for entry in entries}
        return tuple(item_id for item_id in item_ids if item_id in known)

    def _ask_which(self, draft: _Draft, item_ids: Sequence[ItemId], stance: Stance) -> None:
        if draft.question:
            draft.notes.append(f"{self._title(item_ids[0])} has namesakes; say it again with its year.")
            return
        shown = [self._title(item_id) for item_id in item_ids[:_MAX_NAMED]]
        draft.question = f"Which one do you mean: {_either(shown)}?"
        draft.profile = replace(draft.profile, pending=tuple(item_ids[:_MAX_CHOICES]), pending_as=stance)

    def _missing_note(self, missing: Missing) -> str:
        note = f'No item called "{missing.text[:_MAX_TITLE_CHARS]}" is in this catalogue'
        return f"{note}; the nearest is {self._title(missing.nearest[0])}." if missing.nearest else f"{note}."

    def _read_constraints(self, draft: _Draft, *, refines: bool) -> None:
        self._read_forgotten(draft)
        readings = self._grammar.read(draft.rest)
        stated = tuple(dict.fromkeys(c for reading in readings for c in reading.constraints))[:_MAX_CONSTRAINTS]
        kept = [c for group in _by_field(stated) for c in self._consistent(draft, group)]
        draft.profile = add_constraints(
            draft.profile, kept, turn=draft.turn, refines=refines, fields=self._catalogue.fields
        )
        draft.profile = self._without_wishes_for(draft.profile, (c for c in kept if c.op == "$ne"))
        draft.cut(*_to_cut(readings))
        draft.said = draft.said or bool(stated)

    def _read_forgotten(self, draft: _Draft) -> None:
        """Ends the conditions that the message takes back: "forget the 90s" states none."""
        rest = draft.rest
        for span in acts.find_forget(rest):
            following = self._grammar.read(rest[span.end : span.end + _MAX_FORGOTTEN_CHARS])[:1]
            for reading in following if following and following[0].span.start == 0 else ():
                draft.profile = forget_constraints(draft.profile, reading.constraints, fields=self._catalogue.fields)
                draft.profile = self._without_wishes_for(draft.profile, reading.constraints)
                draft.cut(Span(span.start, span.end + reading.span.end))
                draft.said = True

    def _consistent(self, draft: _Draft, constraints: Sequence[Constraint]) -> Sequence[Constraint]:
        """The constraints on one field, or none of them and a question when they exclude one another."""
        if not contradiction(constraints, fields=self._catalogue.fields):
            return constraints
        stated = " and ".join(self._phrases.phrases(constraints))
        draft.question = draft.question or f"Nothing can be {stated} at once; which one shall I go by?"
        return ()

    def _without_wishes_for(self, profile: Profile, constraints: Iterable[Constraint]) -> Profile:
        """Without wishes that name a value of `constraints`: their words would go on attracting it."""
        unwanted = {(c.field, c.value) for c in constraints}
        kept = [wish for wish in profile.wishes if not unwanted & self._wanted(wish.text)]
        return replace(profile, wishes=tuple(kept))

    def _wanted(self, text: str) -> set[tuple[str, object]]:
        wanted = [constraint for r in self._grammar.read(text) if r.keep for constraint in r.constraints]
        return {(c.field, v) for c in wanted for v in (c.value if isinstance(c.value, tuple) else (c.value,))}

    def _read_count(self, draft: _Draft) -> None:
        count = acts.find_count(draft.rest, is_value=self._grammar.names_value)
        if count is not None:
            draft.k = count.k
            draft.said = True
            draft.cut(count.span)

    def _read_exclusions(self, draft: _Draft) -> None:
        for span in exclusions(draft.rest):
            phrase = squeeze(draft.rest[span.start : span.end])[:_MAX_TITLE_CHARS]
            draft.notes.append(f'I cannot act on "{phrase}": nothing that is recorded of the items says it.')
            draft.said = True
            draft.cut(span)

    def _read_wish(self, draft: _Draft, *, refines: bool) -> None:
        wish = wish_of(draft.rest)
        if wish and not acts.is_small_talk(wish):
            draft.profile = add_wish(draft.profile, wish, turn=draft.turn, refines=refines)
            draft.said = True

    def _conclude(self, draft: _Draft) -> Understanding:
        wants = draft.said or not is_blank(draft.profile) or acts.is_request(draft.rest)
        notes = list(dict.fromkeys(draft.notes))[:_MAX_NOTES]
        if not wants:
            notes.append(HELP)
        return Understanding(draft.profile, tuple(notes), draft.question, wants_items=wants, k=draft.k)

    def _title(self, item_id: ItemId) -> str:
        return self._catalogue[item_id].title


def _by_field(constraints: Iterable[Constraint]) -> list[list[Constraint]]:
    groups: dict[str, list[Constraint]] = {}
    for constraint in constraints:
        groups.setdefault(constraint.field, []).append(constraint)
    return list(groups.values())


def _to_cut(readings: Iterable[Reading]) -> list[Span]:
    return [reading.span for reading in readings if not reading.keep]


def _either(titles: Sequence[str]) -> str:
    return f"{', '.join(titles[:-1])} or {titles[-1]}" if len(titles) > 1 else titles[0]
