"""The conversation as HTML: what was said, the cards under it, and the first page before anything was said."""

from __future__ import annotations

from collections.abc import Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.types import Profile
from llmrec.ui.cards import CardPrinter
from llmrec.ui.conversation import Conversation, Exchange
from llmrec.ui.draft import Draft
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.trace import trace_html

_NOTHING = Html("")
_GO = "What would you recommend?"


class Thread:
    """Prints conversations over one catalogue."""

    def __init__(self, catalogue: Catalogue, *, examples: Sequence[str]) -> None:
        """Offer `examples` as first sentences."""
        self._catalogue = catalogue
        self._printer = CardPrinter(catalogue)
        self._examples = examples

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
            return _welcome_html(len(self._catalogue), self._examples, liked)
        last = conversation.exchanges[-1]
        return self._exchange(last, len(conversation.exchanges) - 1, conversation.profile, self._next(last))

    def draft(self, draft: Draft) -> Html:
        """The exchange under way; its cards answer to buttons once the reply is whole."""
        live = element(
            "p",
            element("span", class_="pulse", aria_hidden="true"),
            text(draft.status or ("Reading your message" if draft.started else "Waiting for its turn")),
            class_="status",
        )
        cards = self._printer.cards(draft.cards, None)
        return _frame_html(draft.asked, draft.number, live, _said_html(draft.text), cards, is_busy=True)

    def _exchange(self, exchange: Exchange, number: int, profile: Profile, after: Html = _NOTHING) -> Html:
        said = _failure_html(exchange.text) if exchange.failed else _said_html(exchange.text)
        status = element("p", text(exchange.status), class_="status") if exchange.status else Html("")
        trace = trace_html(exchange.trace, exchange.cards, self._catalogue) if exchange.trace is not None else Html("")
        cards = self._printer.cards(exchange.cards, profile)
        return _frame_html(exchange.asked, number, status, said, cards, trace, after)

    def _next(self, last: Exchange) -> Html:
        """What to say after the last exchange: the same again where it failed, else critiques of its cards."""
        if last.failed:
            return element("button", Html("Try again"), type="button", class_="critique", data_event="retry")
        return self._printer.chips(last.cards)


def _frame_html(asked: str, number: int, *answer: Html, is_busy: bool = False) -> Html:
    question = element("p", _spoken("You said: "), text(asked), class_="asked")
    body = element("div", _spoken("The recommender said: "), *answer, class_="answer", aria_busy=str(is_busy).lower())
    return element("section", question, body, class_="exchange", data_exchange=str(number))


def _said_html(said: str) -> Html:
    return element("p", text(said), class_="said") if said else Html("")


def _failure_html(sentence: str) -> Html:
    return element("p", text(sentence), class_="failure", role="alert")


def _welcome_html(n_items: int, examples: Sequence[str], liked: Sequence[str]) -> Html:
    tries = (
        element("button", text(example), type="button", class_="example", data_event="ask", data_text=example)
        for example in examples
    )
    return element(
        "section",
        element("h2", Html("What are you in the mood for?")),
        element(
            "p",
            Html(
                f"Say it in your own words: what you feel like, what you loved, what to leave out. "
                f"I look through {n_items:,} items and tell you why I picked what I picked."
            ),
        ),
        element("div", *tries, class_="examples", role="group", aria_label="Sentences to try"),
        _picked_html(liked) if liked else Html(""),
        class_="welcome",
    )


def _picked_html(liked: Sequence[str]) -> Html:
    go = element("button", Html("Recommend from these"), type="button", class_="go", data_event="ask", data_text=_GO)
    titles = (element("li", text(title), class_="chip") for title in liked)
    return element("div", element("p", Html("You like:")), element("ul", *titles, class_="chips"), go, class_="picked")


def _spoken(words: str) -> Html:
    return element("span", Html(words), class_="spoken")
