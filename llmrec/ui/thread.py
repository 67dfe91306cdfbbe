"""The conversation as HTML: what was said, the cards under it, and the first page before anything was said."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.types import Profile
from llmrec.ui.cards import CardPrinter
from llmrec.ui.conversation import Conversation, Exchange
from llmrec.ui.draft import Draft
from llmrec.ui.examples import example_prompts
from llmrec.ui.markup import Html, element, join, plain, text
from llmrec.ui.trace import trace_html

_NOTHING = Html("")


class Thread:
    """Prints conversations over one catalogue in one language."""

    def __init__(self, catalogue: Catalogue, words: Messages) -> None:
        """Look items up in `catalogue`; speak in `words`."""
        self._catalogue = catalogue
        self._words = words
        self._printer = CardPrinter(catalogue, words)
        self._examples = example_prompts(catalogue, words)

    def past(self, conversation: Conversation, *, draft: Draft | None) -> Html:
        """The exchanges above the current one."""
        exchanges = conversation.exchanges if draft is not None else conversation.exchanges[:-1]
        return join(self._exchange(exchange, number, conversation.profile) for number, exchange in enumerate(exchanges))

    def now(self, conversation: Conversation, *, draft: Draft | None) -> Html:
        """The current exchange: under way, or the last one; before the first, sentences to try."""
        if draft is not None:
            return self.draft(draft)
        if not conversation.exchanges:
            liked = [self._catalogue[entry.item_id].title for entry in conversation.profile.liked]
            return self._welcome(liked)
        last = conversation.exchanges[-1]
        return self._exchange(last, len(conversation.exchanges) - 1, conversation.profile, self._next(last))

    def draft(self, draft: Draft) -> Html:
        """The exchange under way; its cards answer to buttons once the reply is whole."""
        live = element(
            "p",
            element("span", class_="pulse", aria_hidden="true"),
            text(draft.status(self._words) or self._words.say("reading" if draft.started else "waiting")),
            class_="status",
        )
        cards = self._printer.cards(draft.cards, None)
        return self._frame(draft.asked, draft.number, live, _said_html(draft.text), cards, is_busy=True)

    def _exchange(self, exchange: Exchange, number: int, profile: Profile, after: Html = _NOTHING) -> Html:
        said = _failure_html(exchange.text) if exchange.failed else _said_html(exchange.text)
        status = element("p", text(exchange.status), class_="status") if exchange.status else Html("")
        trace = trace_html(exchange.trace, exchange.cards, self._catalogue) if exchange.trace is not None else Html("")
        cards = self._printer.cards(exchange.cards, profile)
        return self._frame(exchange.asked, number, status, said, cards, trace, after)

    def _next(self, last: Exchange) -> Html:
        """What to say after the last exchange: the same again where it failed, else critiques of its cards."""
        if last.failed:
            return element(
                "button", text(self._words.say("again")), type="button", class_="critique", data_event="retry"
            )
        return self._printer.chips(last.cards)

    def _frame(self, asked: str, number: int, *answer: Html, is_busy: bool = False) -> Html:
        question = element("p", self._spoken("you_said"), text(asked), class_="asked")
        body = element("div", self._spoken("it_said"), *answer, class_="answer", aria_busy=str(is_busy).lower())
        return element("section", question, body, class_="exchange", data_exchange=str(number))

    def _spoken(self, key: str) -> Html:
        """Words for who does not see the page."""
        return element("span", plain(f"{self._words.say(key)} "), class_="spoken")

    def _welcome(self, liked: Sequence[str]) -> Html:
        tries = (
            element("button", text(example), type="button", class_="example", data_event="ask", data_text=example)
            for example in self._examples
        )
        return element(
            "section",
            element("h2", text(self._words.say("welcome"))),
            element("p", text(self._words.say("welcome_more", n=len(self._catalogue)))),
            element("div", *tries, class_="examples", role="group", aria_label=self._words.say("examples")),
            self._picked(liked) if liked else _NOTHING,
            class_="welcome",
        )

    def _picked(self, liked: Sequence[str]) -> Html:
        go = element(
            "button", text(self._words.say("recommend")), type="button", class_="go", data_event="ask",
            data_text=self._words.say("say_recommend"),
        )  # fmt: skip
        titles = (element("li", text(title), class_="chip") for title in liked)
        head = element("p", text(self._words.say("you_like")))
        return element("div", head, element("ul", *titles, class_="chips"), go, class_="picked")


def _said_html(said: str) -> Html:
    return element("p", text(said), class_="said") if said else Html("")


def _failure_html(sentence: str) -> Html:
    return element("p", text(sentence), class_="failure", role="alert")
