"""Requests that have nothing to do with any catalogue: the weather, a sum, a poem, an alarm."""

from __future__ import annotations

import re

_PLEASE = r"(?:(?:(?:can|could|would|will)\s+you|please|hey|ok|so|now|i\s+want\s+you\s+to|just)[\s,]+){0,3}"
_NUMBER = r"[-\d.,()^]+"
_SUM = rf"{_NUMBER}\s*(?:[-+*/x^]|times|plus|minus|divided\s+by|(?:%|percent)\s+of)\s*{_NUMBER}"
# What an item may be about stands in wishes; these are things to be done, so they open the message.
_TASK = re.compile(
    rf"^\W*{_PLEASE}(?:"
    r"write\s+(?:me\s+|us\s+)?(?:an?|the|my|some)\s+(?!summary|synopsis|description|review)\w+"
    r"|(?:translate|calculate|compute|debug)\b(?=\W+\S)|solve\s+(?:\S*[\^=+*/]|\S+\s*[\^=+*/]|this\b|my\b)"
    r"|(?:remind|wake)\s+me\b|(?:call|phone|text|email)\s+(?:my|an?|the)\s+\w+|order\s+(?:me\s+|us\s+)?(?:an?|some)\s+(?:pizza|taxi|cab|burger|food|dinner|lunch|uber)"
    r"|set\s+(?:an?|the|my)\s+(?:alarm|timer|clock)|turn\s+(?:on|off|up|down)\s+(?:the|my)\b|(?:switch|put)\s+(?:on|off)\s+the\s+(?:light|heating|tv|radio)s?"
    r"|book\s+(?:me\s+|us\s+)?(?:an?|the)\s+(?:table|flight|hotel|room|taxi|ticket|restaurant)s?"
    r"|(?:tell|read|give)\s+(?:me|us)\s+(?:an?|the|another|some|today's)\s+(?:joke|riddle|news|time|weather|headlines|recipe\s+(?:for|of))"
    r"|do\s+(?:my|the)\s+(?:\w+\s+)?(?:homework|taxes|laundry|dishes|shopping)"
    r")",
    re.IGNORECASE,
)
_GOODS = r"(?:restaurants?|hotels?|dentists?|doctors?|plumbers?|flights?)"
_MATTER = re.compile(
    r"(?:^|(?<=[.,;!?\n]))\W*(?:(?:and|but|so|ok|hey|by\s+the\s+way)\W+)*(?:"
    r"(?:what(?:'s|\s+is)|how(?:'s|\s+is)|tell\s+me)\s+the\s+(?:weather|forecast)\b[^.!\n]*"
    r"|(?:is|will|was)\s+it\s+(?:going\s+to\s+)?(?:be\s+)?(?:rain|snow|raining|snowing|cold|hot|warm|sunny|windy)\b(?:\s+(?:outside|there|today|tomorrow|tonight|now|this\s+\w+))*"
    r"|what\s+(?:time|day|date)\s+is\s+it(?:\s+(?:now|today|in\s+\w+))*|what(?:'s|\s+is)\s+(?:the\s+(?:time|date)|today's\s+date)(?:\s+(?:now|today|in\s+\w+))*"
    r"|(?:what|who)(?:'s|\s+is|\s+was|\s+are)\s+the\s+(?:\w+\s+)?(?:capital|population|currency|area|president|prime\s+minister|chancellor|king|queen|pope|mayor)(?:\s+of\s+[\w\s]{2,30})?"
    r"|who\s+(?:invented|discovered)\b[^?]*|who\s+won\s+the\s+(?:\w+\s+){0,2}(?:cup|election|league|championship|match|game|race|war)\b[^?]*"
    r"|how\s+(?:do|can|should|could)\s+(?:i|we|you)\s+(?:fix|cook|bake|make|repair|remove|build|lose|earn|learn|clean|install|open|tie|invest)\b[^?]*"
    r"|how\s+far\s+(?:is|away\s+is)\s+(?:the\s+)?\w+[^?]*|how\s+many\s+(?:people\s+live|inhabitants|countries|calories|planets|states)\b[^?]*"
    rf"|(?:what(?:'s|\s+is)|how\s+much\s+is)\s+{_SUM}|what\s+does\s+\S{{1,40}}\s+mean|what(?:'s|\s+is)\s+the\s+meaning\s+of\s+(?:life|\S+)"
    r"|what(?:'s|\s+is|\s+are)\s+your\s+(?:opinion|views?|thoughts?)\s+(?:on|about|of)\s+[^?]*|what\s+should\s+i\s+(?:do|eat|cook|wear)\b[^?]*"
    r"|(?:which|what)\s+\w+\s+should\s+i\s+vote\b[^?]*|(?:should|can)\s+i\s+(?:invest|vote|marry|sue|quit\s+my)\b[^?]*"
    r"|(?:what(?:'s|\s+is)|how(?:'s|\s+is)|how\s+much\s+is)\s+(?:the\s+|a\s+)?(?:price\s+of\s+)?(?:bitcoin|gold|oil|stock\s+market|exchange\s+rate)\b[^?]*"
    rf"|(?:do\s+you\s+know|can\s+you\s+(?:find|recommend)|find\s+me|recommend)\s+(?:me\s+)?(?:an?|any|some)\s+(?:\w+\s+)?{_GOODS}(?:\s+(?:near|around|in|here)\b[^?]*)?"
    r")\W*$",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:the\s+(?:first|second|third|fourth|fifth|last)|number\s+\d|#\d|this\s+one|that\s+one|these|those|them)\b",
    re.IGNORECASE,
)
_MAX_CHARS = 300


def is_other_matter(text: str) -> bool:
    """Whether `text` asks for something that no item is about; never where it points at items that were shown."""
    if len(text) > _MAX_CHARS or _POINTS.search(text):
        return False
    return _TASK.match(text) is not None or _MATTER.search(text) is not None
