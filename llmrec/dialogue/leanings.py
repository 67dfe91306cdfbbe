"""What vague words are taken to mean: leanings, inferred by other voices where the exact grammar read nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.messages import DEFAULT_LANGUAGE, language_of
from llmrec.dialogue.phrases import ConstraintPhrases
from llmrec.dialogue.profile import add_leanings, contradicts
from llmrec.dialogue.vocabulary import Meaning, Vocabulary
from llmrec.types import Constraint, LeaningEntry

_MAX_CHARS = 200
_MAX_LEANINGS = 3  # of one stretch of words: who is taken to mean much is taken to mean nothing


class VagueReader(Protocol):
    """A voice that says what vague words mean."""

    @property
    def name(self) -> Literal["model", "encoder", "words"]:
        """Which voice it is."""
        ...

    def read(self, words: str) -> Sequence[Meaning]:
        """What `words` mean, the surest first; nothing where they ask for no value. It never raises for any words."""
        ...


class Leanings:
    """Reads vague words over one catalogue; the first voice that understands them is believed."""

    def __init__(
        self,
        catalogue: Catalogue,
        vocabulary: Vocabulary,
        readers: Sequence[VagueReader],
        *,
        others: Mapping[str, Sequence[VagueReader]] | None = None,
    ) -> None:
        """Ask `readers`, in their order, what words mean in `vocabulary`; `others` by language, where it is another."""
        self._catalogue = catalogue
        self._vocabulary = vocabulary
        self._readers = {DEFAULT_LANGUAGE: readers, **(others or {})}

    def read(self, draft: Draft, words: str, *, said: str = "") -> bool:
        """Add what `words`, which the grammar left unread, are taken to mean; whether there is anything.

        `said` is how the user put it, where these are not the user's own words.
        """
        if not words:
            return False
        words, said = words[:_MAX_CHARS], (said or words)[:_MAX_CHARS]
        for reader in self._readers.get(language_of(words), ()):
            meanings = reader.read(words)[:_MAX_LEANINGS]
            if meanings:
                read = [self._vocabulary.constraint(meaning) for meaning in meanings]
                standing = [constraint for constraint in read if self._stands(draft, constraint, said, reader.name)]
                return self._take(draft, said, standing, reader)
        return False

    def _take(self, draft: Draft, words: str, constraints: Sequence[Constraint], reader: VagueReader) -> bool:
        stated = {entry.constraint for entry in draft.profile.constraints}
        new = [constraint for constraint in constraints if constraint not in stated]
        if not new:
            return bool(constraints)
        entries = [LeaningEntry(constraint, draft.turn, words, reader.name) for constraint in new]
        draft.profile = add_leanings(draft.profile, entries)
        values = draft.words.say("comma").join(ConstraintPhrases(self._catalogue, draft.words).phrases(new))
        draft.note("leaning", words=words, values=values)
        return True

    def _stands(self, draft: Draft, constraint: Constraint, words: str, voice: str) -> bool:
        """Whether the exact readings leave room for it; if not, the trace says so."""
        stated = [entry.constraint for entry in draft.profile.constraints]
        if not contradicts(constraint, stated, fields=self._catalogue.fields):
            return True
        phrase = ConstraintPhrases(self._catalogue).phrase(constraint)
        draft.overruled.append(f'the {voice} read {phrase} in "{words}"; the grammar read otherwise, and counts')
        return False
