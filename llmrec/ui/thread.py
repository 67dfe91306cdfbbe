"""The conversation as HTML: what was said, the cards under it, and the first page before anything was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.types import Item, ItemId, Profile, Signal
from llmrec.ui.conversation import Card, Conversation, Exchange
from llmrec.ui.draft import Draft
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.reactions import holds
from llmrec.ui.wording import clipped, fact_chips, link_host

_MAX_DESCRIPTION_CHARS = 180
_ICONS: dict[Signal, str] = {
    "like": "M7 10v11H4V10zm2 0 4-8 1.5.8c.6.4.9 1 .8 1.8L14.5 8H20c1.3 0 2.2 1.2 1.9 2.4l-2 8.3A3 3 0 0 1 17 21H9z",
    "dislike": "M17 14V3h3v11zm-2 0-4 8-1.5-.8c-.6-.4-.9-1-.8-1.8L9.5 16H4c-1.3 0-2.2-1.2-1.9-2.4l2-8.3"
    "A3 3 0 0 1 7 3h8z",
    "seen": "M12 5c5 0 8.5 4 10 7-1.5 3-5 7-10 7s-8.5-4-10-7c1.5-3 5-7 10-7zm0 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
}
_LABELS: dict[Signal, str] = {"like": "Like", "dislike": "Not for me", "seen": "Seen it"}


def past_html(conversation: Conversation, catalogue: Catalogue, *, draft: Draft | None) -> Html:
    """The exchanges above the current one."""
    exchanges = conversation.exchanges if draft is not None else conversation.exchanges[:-1]
    return join(
        _exchange_html(exchange, number, conversation.profile, catalogue) for number, exchange in enumerate(exchanges)
    )


def now_html(conversation: Conversation, catalogue: Catalogue, *, draft: Draft | None, examples: Sequence[str]) -> Html:
    """The current exchange: under way, or the last one; before the first, sentences to try."""
    if draft is not None:
        return draft_html(draft, catalogue)
    if not conversation.exchanges:
        return _welcome_html(len(catalogue), examples)
    return _exchange_html(conversation.exchanges[-1], len(conversation.exchanges) - 1, conversation.profile, catalogue)


def draft_html(draft: Draft, catalogue: Catalogue) -> Html:
    """The exchange under way; its cards answer to buttons once the reply is whole."""
    live = element(
        "p",
        element("span", class_="pulse", aria_hidden="true"),
        text(draft.status or ("Reading your message" if draft.started else "Waiting for its turn")),
        class_="status",
    )
    cards = (_card_html(card, rank, None, catalogue) for rank, card in enumerate(draft.cards, start=1))
    return _frame_html(draft.asked, draft.number, live, _said_html(draft.text), _cards_html(cards), is_busy=True)


def _exchange_html(exchange: Exchange, number: int, profile: Profile, catalogue: Catalogue) -> Html:
    cards = (_card_html(card, rank, profile, catalogue) for rank, card in enumerate(exchange.cards, start=1))
    said = _failure_html(exchange.text) if exchange.failed else _said_html(exchange.text)
    status = element("p", text(exchange.status), class_="status") if exchange.status else Html("")
    return _frame_html(exchange.asked, number, status, said, _cards_html(cards))


def _frame_html(asked: str, number: int, *answer: Html, is_busy: bool = False) -> Html:
    question = element("p", _spoken("You said: "), text(asked), class_="asked")
    body = element("div", _spoken("The recommender said: "), *answer, class_="answer", aria_busy=str(is_busy).lower())
    return element("section", question, body, class_="exchange", data_exchange=str(number))


def _said_html(said: str) -> Html:
    return element("p", text(said), class_="said") if said else Html("")


def _failure_html(sentence: str) -> Html:
    return element("p", text(sentence), class_="failure", role="alert")


def _cards_html(cards: Iterable[Html]) -> Html:
    shown = join(cards)
    return element("ol", shown, class_="cards") if shown else Html("")


def _card_html(card: Card, rank: int, profile: Profile | None, catalogue: Catalogue) -> Html:
    """One card; without a profile its buttons rest."""
    item = catalogue[card.item_id]
    chips = (element("li", text(words), class_="chip", title=name) for name, words in fact_chips(item, catalogue))
    about = clipped(item.description, max_chars=_MAX_DESCRIPTION_CHARS)
    body = [
        element("h3", element("span", Html(str(rank)), class_="rank", aria_hidden="true"), text(item.title)),
        element("ul", *chips, class_="chips"),
        element("p", text(about), class_="about") if about else Html(""),
        element("p", text(card.why), class_="why") if card.why else Html(""),
        element("div", *_buttons_html(item, profile), _link_html(item), class_="actions"),
    ]
    return element("li", *body, class_="card")


def _buttons_html(item: Item, profile: Profile | None) -> list[Html]:
    return [_button_html(signal, item.id, item.title, profile) for signal in _LABELS]


def _button_html(signal: Signal, item_id: ItemId, title: str, profile: Profile | None) -> Html:
    icon = Html(f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[signal]}"/></svg>')
    return element(
        "button",
        icon,
        element("span", Html(_LABELS[signal])),
        type="button",
        class_=f"react react-{signal}",
        disabled=profile is None,
        aria_pressed=str(profile is not None and holds(profile, signal, item_id)).lower(),
        aria_label=f"{_LABELS[signal]}: {title}",
        data_event="react",
        data_signal=signal,
        data_item=item_id,
    )


def _link_html(item: Item) -> Html:
    host = link_host(item.url)
    if not host:
        return Html("")
    return element("a", text(host), href=item.url, target="_blank", rel="noopener noreferrer", class_="link")


def _welcome_html(n_items: int, examples: Sequence[str]) -> Html:
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
        class_="welcome",
    )


def _spoken(words: str) -> Html:
    return element("span", Html(words), class_="spoken")
