"""What can be asked about an item, whatever the catalogue: how it is asked, which facts answer, what is said then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from llmrec.dialogue.cues import KIND
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
    words = tuple(singular(fold(word)) for word in fields.split())
    return Topic(re.compile(asked, re.IGNORECASE), words, message, told)


_IS = r"(?:^|(?<=[.,;!?\n\x00])|\b(?:and|but|so|or))\s*is\s+(?:\w+\s+){1,4}?(?:very\s+|too\s+|really\s+|that\s+)?"
MADE = "director author writer artist maker manufacturer brand developer creator publisher composer designer studio"
TOPICS: tuple[Topic, ...] = (
    _topic(rf"\bwho(?:'s|\s+is|\s+was|\s+are)?\s+(?:in|starring)\b{_CLAUSE}|\bwho\s+(?:stars|acts|plays)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+actors?\b{_CLAUSE}|\bwhat(?:'s|\s+is)\s+the\s+cast\b{_CLAUSE}",
           "cast star starring actor actress performer player", "people", told=r"\b(?:starring|stars)\b"),
    _topic(rf"\bwho\s+directed\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+the\s+director\b{_CLAUSE}",
           "director", told=r"directed\s+by"),
    _topic(rf"\bwho\s+wrote\b{_CLAUSE}|\bwho(?:'s|\s+is|\s+was)\s+(?:the\s+(?:author|writer)|{_SUBJECT}\s+by)\b{_CLAUSE}",
           "author writer screenwriter", told=r"(?:written|authored)\s+by|\bwrote\b"),
    _topic(rf"\bwho\s+(?:made|makes|created|developed|published|produced|composed|sings|painted|designed)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+brand\b{_CLAUSE}", MADE,
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
MORE_TOPICS: tuple[Topic, ...] = (
    _topic(rf"\b(?:what|which)\s+language\b{_CLAUSE}", "language"),
    _topic(rf"\bwhat\s+do(?:es)?\s+{_SUBJECT}\s+weigh\b|\bwhat\s+do(?:es)?\s+the\s+(?:\w+\s+){{1,5}}?weigh\b"
           rf"|\bhow\s+(?:heavy|light)\s+(?:is|are)\b{_CLAUSE}|\bhow\s+much\s+do(?:es)?\s+(?:\w+\s+){{1,6}}?weigh\b",
           "weight"),
    _topic(rf"\bhow\s+(?:big|large|small|tall|wide|deep)\s+(?:is|are)\b{_CLAUSE}|\bwhat\s+size\b{_CLAUSE}"
           rf"|\bwhat(?:'s|\s+is|\s+are)\s+(?:its|the)\s+(?:size|dimensions)\b{_CLAUSE}",
           "size dimension width height capacity"),
    _topic(rf"\b(?:is|are)\s+{_SUBJECT}\s+(?:part\s+of|in)\s+a\s+series\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+series\b{_CLAUSE}"
           rf"|\b(?:is|are|was)\s+[^.,;!?\n\x00]{{2,80}}?\b(?:an?|the)\s+(?:sequel|prequel)\b{_CLAUSE}",
           "series franchise saga collection", told=r"\b(?:sequel|prequel|part\s+of)\b"),
    _topic(rf"\bwhere\s+(?:is|are|was|were)\s+(?:\w+\s+){{1,6}}?(?:made|from|produced|set)\b{_CLAUSE}"
           rf"|\b(?:what|which)\s+country\b{_CLAUSE}", "country origin place"),
    _topic(rf"\bwhat(?:'s|\s+is|\s+are)\s+(?:\w+\s+){{1,6}}?made\s+(?:of|from)\b{_CLAUSE}", "material"),
    _topic(rf"\bwhat(?:'s|\s+is|\s+was)\s+(?:the|its)\s+(?:plot|story(?:\s*line)?|premise|synopsis)\b{_CLAUSE}"
           rf"|\b(?:give|have|write)(?:\s+(?:me|you))?\s+(?:a|the)\s+(?:summary|synopsis|description)\b{_CLAUSE}"
           rf"|\b(?:summari[sz]e|describe)\s+(?:it|this|that|the\s+\w+)\b{_CLAUSE}", "", "told"),
)  # fmt: skip
"""Further ones, which the statistical reader of acts was not taught with; see `asks_about_item`."""

IF_RECORDED: tuple[Topic, ...] = (
    _topic(rf"{_IS}(?:heavy|light)\b(?=\s*(?:$|[?.,]))", "weight"),
    _topic(rf"{_IS}(?:big|large|small|bulky|tiny)\b(?=\s*(?:$|[?.,]))", "size dimension width height capacity"),
    _topic(
        r"\b(?:is|are)\s+(?:\w+\s+){1,5}?(?:in\s+stock|available|sold\s+out)\b(?=\s*(?:$|[?.,]))",
        "stock available availability",
    ),
)
"""Questions of words that also mean something else, asked only of catalogues that have such a fact."""

_OPENED = r"^\W*(?:(?:and|but|so|ok|okay|well|hm+|also|oh|yes|no)\W+)*(?:the\s+\w+\s+one\b\W*)?"
_REFERS = re.compile(r"\b(?:it|its|it's|that|this|they|them|their|he|his|her|she)\b", re.IGNORECASE)
_OF_AN_ITEM = re.compile(
    r"\b(?:sequels?|prequels?|endings?|ends?|plot|stor(?:y|yline)|twist|summary|synopsis|characters?|protagonist|narrator"
    r"|warranty|guarantee|batter(?:y|ies)|shipping|delivery|returns?|refund|reviews?|publisher|editions?|soundtrack"
    r"|subtitles|trailer|sample|dimensions|material|cable|spoilers?|awards?)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    rf"{_OPENED}(?:(?:what|what's|who|who's|whose|where|when|how|why|which)\b(?!\s+about\b)"
    r"|(?:is|are|was|were)\s+there\b"
    r"|(?:can|could|may|will|should|does|do|did|has|have|is|are)\s+(?!you\b|there\b)\w+"
    r"|(?:do|have|did)\s+you\s+(?:have|got|sell|stock|like|know|see|seen|read)\b|spoil\b|tell\s+me\s+(?:how|who|what|where|when|if|whether)\b)",
    re.IGNORECASE,
)
_WHICH_IS_MOST = re.compile(
    r"\b(?:which|what)\s+(?:one|of\s+(?:them|these|those))\s+(?:is|are|was)\s+(?:the\s+)?(?:(?:most|least)\s+\w+|\w{3,}est)\b",
    re.IGNORECASE,
)
_WANTS_ITEMS = re.compile(
    rf"\b(?:show|recommend|suggest|find|list|give)\b|\b(?:(?<!you\s)like|similar\s+to|than)\s+(?:it|this|that|them|these|those)\b"
    rf"|\b(?:something|anything|another|others?|instead|else|one\s+(?:with|that)|more)\b|\b(?:what|which)\s+(?:\w+\s+)?{KIND}\b"
    r"|\bdo\s+you\s+have\b(?!\s+(?:it|that|this|them)\b)|\bwhich\s+(?:one|of)\b|\bshould\s+i\b",
    re.IGNORECASE,
)


def is_open_question(text: str) -> bool:
    """Whether `text` asks something of an item that is in view: "how does it end?", "is there a sequel?"."""
    if _WHICH_IS_MOST.search(text):
        return True
    if _OPEN.match(text) is None or _WANTS_ITEMS.search(text):
        return False
    return _OF_AN_ITEM.search(text) is not None or _REFERS.search(text) is not None


IS_IT = re.compile(
    r"(?:^|(?<=[.,;!?\n\x00])|\b(?:and|but|so|or))\s*(?:is|was|are|were|does|do|did|has|have)(?:n't|\s+not)?\s+"
    r"(?!(?:there|you|i|we|not)\b)(?P<what>[^.,;!?\n\x00]{2,90})\?"
    r"|(?P<claimed>[^.,;!?\n\x00]{2,90}),?\s+(?:right|correct|true|is\s+it|isn't\s+it|wasn't\s+it|doesn't\s+it)\s*\?",
    re.IGNORECASE,
)
"""Questions that are answered by yes or no: "isn't it a comedy?", "it is a comedy, right?"."""
HAVE_IT = re.compile(
    r"\b(?:do\s+you\s+(?:have|sell|stock|carry)|have\s+you(?:\s+got)?)\s+(?P<what>(?:it|that|this|them|that\s+one|the\s+[^?.,;!\n\x00]{2,60}?)"
    r"\s+(?:in|as|on)\s+[^.,;!?\n\x00]{2,40})\?",
    re.IGNORECASE,
)
"""Questions of what an item comes in: "do you have it in blue?"."""

WHAT_ELSE = re.compile(
    r"\b(?:what|anything)\s+else\s+(?:(?:did|does|do|has|have|is|was)\s+)?(?:(?:by|from|with)\s+)?"
    r"(?:(?:the|this|that)\s+(?:same\s+)?(?P<field>\w+)|he|she|they|them|him|her)\b[^.,;!?\n\x00]*",
    re.IGNORECASE,
)
"""Questions for other items that share a fact with one: "what else did the author write?"."""
MAKERS = Topic(re.compile("(?!)"), tuple(MADE.split()), "fact")
"""Whoever made an item: "she" of "what else did she write?"."""


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
    """Whether `text` has the form of a question about an item, whatever the catalogue records.

    The statistical reader of acts was fitted with this, so it changes only together with that reader.
    """
    return any(topic.asked.search(text) for topic in TOPICS)
