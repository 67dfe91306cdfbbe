"""The words above the cards: what was understood, what had to be given up, what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, Messages, messages_in
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import is_blank
from llmrec.dialogue.years import year_field
from llmrec.types import Allowed, Constraint, Query, QuestionEntry, Recommendation, Understanding

_MAX_LIKED = 2
_MAX_WISH_CHARS = 80
_QUOTES = (('"', '"'), ("“", "”"))
_EXCLUDING = ("$ne", "$nin")


class TemplateResponder:
    """Words from templates in the language of the user; implements Responder."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Speak about the items and facts of `catalogue`."""
        self._catalogue = catalogue

    def respond(
        self, query: Query, understanding: Understanding, allowed: Allowed, shown: Sequence[Recommendation]
    ) -> str:
        """A short text to stand above the cards; names titles of cards and of the user's own, and those asked about."""
        return _Reply(self._catalogue, messages_in(understanding.language)).text(query, understanding, allowed, shown)


class _Reply:
    def __init__(self, catalogue: Catalogue, words: Messages) -> None:
        self._catalogue = catalogue
        self._words = words
        self._phrases = ConstraintPhrases(catalogue, words)
        self._space = " " if words.language == DEFAULT_LANGUAGE else ""

    def text(
        self, query: Query, understanding: Understanding, allowed: Allowed, shown: Sequence[Recommendation]
    ) -> str:
        sentences = list(understanding.notes)
        if understanding.question:
            return self._joined([*sentences, understanding.question])
        if not understanding.wants_items:
            return self._joined(sentences) or self._words.say("welcome")
        if not shown:
            return self._joined([*sentences, self._nothing_left(query)])
        too_few = self._too_few(understanding, shown)
        heading = self._heading(query, allowed, told=sentences)
        if understanding.follow_up is not None:
            heading = self._joined([self._ended(heading), self._asked(understanding.follow_up)])
        return self._joined([*sentences, self._relaxed(allowed), too_few, heading])

    def _ended(self, heading: str) -> str:
        """The heading as a sentence of its own, for another one follows before the cards."""
        colon, stop = self._words.say("heading", parts=""), self._words.say("stop")
        return f"{heading.removesuffix(colon)}{stop}" if heading.endswith(colon) else heading

    def _asked(self, question: QuestionEntry) -> str:
        field = self._catalogue.fields[question.field]
        value = question.values[0]
        name = question.field.replace("_", " ")
        if field.kind == "number":
            year = year_field(self._catalogue)
            key = "ask_year" if year is not None and year.name == field.name else "ask_number"
            return self._words.say(key, name=f"{name[:1].upper()}{name[1:]}", value=value)
        if field.kind == "flag":
            return self._words.say("ask_flag", name=name)
        return self._words.say("ask_value", values=self._words.either([str(value) for value in question.values]))

    def _joined(self, sentences: Sequence[str]) -> str:
        return self._space.join(sentence for sentence in sentences if sentence)

    def _heading(self, query: Query, allowed: Allowed, *, told: Sequence[str]) -> str:
        """What the cards go by; empty where the sentences `told` before it have said so."""
        profile = query.profile
        if is_blank(profile) and not query.history.interactions:
            return self._words.say("popular_new")
        kept = [c for c in query.all_constraints if c not in allowed.relaxed]
        stated = self._stated(kept)
        liked = [self._catalogue[e.item_id].title for e in profile.liked if e.item_id in self._catalogue]
        mood = self._words.say("mood_of", titles=self._words.both(liked[-_MAX_LIKED:])) if liked else ""
        wish = profile.wishes[-1].text if profile.wishes else ""
        # Words of the user are repeated only when short: a long message is no heading.
        is_told = any(f"{left}{wish}{right}" in sentence for sentence in told for left, right in _QUOTES if wish)
        is_named = bool(wish) and len(wish) <= _MAX_WISH_CHARS and not stated and not is_told
        parts = [part for part in (stated, self._words.say("for_wish", wish=wish) if is_named else "", mood) if part]
        if not parts and is_told:
            return ""
        if not parts:
            return self._words.say("going_by_liked" if query.history.interactions else "popular")
        heading = self._words.say("heading", parts=self._words.say("comma").join(parts))
        return f"{heading[:1].upper()}{heading[1:]}"

    def _stated(self, constraints: Sequence[Constraint]) -> str:
        """Kinds first, then bounds, then exclusions: "Horror from 1990 to 1999, not Comedy"."""
        excluded = [c for c in constraints if _excludes(c)]
        bounds = [c for c in constraints if c not in excluded and self._phrases.is_bound(c)]
        kinds = [c for c in constraints if c not in excluded and c not in bounds]
        wanted = " ".join([*self._phrases.phrases(kinds), *self._phrases.phrases(bounds)])
        return self._words.say("comma").join(part for part in (wanted, *self._phrases.phrases(excluded)) if part)

    def _relaxed(self, allowed: Allowed) -> str:
        if not allowed.relaxed:
            return ""
        given_up = self._words.say("comma").join(self._phrases.phrases(allowed.relaxed))
        return self._words.say("dropped", given_up=given_up)

    def _too_few(self, understanding: Understanding, shown: Sequence[Recommendation]) -> str:
        if understanding.k is None or len(shown) >= understanding.k:
            return ""
        return self._words.say("only_one") if len(shown) == 1 else self._words.say("only_some", n=len(shown))

    def _nothing_left(self, query: Query) -> str:
        constraints = query.all_constraints
        if not constraints:
            return self._words.say("nothing_unseen")
        return self._words.say("nothing_left", loosest=self._phrases.phrases(constraints)[-1])


def _excludes(constraint: Constraint) -> bool:
    return constraint.op in _EXCLUDING or constraint.value is False
