"""The dialogue tracker of exact readers: what one message changes in the profile. It keeps nothing between calls."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import replace
from typing import Self

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue import acts, commands, reactions
from llmrec.dialogue.answers import FieldAnswers
from llmrec.dialogue.chinese import ChineseReader, as_said, has_chinese
from llmrec.dialogue.conditions import Conditions
from llmrec.dialogue.critiques import CritiqueReader
from llmrec.dialogue.draft import Draft, Unmet
from llmrec.dialogue.grammar import ConstraintGrammar
from llmrec.dialogue.hearing import Hearing
from llmrec.dialogue.item_questions import ItemQuestions
from llmrec.dialogue.item_statements import ItemStatements
from llmrec.dialogue.leanings import Leanings
from llmrec.dialogue.messages import language_of, messages_in, scripts_of
from llmrec.dialogue.other_matters import is_other_matter
from llmrec.dialogue.profile import (
    add_items,
    add_wish,
    is_blank,
    summary,
    undo,
    without_contradicted,
    without_wishes,
)
from llmrec.dialogue.slips import respelt, thought_over
from llmrec.dialogue.talk import answer_to_talk, asks_for_beliefs
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.wishes import exclusions, is_refinement, wish_of
from llmrec.dialogue.words import clean, mask, split_words, squeeze
from llmrec.types import WHY, WHY_NOT, Profile, Turn, Understanding

MAX_CHARS = 20_000
_MAX_NOTES = 4
_MAX_PHRASE_CHARS = 80
_INSTEAD = re.compile(r"\binstead\b", re.IGNORECASE)


class GrammarTracker:
    """Understands messages by exact readers over one catalogue; implements DialogueTracker."""

    def __init__(
        self,
        catalogue: Catalogue,
        titles: TitleIndex,
        *,
        hearing: Hearing | None = None,
        leanings: Leanings | None = None,
    ) -> None:
        """Prepare the readers for `catalogue`, whose titles `titles` has indexed.

        `hearing` is asked for reactions the readers did not understand; without it those words are taken as a wish.
        `leanings` is asked what vague words mean; without it they are only searched for.
        """
        self._hearing = hearing
        self._leanings = leanings
        self._language: str | None = None
        self._catalogue = catalogue
        self._grammar = ConstraintGrammar(catalogue)
        self._items = ItemStatements(catalogue, titles, is_value=self._grammar.names_value)
        self._conditions = Conditions(catalogue, self._grammar)
        self._critiques = CritiqueReader(catalogue, titles, self._grammar)
        self._answers = FieldAnswers(catalogue)
        self._questions = ItemQuestions(catalogue, titles, self._grammar)
        self._chinese = ChineseReader((item.title for item in catalogue.values()), self._grammar.chinese)
        self._scripts = frozenset().union(*(scripts_of(item.title + item.description) for item in catalogue.values()))

    def speaking(self, language: str) -> Self:
        """The same tracker, which answers in `language` whatever the message is written in."""
        other = copy(self)
        other._language = language
        return other

    def update(self, profile: Profile, turn: Turn, *, index: int) -> Understanding:
        """Profile after the user's `turn`, message number `index` (from 0) of the chat; `profile` is unchanged."""
        written_in = language_of(turn.text[:MAX_CHARS])
        text = thought_over(respelt(clean(turn.text, max_chars=MAX_CHARS)))
        draft = Draft(
            self._chinese.rewrite(text) if has_chinese(text) else text,
            replace(profile, last_question="", last_asked=()),
            index,
            messages_in(self._language or written_in),
            written_in,
            asked_about=profile.pending,
            asked_as=profile.pending_as,
            asked_before=profile.last_question,
            asked_of=profile.last_asked,
        )
        if len(turn.text) > MAX_CHARS:
            draft.note("long", n=MAX_CHARS)
        if not self._is_talk(draft):
            self._read(draft)
        return self._conclude(draft)

    def _is_talk(self, draft: Draft) -> bool:
        """Whether the message is about no item and no wish, and is answered by a phrase."""
        answer = answer_to_talk(draft.text)
        if is_other_matter(draft.text) and not self._questions.names_item(draft.text):
            draft.act("off_topic")
            draft.note("off_topic")
            draft.quiet = True
        elif answer == "bye" or (answer and not draft.asked_about):
            draft.act("small_talk")
            draft.note(answer)
            draft.quiet = True
        elif asks_for_beliefs(draft.text):
            draft.act("question", about=draft.text)
            draft.notes += summary(draft.profile, self._catalogue, draft.words) or (draft.words.say("help"),)
            draft.quiet = True
        elif wondered := self._questions.wondered_at(draft):
            draft.act("question", wondered, about=WHY)
            draft.quiet = True
        elif missed := self._questions.absent(draft):
            draft.act("question", missed[:1], about=WHY_NOT)
            draft.quiet = True
        return draft.quiet

    def _read(self, draft: Draft) -> None:
        refines = is_refinement(draft.text)
        self._answers.read(draft)
        self._items.read_answer(draft)
        self._questions.read(draft)
        if acts.is_question(draft.rest) and not draft.asked_about:
            draft.act("off_topic")
            draft.note("off_topic")
            draft.quiet = True
            return
        self._read_commands(draft)
        self._critiques.read(draft)
        self._items.read(draft)
        self._read_reactions(draft)
        self._conditions.read(draft, refines=refines)
        self._read_count(draft)
        self._read_exclusions(draft)
        if self._hearing is not None:
            self._hearing.read(draft)
        self._read_unmet(draft)
        self._read_wish(draft, refines=refines)
        draft.profile = without_contradicted(draft.profile, fields=self._catalogue.fields)

    def _read_commands(self, draft: Draft) -> None:
        reset = commands.find_reset(draft.text)
        if reset is not None:
            draft.profile = Profile(asked=draft.profile.asked)
            draft.act("start_over")
            draft.note("start_over")
            draft.cut(reset)
        taken_back = commands.find_undo(draft.text)
        if taken_back is not None:
            self._undo(draft)
            draft.cut(taken_back)
        self._conditions.read_dropped(draft)

    def _undo(self, draft: Draft) -> None:
        before = summary(draft.profile, self._catalogue)
        draft.profile = replace(undo(draft.profile), pending=(), pending_as="")
        after = summary(draft.profile, self._catalogue)
        gone = [sentence for sentence in before if sentence not in after]
        draft.act("undo")
        draft.note("taken_back" if gone else "nothing_to_take_back")

    def _read_reactions(self, draft: Draft) -> None:
        shown = draft.it()
        if not shown:
            return
        self._read_acceptance(draft)
        refused, passed = reactions.find_refusal(draft.rest), reactions.find_passing(draft.rest)
        if refused is not None and len(shown) == 1:
            draft.profile = add_items(draft.profile, "disliked", shown, turn=draft.turn)
        if (refused or passed) and not draft.does("reject"):
            draft.act("reject", shown)
            draft.said = True
        draft.cut(refused, passed)
        so_so = reactions.find_so_so(draft.rest)
        for place, act in enumerate(draft.acts) if so_so else ():
            if act.kind == "seen" and not act.verdict:
                draft.acts[place] = replace(act, verdict="fine")
                draft.cut(so_so)
        if draft.does("seen", "accept"):
            draft.cut(reactions.find_when(draft.rest))
        if reactions.find_more(draft.rest) is not None:
            draft.act("more")

    def _read_acceptance(self, draft: Draft) -> None:
        accepted = reactions.find_acceptance(draft.rest)
        draft.cut(accepted)
        if accepted is None or draft.does("accept"):
            return
        shown = draft.it()
        certain = shown if len(shown) == 1 else ()
        draft.profile = add_items(draft.profile, "accepted", certain, turn=draft.turn)
        draft.act("accept", certain)
        if certain:
            draft.note("accepted", titles=self._catalogue[certain[0]].title)
        else:
            draft.note("accepted_open")

    def _read_count(self, draft: Draft) -> None:
        count = acts.find_count(draft.rest, is_value=self._grammar.names_value)
        if count is not None:
            draft.k = count.k
            draft.said = True
            draft.cut(count.span)

    def _read_exclusions(self, draft: Draft) -> None:
        for span in exclusions(draft.rest):
            phrase = as_said(squeeze(draft.rest[span.start : span.end]))[:_MAX_PHRASE_CHARS]
            draft.unmet.append(Unmet(phrase, phrase))
            draft.said = True
            draft.cut(span)

    def _read_unmet(self, draft: Draft) -> None:
        for unmet in draft.unmet:
            is_read = self._leanings is not None and self._leanings.read(draft, unmet.asks, said=unmet.phrase)
            if not is_read and not unmet.is_met:
                draft.note("cannot_act", phrase=unmet.phrase)

    def _read_wish(self, draft: Draft, *, refines: bool) -> None:
        wish = wish_of(draft.rest)
        refines = refines or draft.does("critique")
        if draft.kinds and not wish_of(mask(draft.rest, draft.kinds)):
            # The kind is demanded already; its name would only attract items that talk of it.
            draft.profile = draft.profile if refines else without_wishes(draft.profile, before=draft.turn)
            return
        if not wish or acts.is_small_talk(wish):
            if _INSTEAD.search(draft.text) and draft.does("compare", "preference"):
                plain = without_wishes(draft.profile, before=draft.turn)
                draft.profile = self._conditions.without_kinds(plain, since=draft.turn)
            return
        wish, vague = as_said(wish), as_said(wish_of(mask(draft.rest, draft.kinds)))
        draft.profile = add_wish(draft.profile, wish, turn=draft.turn, refines=refines)
        is_read = self._leanings is not None and self._leanings.read(draft, vague)
        if not draft.does("request", "preference", "critique", "compare"):
            draft.act("request", about=wish)
        if not is_read and not scripts_of(wish) <= self._scripts:
            draft.note("foreign_wish", wish=wish[:_MAX_PHRASE_CHARS])
        draft.said = True

    def _keep_open(self, draft: Draft) -> None:
        """A question in return leaves the question open to which it is no answer."""
        asked = [act for act in draft.acts if act.kind == "question" and act.about != WHY_NOT]
        if asked:
            draft.profile = replace(draft.profile, last_question=asked[-1].about, last_asked=asked[-1].item_ids)
        if asked and not draft.said:
            draft.profile = replace(draft.profile, pending=draft.asked_about, pending_as=draft.asked_as)

    def _conclude(self, draft: Draft) -> Understanding:
        self._keep_open(draft)
        settled = draft.quiet or draft.does("question", "accept")
        vague = not is_blank(draft.profile) or (acts.is_request(draft.rest) and bool(split_words(draft.text)))
        wants = not draft.quiet and (draft.said or (vague and not settled))
        if wants and not draft.acts:
            draft.act("request")
        notes = list(dict.fromkeys(draft.notes))[:_MAX_NOTES]
        if not wants and not settled:
            notes.append(draft.words.say("help"))
        return Understanding(
            draft.profile,
            tuple(notes),
            draft.question,
            wants,
            draft.k,
            tuple(draft.acts),
            draft.words.language,
            overruled=tuple(draft.overruled),
        )
