"""What the guides show a reader: documents, the commands in them, their links, headings and inline code."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOLDERS = ("docs", "finetune", "examples", "benchmarks", "prompts", "deploy", "llmrec", "tests")
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s)#.*$")
_ENDS = re.compile(r"[();<>|&]+")
_SETTING_OF_A_VARIABLE = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True)
class Command:
    """One command line.

    Attributes:
        words: As a shell would split it, without variables set before it.
        is_whole: Whether it can be typed as it stands; a mention within a sentence may leave out what is needed.
        document: Where it stands, below the root.
    """

    words: tuple[str, ...]
    is_whole: bool
    document: str

    def __str__(self) -> str:
        """The command and its place, as the name of a test."""
        return f"{self.document}: {shlex.join(self.words)}"


def documents() -> list[Path]:
    """All texts for readers."""
    below = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def name_of(document: Path) -> str:
    """Its path below the root."""
    return document.relative_to(ROOT).as_posix()


def fenced(text: str, *languages: str) -> list[str]:
    """The blocks of code in one of these languages."""
    return [code for language, code in _FENCE.findall(text) if language in languages]


def inline(text: str) -> list[str]:
    """Code within sentences, each on one line."""
    return [" ".join(code.split()) for code in _INLINE.findall(_FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """Targets of links and pictures that are not on another site."""
    return [link for link in _LINK.findall(_without_code(text)) if not re.match(r"[a-z]+:", link)]


def anchors(text: str) -> set[str]:
    """What can follow `#` in a link to this text, as GitHub makes it of headings."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(_FENCE.sub("", text)))
    return {heading.replace(" ", "-") for heading in kept}


def commands() -> list[Command]:
    """Each command line of all documents but the changelog, which tells what once was; once a document."""
    current = [document for document in documents() if document.name != "CHANGELOG.md"]
    found = (command for document in current for command in commands_in(document.read_text("utf-8"), name_of(document)))
    return list(dict.fromkeys(found))


def commands_in(text: str, document: str) -> Iterator[Command]:
    """The commands that blocks of shell lines show, and those that sentences mention."""
    for block in fenced(text, "sh", "bash", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            is_short = "..." in line or " | " in line  # stands for several commands or for some of its words
            yield from _commands_of(line, document, is_whole=not is_short)
    for code in inline(text):
        yield from _commands_of(code, document, is_whole=False)


def _commands_of(line: str, document: str, *, is_whole: bool) -> Iterator[Command]:
    text = _COMMENT.sub("", line).replace("[", " ").replace("]", " ")  # what may be left out is there, too
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:  # a quotation mark of prose
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token == "--" or _ENDS.fullmatch(token):
            if _is_ours(words):
                yield Command(tuple(words), is_whole, document)
            words = []
        elif token != "..." and (words or not _SETTING_OF_A_VARIABLE.fullmatch(token)):
            words.append(token)


def _is_ours(words: list[str]) -> bool:
    return len(words) > 1 and Path(words[0]).name in {"llmrec", "python", "python3", "make"}


def _without_code(text: str) -> str:
    return _INLINE.sub("", _FENCE.sub("", text))
