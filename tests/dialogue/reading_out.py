"""Understandings as one line of text, so that tables of sentences stay readable."""

from llmrec.data.catalogue import Catalogue
from llmrec.data.where import constraint_text
from llmrec.dialogue.title_index import TitleIndex
from llmrec.dialogue.understanding import GrammarTracker
from llmrec.types import ItemEntry, ItemId, Profile, Turn, Understanding


def tracker_of(catalogue: Catalogue) -> GrammarTracker:
    return GrammarTracker(catalogue, TitleIndex(catalogue))


def shown(*item_ids: str) -> Profile:
    return Profile(shown=tuple(ItemEntry(ItemId(item_id), 1) for item_id in item_ids))


def say(tracker: GrammarTracker, *messages: str, profile: Profile | None = None) -> Understanding:
    """The understanding of the last of `messages`, said one after the other."""
    profile = profile or Profile()
    understanding = Understanding(profile)
    for place, message in enumerate(messages):
        understanding = tracker.update(understanding.profile, Turn("user", message), index=2 * place)
    return understanding


def read_out(understanding: Understanding) -> str:
    """`+2 -3 seen:5; year >= 1990; "a scary film"; k=3; ask; note; quiet`: only what is there, in this order."""
    profile = understanding.profile
    items = [f"+{e.item_id}" for e in profile.liked] + [f"-{e.item_id}" for e in profile.disliked]
    items += [f"seen:{e.item_id}" for e in profile.seen] + [f"taken:{e.item_id}" for e in profile.accepted]
    parts = [" ".join(items), *(constraint_text(e.constraint) for e in profile.constraints)]
    parts += [f'"{wish.text}"' for wish in profile.wishes]
    parts += [f"k={understanding.k}"] if understanding.k else []
    parts += ["ask"] if understanding.question else []
    parts += ["note"] if understanding.notes else []
    parts += [] if understanding.wants_items else ["quiet"]
    return "; ".join(part for part in parts if part)
