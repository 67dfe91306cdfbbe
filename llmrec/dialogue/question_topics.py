"""What can be asked about an item, whatever the catalogue: how it is asked, which facts answer, what is said then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from llmrec.dialogue.words import fold, one_of, singular

_CLAUSE = r"[^.,;!?\n\x00]*"
_SUBJECT = r"(?:it|this|that|they|he|she)"


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of question: how it is asked, what facts answer it (words of field names), and the message that tells.

    Attributes:
        told: How a description says it, for items without such a fact.
    """

    asked: re.Pattern[str]
    fields: tuple[str, ...]
    message: str
    told: str = ""


def _topic(asked: str, fields: str, message: str = "fact", *, told: str = "") -> Topic:
    return Topic(re.compile(asked, re.IGNORECASE), tuple(fields.split()), message, told)


_IS = r"(?:^|(?<=[.,;!?\n\x00])|\b(?:and|but|so|or))\s*is\s+(?:\w+\s+){1,4}?(?:very\s+|too\s+|really\s+|that\s+)?"
_MADE = "director author writer artist maker manufacturer brand developer creator publisher composer designer studio"
TOPICS: tuple[Topic, ...] = (
    _topic(rf"\bwho(?:'s|\s+is|\s+was|\s+are)?\s+(?:in|starring)\b{_CLAUSE}|\bwho\s+(?:stars|acts|plays)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+actors?\b{_CLAUSE}|\bwhat(?:'s|\s+is)\s+the\s+cast\b{_CLAUSE}",
           "cast star starring actor actress performer player", "people", told=r"\b(?:starring|stars)\b"),
    _topic(rf"\bwho\s+directed\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+the\s+director\b{_CLAUSE}",
           "director", told=r"directed\s+by"),
    _topic(rf"\bwho\s+wrote\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+(?:the\s+(?:author|writer)|{_SUBJECT}\s+by)\b{_CLAUSE}",
           "author writer screenwriter", told=r"(?:written|authored)\s+by|\bwrote\b"),
    _topic(rf"\bwho\s+(?:made|makes|created|developed|published|produced|composed|sings|painted|designed)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+brand\b{_CLAUSE}", _MADE,
           told=r"(?:made|created|developed|published|produced|composed|designed)\s+by"),
    _topic(rf"\bhow\s+long\b(?!\s+ago){_CLAUSE}|\bhow\s+many\s+(?:minutes|hours|pages)\b{_CLAUSE}"
           rf"|{_IS}(?:long|short)\b(?=\s*(?:$|[?.,]))",
           "runtime duration minute length page", "length"),
    _topic(rf"\bwhen\s+(?:is|was|were|did)\b{_CLAUSE}|\b(?:what|which)\s+year\b{_CLAUSE}|\bhow\s+old\s+is\b{_CLAUSE}"
           rf"|{_IS}(?:old|new|recent)\b(?=\s*(?:$|[?.,]))", "year", "from_year"),
    _topic(rf"\bhow\s+(?:much|expensive)\s+(?:is|are|does|do|would)\b{_CLAUSE}"
           r"|\bwhat\s+(?:does|do|would)\s+(?:\w+\s+){1,6}?cost\b"
           rf"|\bwhat(?:'s|\s+is)\s+(?:the|its)\s+(?:price|cost)\b{_CLAUSE}"
           rf"|{_IS}(?:expensive|cheap)\b(?=\s*(?:$|[?.,]))", "price cost", "cost"),
    _topic(r"\bwhat(?:'s|\s+is|\s+are|\s+was)\s+(?:\w+\s+){1,6}?about\b(?=\s*(?:$|[?.,!]))"
           rf"|\bwhat\s+happens\s+in\b{_CLAUSE}|\btell\s+me\s+(?:more\s+)?about\b{_CLAUSE}"
           rf"|\bmore\s+about\s+(?:it|that|this|the\s+\w+)\b{_CLAUSE}", "", "told"),
    _topic(rf"\bis\s+(?:it|this|that)\s+any\s+good\b|\bhow\s+(?:good|well\s+rated)\s+is\b{_CLAUSE}"
           rf"|\bwhat\s+rating\b{_CLAUSE}", "rating score star"),
)  # fmt: skip
IS_IT = re.compile(
    r"(?:^|(?<=[.,;!?\n\x00])|\b(?:and|but|so|or))\s*(?:is|was|are|were|does|do|did|has|have)(?:n't|\s+not)?\s+"
    r"(?!(?:there|you|i|we|not)\b)(?P<what>[^.,;!?\n\x00]{2,90})\?"
    r"|(?P<claimed>[^.,;!?\n\x00]{2,90}),?\s+(?:right|correct|true|is\s+it|isn't\s+it|wasn't\s+it|doesn't\s+it)\s*\?",
    re.IGNORECASE,
)
"""Questions that are answered by yes or no: "isn't it a comedy?", "it is a comedy, right?"."""


def topic_of_field(field: str) -> Topic:
    """The topic of a question that names the field itself."""
    return Topic(re.compile(""), tuple(singular(fold(word)) for word in re.split(r"[\W_]+", field) if word), "fact")


def own_questions(fields: Iterable[str]) -> re.Pattern[str] | None:
    """Questions that name one of `fields`: "what genre is it?", "what's its rating?"; None without fields."""
    names = {fold(name.replace("_", " ")) for name in fields}
    words = sorted(names | {singular(name) for name in names})
    if not words:
        return None
    return re.compile(
        rf"\b(?:what|which|what's|whats)(?:\s+(?:is|are|was))?(?:\s+(?:its|the|kind\s+of|sort\s+of))?\s+(?P<field>{one_of(words)})s?\b{_CLAUSE}",
        re.IGNORECASE,
    )


def asks_about_item(text: str) -> bool:
    """Whether `text` has the form of a question about an item, whatever the catalogue records."""
    return any(topic.asked.search(text) for topic in TOPICS)
