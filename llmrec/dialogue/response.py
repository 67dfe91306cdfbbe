"""The words above the cards: what was understood, what had to be given up, what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import is_blank
from llmrec.types import Allowed, Constraint, Query, Recommendation, Understanding

_MAX_LIKED = 2
_MAX_WISH_CHARS = 80
_BOUND_WORDS = ("from ", "after ", "before ", "since ", "up to ")


class TemplateResponder:
    """Words from templates; implements Responder."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Speak about the items and facts of `catalogue`."""
        self._catalogue = catalogue
        self._phrases = ConstraintPhrases(catalogue)

    def respond(
        self, query: Query, understanding: Understanding, allowed: Allowed, shown: Sequence[Recommendation]
    ) -> str:
        """A short text to stand above the cards; names titles of cards and of the user's own, and those asked about."""
        sentences = list(understanding.notes)
        if understanding.question:
            return " ".join([*sentences, understanding.question])
        if not understanding.wants_items:
            return " ".join(sentences) or "You are welcome."
        relaxed = self._relaxed(allowed)
        if not shown:
            return " ".join([*sentences, self._nothing_left(query)])
        too_few = self._too_few(understanding, shown)
        return " ".join(
            sentence for sentence in (*sentences, relaxed, too_few, self._heading(query, allowed)) if sentence
        )

    def _heading(self, query: Query, allowed: Allowed) -> str:
        profile = query.profile
        if is_blank(profile) and not query.history.interactions:
            return "Popular with others here; tell me what you feel like or a title you loved."
        kept = [c for c in query.all_constraints if c not in allowed.relaxed]
        stated = self._stated(kept)
        liked = [self._catalogue[e.item_id].title for e in profile.liked if e.item_id in self._catalogue]
        mood = f"in the mood of {' and '.join(liked[-_MAX_LIKED:])}" if liked else ""
        wish = profile.wishes[-1].text if profile.wishes else ""
        # Words of the user are repeated only when short: a long message is no heading.
        wish = f'for "{wish}"' if wish and len(wish) <= _MAX_WISH_CHARS and not stated else ""
        parts = [part for part in (stated, wish, mood) if part]
        if not parts and not query.history.interactions:
            return "Popular with others here:"
        heading = ", ".join(parts) or "Going by what you liked before"
        return f"{heading[:1].upper()}{heading[1:]}:"

    def _stated(self, constraints: Sequence[Constraint]) -> str:
        """Kinds first, then bounds, then exclusions: "Horror from 1990 to 1999, not Comedy"."""
        phrases = self._phrases.phrases(constraints)
        excluded = [phrase for phrase in phrases if phrase.startswith("not ")]
        bounds = [phrase for phrase in phrases if phrase.startswith(_BOUND_WORDS)]
        kinds = [phrase for phrase in phrases if phrase not in excluded and phrase not in bounds]
        return ", ".join(part for part in (" ".join([*kinds, *bounds]), *excluded) if part)

    def _relaxed(self, allowed: Allowed) -> str:
        if not allowed.relaxed:
            return ""
        given_up = ", ".join(self._phrases.phrases(allowed.relaxed))
        return f'Nothing satisfied every condition, so I dropped "{given_up}".'

    def _too_few(self, understanding: Understanding, shown: Sequence[Recommendation]) -> str:
        if understanding.k is None or len(shown) >= understanding.k:
            return ""
        return "Only 1 fits." if len(shown) == 1 else f"Only {len(shown)} fit."

    def _nothing_left(self, query: Query) -> str:
        constraints = query.all_constraints
        if not constraints:
            return "Nothing is left that you have not seen or put aside; start over to see everything again."
        loosest = self._phrases.phrases(constraints)[-1]
        return f'Nothing is left that fits; loosen "{loosest}" to see more.'
