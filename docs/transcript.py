"""A conversation of ten turns with the real demo, as Markdown: `make transcript`, or `python docs/transcript.py DEMO`.

What is said is written down here; what is replied is what the system replies, model and all.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.readme import README, with_block
from llmrec.recommender import Recommender
from llmrec.types import CardsEvent, Profile, Reply, ReplyEvent, Turn

OUT = Path(__file__).with_suffix(".md")
K = 3
SAID = (
    "a comedy for a rainy evening",
    "from the 80s or 90s, and nothing with Robin Williams",
    "I've seen the first one, it was great",
    "who is in the second one?",
    "and what is it about?",
    "wasn't it made in 1970?",
    "a bit newer, and not a romance",
    "compare the first two",
    "actually, undo that and give me something like Alien instead",
    "sounds good, I'll take the first one. Thanks, bye!",
)


def main() -> None:
    """Hold the conversation and write it down, as a page of its own and into the README."""
    demo = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/demo")
    recommender = Recommender.from_pretrained(demo)
    recommender.warm_up()
    head = [
        "# Ten turns with the demo",
        "",
        f"Written by `make transcript` with the demo over {recommender.name}: the packaged adapter ranks, {K} items a",
        "reply. What is said is chosen; what is replied is not edited. Quoted descriptions of the items: Wikipedia",
        "contributors, CC BY-SA 4.0, shortened.",
        "",
    ]
    lines: list[str] = []
    seconds: list[tuple[float, float]] = []
    for text, reply, first, whole in converse(recommender):
        seconds += [(first, whole)] if reply.recommendations else []
        lines += told(text, reply)
    talk = "\n".join(lines)
    OUT.write_text("\n".join([*head, talk]), encoding="utf-8")
    README.write_text(with_block(README.read_text(encoding="utf-8"), "transcript", talk), encoding="utf-8")
    cards, replies = (statistics.median(column) for column in zip(*seconds, strict=True))
    print(f"median of turns with cards: {cards:.1f} s to the first cards, {replies:.1f} s to the end", file=sys.stderr)


def converse(recommender: Recommender) -> Iterator[tuple[str, Reply, float, float]]:
    """What was said, the reply, and the seconds to its first cards and to its end."""
    turns: tuple[Turn, ...] = ()
    profile = Profile()
    for text in SAID:
        started, first = time.perf_counter(), float("nan")
        turns = (*turns, Turn("user", text))
        for event in recommender.chat_stream(turns, profile, k=K):
            if isinstance(event, CardsEvent) and first != first:
                first = time.perf_counter() - started
            if isinstance(event, ReplyEvent):
                yield text, event.reply, first, time.perf_counter() - started
                turns, profile = (*turns, Turn("assistant", event.reply.text)), event.reply.profile


def told(text: str, reply: Reply) -> list[str]:
    """One turn as Markdown."""
    cards = [f"{item.rank}. **{item.title}** — {item.explanation}" for item in reply.recommendations]
    return [f"> {text}", "", reply.text, "", *cards, *([""] if cards else [])]


if __name__ == "__main__":
    main()
