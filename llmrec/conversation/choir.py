"""All voices that are heard in a conversation, fitted on training dialogues."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from llmrec.conversation.companions import (
    LikeWhatWasNamed,
    alike_in_company,
    following,
    likely_in_company,
    named_often,
    recommended_often,
)
from llmrec.conversation.details import detail_voices
from llmrec.conversation.encoder import ConversationEncoder, EncoderInputs, Projection
from llmrec.conversation.facts import NamesSaid, NearNumbers, alike_in_kind, sharing_names, sharing_title_words
from llmrec.conversation.hybrid import Hearing
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.precedents import Precedents
from llmrec.conversation.second_look import CloseHearing
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training, Voice
from llmrec.conversation.wishes import WishedKinds

ENCODER = "encoder"
POPULARITY = "named_often"
BY_SITUATION = (
    POPULARITY,
    "kind_wished",
    "name_said",
    "precedents",
    ENCODER,
    "text_match",
    "company_likely",
)
"""Voices that count more or less, among the best, by how much was spoken of."""


def fitted_voices(training: Training, texts: TextVectors, projection: Projection) -> Mapping[str, Voice]:
    """Every voice by name.

    Args:
        training: What they learn from.
        texts: Encodes items and situations.
        projection: Of the conversation encoder, trained on no dialogue that is to be measured on.
    """
    catalogue = training.catalogue
    match = ItemMatch.fit(catalogue, texts)
    return {
        POPULARITY: named_often(training),
        "recommended_often": recommended_often(training),
        "company": alike_in_company(training),
        "company_share": following(training, power=1.0, decay=1.0),
        "company_late": following(training, power=0.5, decay=0.7),
        "company_likely": likely_in_company(training),
        "kind": alike_in_kind(catalogue),
        "kind_wished": WishedKinds.fit(training),
        "name_shared": sharing_names(catalogue),
        "name_said": NamesSaid(catalogue),
        "title_words": sharing_title_words(catalogue),
        "number_near": NearNumbers(catalogue),
        "precedents": Precedents.fit(training, texts),
        "text_like_named": LikeWhatWasNamed(match.items),
        "text_match": match,
        ENCODER: ConversationEncoder(projection, EncoderInputs.of(training, texts, match.items)),
    }


def close_hearing(training: Training, texts: TextVectors, hearing: Hearing) -> CloseHearing:
    """What is heard when the best are looked at again."""
    documents = ItemMatch.fit(training.catalogue, texts).items
    return CloseHearing(hearing, detail_voices(training, documents), BY_SITUATION)


def likelihood_beforehand(training: Training) -> NDArray[np.float32]:
    """How likely each item is before anything was said, float32 [n_items]: candidates for fitting weights."""
    return np.asarray(training.named.sum(axis=0), dtype=np.float32).ravel()
