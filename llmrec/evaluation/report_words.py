"""How a result was measured, in words for somebody who has never met the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmrec.evaluation.protocol import ProtocolRecord

_HIDDEN = {
    ("leave-last-out", "test"): "The last interaction of every user was hidden, and guessed from all earlier ones.",
    ("leave-last-out", "validation"): (
        "The last interaction of every user was left out, and the one before it guessed from all earlier ones."
    ),
    (
        "random-one-out",
        "test",
    ): "One interaction of every user, drawn by chance, was hidden and guessed from the others.",
    ("random-one-out", "validation"): (
        "Two interactions of every user, drawn by chance, were left out, and one of them guessed from the others."
    ),
    ("temporal", "test"): (
        "Everything that happened after one moment, the newest tenth of all interactions, was hidden for all users at"
        " once and guessed from what came before."
    ),
    ("temporal", "validation"): (
        "Everything that happened after one moment, the newest fifth of all interactions, was taken away from all users"
        " at once, and the earlier half of it guessed from what came before."
    ),
    ("cold-items", "test"): (
        "The catalogue was divided into parts. Part by part its items lost all their interactions, as if they were new,"
        " and the users whose last interaction was with one of them were asked for it."
    ),
    ("cold-items", "validation"): (
        "The catalogue was divided into parts. Part by part its items lost all their interactions, as if they were new,"
        " and the users whose last interaction but one was with one of them were asked for it; the last was left out."
    ),
    ("user-fold", "test"): (
        "The users were divided into parts. Part by part their last interactions were guessed by what was learned from"
        " the other users alone."
    ),
    ("user-fold", "validation"): (
        "The users were divided into parts. Part by part their last interactions but one were guessed by what was"
        " learned from the other users alone."
    ),
}
_DRAWN = (
    "The data has no order in time: which interaction of a user counts as the last, and which as the one before it, was"
    " drawn by chance."
)
_RANKED = (
    "Every item of the catalogue that the user had not met was ranked: nothing was sampled. Equal scores share their"
    " mean rank."
)
_RANKED_COLD = (
    "Every item that the user had not met was ranked, once among the new items alone and once among all: nothing was"
    " sampled. Equal scores share their mean rank."
)
_CORE = "Only users and items with at least {} interactions take part."
_NO_CORE = "All users and items with interactions take part."
_TO_CHOOSE_BY = "These are answers to choose by: a final result is of the test."
_TIES = {
    "file": "Interactions of one user at the same moment kept the order of the data's files.",
    "random": "Interactions of one user at the same moment were put in an order drawn by chance, anew for each seed.",
}
_CANDIDATES = {
    "": "Results",
    "@all": "Results among all items",
    "@cold": "Results among new items only, those without any interaction",
}
_METRICS = {
    "NDCG": "how near the top the hidden items are: 1 when they lead the list, less further down, 0 beyond the first k",
    "R": "recall: the share of the hidden items among the first k",
    "HR": "hit rate: the share of users with a hidden item among the first k",
    "MRR": "1 / place of the first hidden item, 0 beyond the first k",
    "MAP": "the share of hidden items in the list down to each hidden item, on average",
    "P": "precision: how many of the first k are hidden items",
    "F1": "harmonic mean of precision and recall",
    "AUC": "how often a hidden item stands above another one drawn by chance",
    "coverage": "the share of the catalogue that at least one user is shown",
    "gini": "how unequally items are shown: 0 when all alike, near 1 when few get everything; lower is better",
    "novelty": "how surprising what is shown is, in bits: higher means met by fewer users",
    "diversity": "how different the texts of the items in one list are, from 0 for all alike",
    "popularity_bias": "how popular the list is beside the user's own history: above 1, more popular",
    "ECE": "how far the probabilities given are from how often they were right; lower is better",
    "Brier": "squared distance between the probabilities given and what happened; lower is better",
    "NLL": "surprise at what happened, given the probabilities; lower is better",
    "ECE|T": "the same of probabilities at the temperature that validation users gave; lower is better",
    "Brier|T": "the same at that temperature; lower is better",
    "NLL|T": "the same at that temperature; lower is better",
    "temperature": "what the language model's scores are divided by, so that its probabilities come true",
    "answered": "the share of users whose candidates the language model ordered",
    "R@slate": "the share of the hidden items among the candidates that a ranker gets to order",
    "NDCG@10|slate": "NDCG@10 of those users who have a hidden item among these candidates",
    "order_flips": (
        "the share of pairs that the language model orders otherwise when it is shown them in another order; lower is"
        " better"
    ),
}


def how_measured(record: ProtocolRecord) -> tuple[str, ...]:
    """The protocol, sentence by sentence."""
    sentences = [
        _HIDDEN[record.protocol, record.part],
        *what_was_drawn(record),
        _RANKED_COLD if record.protocol == "cold-items" else _RANKED,
        _CORE.format(record.core) if record.core else _NO_CORE,
        *([_TIES[record.ties]] if record.has_time else []),
    ]
    return (*sentences, _TO_CHOOSE_BY) if record.part == "validation" else tuple(sentences)


def what_was_drawn(record: ProtocolRecord) -> tuple[str, ...]:
    """Where the protocol speaks of a last interaction and chance said which one that is, a sentence that tells so."""
    return (_DRAWN,) if record.draws_the_last else ()


def candidates(suffix: str) -> str:
    """A heading for the stages that rank the same candidates."""
    return _CANDIDATES.get(suffix, f"Results of {suffix}")


def glossary(metrics: Sequence[str]) -> Mapping[str, str]:
    """What each family of metrics means, for those that occur."""
    shown = dict(map(_shown, metrics))
    return {name: _METRICS[key] for name, key in shown.items() if key in _METRICS}


def _shown(metric: str) -> tuple[str, str]:
    """What a metric is called here, and the key of its words."""
    if metric in _METRICS:
        return metric, metric
    family, at, _ = metric.partition("@")
    return (f"{family}@k" if at else family), family
