"""Chinese messages in the words of the grammar: what it knows is rewritten, what it does not know stays Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import resources

from llmrec.dialogue.words import clean

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_QUOTED = re.compile(r"[《「『“\"]([^》」』”\"\n]{1,100})[》」』”\"]")
_HELD = re.compile(r"\x1a(\d+)\x1a")
_IT = "{it}"
_MIN_TITLE = 2
_MAX_CHARS = 20_000  # the grammar's words are longer than the Chinese ones
_KINDS = r"(?:电影|影片|片子|片|小说|书|剧集|剧|类型|类)?"
_DIGITS = {"十": 10, "二": 20, "三": 30, "四": 40, "五": 50, "六": 60, "七": 70, "八": 80, "九": 90}
_SUBJECT = r"\s*(?P<title>\x1a\d+\x1a)?\s*(?:这部|这本|这个|那部|那个|它)?的?"
_NO = re.compile(r"\b(?:no|not|without|nothing)\s+(?=[\u4e00-\u9fff])")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_WORDY_DECADE = re.compile(r"([二三四五六七八九])十年代")


class ChineseReader:
    """Rewrites Chinese messages for the readers of one catalogue."""

    def __init__(self, titles: Iterable[str], values: Mapping[str, str]) -> None:
        """Know the Chinese `titles`, and Chinese words for `values`: the word to the value as the catalogue has it."""
        self._titles = _any_of(title for title in titles if len(title) >= _MIN_TITLE and _CHINESE.search(title))
        self._values = {word: value for word, value in values.items() if _CHINESE.search(word)}
        # "Too frightening" criticises and does not ask for the frightening kind.
        self._phrases = _phrases()
        self._words = re.compile(rf"(?<!太)({_any_of(self._values).pattern}){_KINDS}")

    def rewrite(self, text: str) -> str:
        """`text` with what is known of it in the grammar's words; titles stand in quotation marks."""
        held: list[str] = []

        def hold(said: str) -> str:
            held.append(said)
            return f"\x1a{len(held) - 1}\x1a"

        text = _QUOTED.sub(lambda match: hold(f'"{match[1].strip()}"'), text)
        text = self._titles.sub(lambda match: hold(f'"{match[0]}"'), text)
        text = _WORDY_DECADE.sub(lambda match: f"{_DIGITS[match[1]]}年代", text)
        text = self._words.sub(lambda match: hold(self._values[match[1]]), text)
        for pattern, spoken in self._phrases:
            text = pattern.sub(partial(_spoken, spoken), text)
        text = _HELD.sub(lambda match: f" {held[int(match[1])]} ", text)
        return clean(text, max_chars=_MAX_CHARS).strip()


def as_said(rest: str) -> str:
    """What the readers left of a rewritten message as the user may have put it: "no 吓 人" was "不要吓人"."""
    return _GAP.sub("", _NO.sub("不要", rest)) if has_chinese(rest) else rest


def has_chinese(text: str) -> bool:
    """Whether `text` has Chinese characters."""
    return _CHINESE.search(text) is not None


def _spoken(spoken: str, match: re.Match[str]) -> str:
    if _IT in spoken:
        return f" {spoken.replace(_IT, match['title'] or 'it')} "
    return f" {match.expand(spoken)} "


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What is said in Chinese, and the grammar's words for it."""
    file = resources.files("llmrec.dialogue") / "resources" / "zh_grammar.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return tuple((re.compile(_SUBJECT + said if _IT in spoken else said), spoken) for said, spoken in rows)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, the longest first; nothing when there is none."""
    ordered = sorted(set(words), key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in ordered) or r"(?!)")
