"""Messages about no item and no wish: greetings, thanks, farewells."""

from __future__ import annotations

import re

from llmrec.dialogue.acts import is_small_talk
from llmrec.dialogue.question_topics import asks_about_item
from llmrec.dialogue.words import split_words, word_set

_MAX_CHARS = 120  # a farewell is short
_THANKS = word_set("thanks thank thx ty cheers")
_POLITE = (
    r"(?:ok|okay|alright|all\s+right|no|nope|yes|yeah|great|perfect|cool|nice|well|so|and|oh|hey|please|friend"
    r"|(?:(?:no|many)\s+)?thanks|thank\s+you|thx|ty|cheers|(?:so|very|a\s+lot|lots|much|again|anyway|everyone|everybody)"
    r"|for\s+(?:(?:all|the|your|that|this|everything|help|time|tips?|ideas?|suggestions?|recommendations?)\s*)+"
    r"|you(?:'ve|\s+have)?\s+(?:been|were)\s+(?:very\s+|so\s+|really\s+)?(?:helpful|great|kind))"
)
_FOR_NOW = (
    r"(?:\s+(?:here|now|then|later|soon|around|tomorrow|next\s+time"
    r"|(?:for|until)\s+(?:now|today|tonight|me|next\s+time)))*"
)
_PARTING = (
    r"(?:(?:(?:let's|please|you\s+can|i\s+want\s+to|can\s+we)\s+)?(?:quit|exit|stop|leave|(?:end|close)\s+(?:the\s+|this\s+)?(?:chat|conversation))"
    r"|enough|(?:good[\s-]*)?bye(?:[\s-]*bye)?|farewell|ciao|see\s+(?:you|ya)|(?:talk|speak)\s+to\s+you\s+later|later"
    r"|(?:that's|thats|that\s+is|that'll\s+be|that\s+will\s+be|that\s+was)\s+(?:all|it|everything|enough)"
    r"(?:\s+i\s+(?:need|needed|want|wanted))?"
    r"|(?:i'm|i\s+am|im|we're|we\s+are|all)\s+(?:done|finished|good|set|all\s+set|off|leaving)|done"
    r"|nothing\s+(?:else|more)|(?:i|we)(?:'ve|\s+have)?\s+(?:(?:have|got|need)\s+to|gotta|must|should)\s+(?:go|run|leave)"
    r"|gotta\s+(?:go|run)|good\s*night|have\s+an?\s+(?:good|nice|great|lovely)\s+(?:day|evening|night|one|weekend|time))"
)
_FAREWELL = re.compile(
    rf"^\W*(?:{_POLITE}\W+)*{_PARTING}{_FOR_NOW}(?:\W+(?:{_POLITE}|{_PARTING}){_FOR_NOW})*\W*$", re.IGNORECASE
)


_BELIEFS = re.compile(
    r"^\W*(?:(?:so|and|ok|okay)\W+)?what\s+(?:(?:did|have)\s+i\s+(?:say|said|tell|told|ask|asked)\b|do\s+you\s+(?:know|think|remember|believe)\s+(?:about|of)\s+me\b"
    r"|are\s+my\s+(?:preferences|wishes|conditions|tastes?)\b)[^.!\n]{0,40}$",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"^\W*(?:how\s+(?:does|do)\s+(?:this|it|you)\s+work|what\s+can\s+(?:you|i)\s+(?:do|ask|say)|help(?:\s+me)?)\b[^.!\n]{0,40}$",
    re.IGNORECASE,
)


def asks_for_beliefs(text: str) -> bool:
    """Whether the user asks what is believed of them: "what did I say so far?"."""
    return _BELIEFS.match(text) is not None


def is_farewell(text: str) -> bool:
    """Whether the user ends the conversation: "quit", "that's all, thanks", "I'm done"."""
    return len(text) <= _MAX_CHARS and _FAREWELL.match(text) is not None


def answer_to_talk(text: str) -> str:
    """The key of the message that answers small talk; empty where `text` is none."""
    if is_farewell(text):
        return "bye"
    if _HELP.match(text):
        return "help"
    # "How much is it?" is made of the words of small talk and is none.
    if not is_small_talk(text) or asks_about_item(text):
        return ""
    return "welcome" if any(word.key in _THANKS for word in split_words(text)) else "help"
