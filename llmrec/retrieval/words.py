"""Words of a text as the word index and the hashing encoder read them; English endings and filler words only."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")
STOP_WORDS = frozenset(
    _WORD.findall(
        """a about after all also am an and any are as at be because been but by can could did do does for from get
        give had has have he her him his how i if in into is it its just let like me more most my no not of on one or
        other our out please she should so some something than that the their them then there these they this to too up
        us very want was we were what when where which who will with would you your"""
    )
)
_MIN_STEMMED = 4


def words(text: str) -> list[str]:
    """Words in order: lower case, without accents and filler words, plural endings folded (`comedies` -> `comedy`)."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [singular(word) for word in _WORD.findall(plain) if word not in STOP_WORDS]


def singular(word: str) -> str:
    """`word` without an English plural ending; `comedies` and `comedy`, `zombies` and `zombie` meet in one form."""
    if len(word) < _MIN_STEMMED:
        return word
    if word.endswith(("sses", "xes", "shes", "ches")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-2] + "y" if word.endswith("ie") and len(word) >= _MIN_STEMMED else word
