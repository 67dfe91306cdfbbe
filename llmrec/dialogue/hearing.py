"""Reactions that no exact reader knows, heard by the classifier of acts: "that one gave me nightmares"."""

from __future__ import annotations

from collections.abc import Mapping

from llmrec.dialogue import acts
from llmrec.dialogue.act_features import TITLE, Situation
from llmrec.dialogue.act_model import ActModel
from llmrec.dialogue.draft import Draft
from llmrec.dialogue.messages import DEFAULT_LANGUAGE
from llmrec.dialogue.profile import Stance, add_items
from llmrec.dialogue.wishes import wish_of
from llmrec.dialogue.words import Span
from llmrec.types import Act, ActKind

# What is heard changes the state only when it is much likelier than not: a wish taken for a reaction is lost.
_SURE = 0.7
_STANCES: Mapping[ActKind, Stance] = {"seen": "seen", "reject": "disliked", "accept": "accepted"}
_READ: tuple[ActKind, ...] = (
    "seen",
    "reject",
    "accept",
    "critique",
    "compare",
    "constraint",
    "question",
    "answer",
    "undo",
)
_OFFER = f"how about {TITLE}"


class Hearing:
    """Asks a classifier of acts about what is left of a message that follows shown items."""

    def __init__(self, model: ActModel) -> None:
        """Listen with `model`."""
        self._model = model

    def read(self, draft: Draft) -> None:
        """Add the reaction that is heard in the unread words, and take these words out of the wish."""
        shown = draft.it()
        unread = wish_of(draft.rest)
        if not shown or not unread or draft.does(*_READ) or acts.is_request(draft.rest):
            return
        if draft.written_in != DEFAULT_LANGUAGE:
            return
        heard = self._model.heard(_situation(draft))
        kind = max((kind for kind in heard if kind in _STANCES), key=heard.__getitem__, default=None)
        if kind is None or heard[kind] < _SURE:
            return
        certain = shown if len(shown) == 1 else ()
        draft.profile = add_items(draft.profile, _STANCES[kind], certain, turn=draft.turn)
        draft.acts.append(Act(kind, certain, about=unread, read_by="statistics"))
        draft.cut(Span(0, len(draft.text)))
        draft.said = draft.said or kind != "accept"


def _situation(draft: Draft) -> Situation:
    """The turn as the classifier knows it: cards are an offer, an open question is a question."""
    return Situation(
        text=draft.text,
        before=_OFFER,
        n_turns=draft.turn // 2,
        is_offered=True,
        was_offered=True,
    )
