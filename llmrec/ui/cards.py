"""A recommended item as HTML: facts, reasons, whose voices brought it here, and what can be said about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from llmrec.data.catalogue import Catalogue
from llmrec.dialogue.messages import Messages
from llmrec.explanation.telling import telling_in
from llmrec.types import Item, Profile, Signal
from llmrec.ui.conversation import Card
from llmrec.ui.critiques import Critiques
from llmrec.ui.markup import Html, element, join, text
from llmrec.ui.reactions import holds
from llmrec.ui.wording import clipped, fact_chips, link_host

_MAX_DESCRIPTION_CHARS = 180
_N_COLOURS = 6
_ICONS: dict[Signal, str] = {
    "like": "M7 10v11H4V10zm2 0 4-8 1.5.8c.6.4.9 1 .8 1.8L14.5 8H20c1.3 0 2.2 1.2 1.9 2.4l-2 8.3A3 3 0 0 1 17 21H9z",
    "dislike": "M17 14V3h3v11zm-2 0-4 8-1.5-.8c-.6-.4-.9-1-.8-1.8L9.5 16H4c-1.3 0-2.2-1.2-1.9-2.4l2-8.3"
    "A3 3 0 0 1 7 3h8z",
    "seen": "M12 5c5 0 8.5 4 10 7-1.5 3-5 7-10 7s-8.5-4-10-7c1.5-3 5-7 10-7zm0 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
}


class CardPrinter:
    """Prints the cards of one catalogue in one language."""

    def __init__(self, catalogue: Catalogue, words: Messages) -> None:
        """Look items up in `catalogue`; speak in `words`."""
        self._catalogue = catalogue
        self._words = words
        self._critiques = Critiques(catalogue, words)

    def cards(self, cards: Sequence[Card], profile: Profile | None) -> Html:
        """The cards of one reply, best first; without a profile their buttons rest."""
        if not cards:
            return Html("")
        names = list(dict.fromkeys(name for card in cards for name in card.voices))
        longest = max((_reach(card.voices) for card in cards), default=0.0)
        shown = (self._card(card, rank, profile, names, longest) for rank, card in enumerate(cards, start=1))
        return element("ol", *shown, class_="cards")

    def chips(self, cards: Sequence[Card]) -> Html:
        """What to say next about these cards, a button each."""
        messages = self._critiques.chips([self._catalogue[card.item_id] for card in cards])
        buttons = (
            element("button", text(message), type="button", class_="critique", data_event="ask", data_text=message)
            for message in messages
        )
        label = self._words.say("say_next")
        return element("div", *buttons, class_="critiques", role="group", aria_label=label) if messages else Html("")

    def _card(self, card: Card, rank: int, profile: Profile | None, names: Sequence[str], longest: float) -> Html:
        item = self._catalogue[card.item_id]
        chips = (
            element("li", text(words), class_="chip", title=name) for name, words in fact_chips(item, self._catalogue)
        )
        about = clipped(item.description, max_chars=_MAX_DESCRIPTION_CHARS)
        body = [
            element(
                "div",
                element("h3", element("span", Html(str(rank)), class_="rank", aria_hidden="true"), text(item.title)),
                # The same bar stands under "Why?" with its numbers; this one is for the eye.
                element("div", _bar_html(card.voices, names, longest), class_="glance", aria_hidden="true"),
                class_="head",
            ),
            element("ul", *chips, class_="chips"),
            element("p", text(about), class_="about") if about else Html(""),
            element("p", text(card.why), class_="why") if card.why else Html(""),
            element("div", *self._reactions(item, profile), _link_html(item), class_="actions"),
            element("div", *self._more(card, item, names, longest, is_live=profile is not None), class_="more"),
        ]
        return element("li", *body, class_="card")

    def _more(self, card: Card, item: Item, names: Sequence[str], longest: float, *, is_live: bool) -> Iterable[Html]:
        if card.evidence or card.voices:
            evidence = (element("li", text(reason)) for reason in card.evidence)
            score = score_html(card.voices, names, longest, self._words)
            yield _disclosure(
                "why-box", self._words.say("why"), item, element("ul", *evidence, class_="reasons"), score
            )
        if not is_live:
            return
        alike = self._words.say("alike")
        yield element(
            "button",
            text(alike),
            type="button",
            class_="quiet alike",
            aria_label=self._words.say("about_item", label=alike, title=item.title),
            data_event="ask",
            data_text=self._words.say("say_alike", title=item.title),
        )
        yield from self._against(item)

    def _against(self, item: Item) -> Iterable[Html]:
        reasons = [
            element(
                "button",
                text(reason.label),
                type="button",
                class_="critique",
                data_event="because",
                data_item=item.id,
                data_reason=str(number),
            )
            for number, reason in enumerate(self._critiques.reasons(item))
        ]
        if reasons:
            label = self._words.say("not_item_because", title=item.title)
            group = element("div", *reasons, class_="critiques", role="group", aria_label=label)
            yield _disclosure("because", self._words.say("not_because"), item, group)

    def _reactions(self, item: Item, profile: Profile | None) -> Iterable[Html]:
        for signal, path in _ICONS.items():
            label = self._words.say(signal)
            yield element(
                "button",
                Html(f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'),
                element("span", text(label)),
                type="button",
                class_=f"react react-{signal}",
                disabled=profile is None,
                aria_pressed=str(profile is not None and holds(profile, signal, item.id)).lower(),
                aria_label=self._words.say("about_item", label=label, title=item.title),
                data_event="react",
                data_signal=signal,
                data_item=item.id,
            )


def score_html(voices: Mapping[str, float], names: Sequence[str], longest: float, words: Messages) -> Html:
    """The score as a bar: what speaks for the item to the right of the middle, what speaks against it to the left.

    Args:
        voices: What each voice adds.
        names: All voices of the reply; a place here is a colour.
        longest: The longest reach of any bar of the reply, to draw all on one scale.
        words: The page's phrases.
    """
    if not voices or longest <= 0:
        return Html("")
    total = sum(voices.values())
    told = telling_in(words.language)
    shares = [(name, f"{told.voice(name)} {voices[name]:+.2f}") for name in names if name in voices]
    said = words.say("comma").join(share for _, share in shares)
    label = words.say("about_item", label=words.say("score", total=total), title=said)
    bar = element("div", _bar_html(voices, names, longest), role="img", aria_label=label)
    # The name that the code and the trace have for a voice is in its tooltip.
    legend = (element("li", _colour_html(names.index(name)), text(share), title=name) for name, share in shares)
    head = element("p", text(words.say("score_of", total=total)), class_="score-of")
    return join([head, bar, element("ul", *legend, class_="voices")])


def _colour_html(place: int) -> Html:
    return element("i", class_=f"voice-{place % _N_COLOURS}", aria_hidden="true")


def _bar_html(voices: Mapping[str, float], names: Sequence[str], longest: float) -> Html:
    if not voices or longest <= 0:
        return Html("")
    shares = [(voices[name], names.index(name) % _N_COLOURS) for name in names if name in voices]
    against = [_part_html(share, colour, longest) for share, colour in reversed(shares) if share < 0]
    in_favour = [_part_html(share, colour, longest) for share, colour in shares if share > 0]
    sides = [element("div", *against, class_="against"), element("div", *in_favour, class_="in-favour")]
    return element("div", *sides, class_="score")


def _part_html(share: float, colour: int, longest: float) -> Html:
    return element("span", class_=f"voice-{colour}", style=f"width:{100 * abs(share) / longest:.1f}%")


def _reach(voices: Mapping[str, float]) -> float:
    """The longer of the two sides of a bar."""
    in_favour = sum(share for share in voices.values() if share > 0)
    return max(in_favour, in_favour - sum(voices.values()))


def _disclosure(kind: str, label: str, item: Item, *inside: Html) -> Html:
    """A part that unfolds; the key is how the page knows it again after the next rendering."""
    title = element("span", Html(" "), text(item.title), class_="spoken")
    summary = element("summary", text(label), title, class_="quiet")
    return element(
        "details", summary, element("div", *inside, class_="inside"), class_=kind, data_key=f"{kind} {item.id}"
    )


def _link_html(item: Item) -> Html:
    host = link_host(item.url)
    if not host:
        return Html("")
    return element("a", text(host), href=item.url, target="_blank", rel="noopener noreferrer", class_="link")
