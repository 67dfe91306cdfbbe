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


_LAUGH = r"(?:(?:ha){1,9}h?|(?:he){2,9}|lo+l|lmao|rofl)"
_VERY = r"(?:(?:so|very|really|pretty|super|quite|too|such|an?|the)\s+){0,3}"
_KIND = (
    r"(?:great|good|helpful|awesome|amazing|nice|kind|cool|best|clever|smart|sweet|funny|useful|wonderful|help|star)"
)
_GREETING = (
    r"(?:(?:hi|hello|hey|hiya|yo)(?:\s+(?:there|again|all|everyone))?|good\s+(?:morning|afternoon|evening|day)"
    r"|(?:nice|pleased|good|glad|lovely|great)\s+to\s+(?:meet|see)\s+you|what's\s+up|whats\s+up|sup"
    r"|how(?:'s|\s+is|\s+are)\s+(?:it\s+going|you(?:\s+(?:doing|today))*|things|life)|(?:is\s+)?(?:anyone|anybody|somebody)\s+(?:there|home)"
    r"|take\s+care|(?:good|great|nice)\s+(?:job|work)|well\s+done)"
)
_PRAISE = rf"(?:you're|you\s+are|you\s+were)\s+{_VERY}{_KIND}"
_SO_IT_WAS = rf"(?:that|this)(?:'s|\s+was|\s+is)\s+{_VERY}{_KIND}(?:\s+help)?"
_FRIEND = r"(?:mate|friend|buddy|pal|man|dude|robot|bot|assistant)"
_ABOUT_YOU = re.compile(
    r"^\W*(?:(?:so|and|hey|hi|hello|ok)\W+)*(?:are\s+you\s+(?:(?:an?|the|really|even|still)\s+)*(?:\w+\s+)?"
    r"(?:robot|bot|human|person|machine|ai|real|alive|computer|program|chatgpt|gpt|man|woman|model)"
    r"|who\s+(?:are|made|built|created|programmed|trained|wrote)\s+you|who\s+am\s+i\s+talking\s+to|what\s+are\s+you"
    r"|what(?:'s|\s+is)\s+your\s+name|(?:how\s+old|where)\s+are\s+you(?:\s+from)?|do\s+you\s+have\s+a\s+name)\W*$",
    re.IGNORECASE,
)
_CHAT = re.compile(
    rf"^(?!\W*no\b)(?:\W*(?:{_LAUGH}|{_GREETING}|{_POLITE}|{_PRAISE}|{_SO_IT_WAS}|{_FRIEND}|wow)\b)+\W*$", re.IGNORECASE
)
# "Perfect, thanks" takes what was shown; one of these says that nothing else is meant.
_CHATS = re.compile(
    rf"\b(?:{_LAUGH}|{_GREETING}|{_PRAISE}|(?:thanks|thank\s+you|cheers|thx)\W+(?:{_FRIEND}|[^.!?]*\b(?:helpful|help|kind|useful)))\b",
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
    if len(text) <= _MAX_CHARS and _ABOUT_YOU.match(text):
        return "about_me"
    if len(text) <= _MAX_CHARS and _CHATS.search(text) and _CHAT.match(text):
        return "welcome" if _thanks(text) else "help"
    # "How much is it?" is made of the words of small talk and is none.
    if not is_small_talk(text) or asks_about_item(text):
        return ""
    return "welcome" if _thanks(text) else "help"


def _thanks(text: str) -> bool:
    return any(word.key in _THANKS for word in split_words(text))
