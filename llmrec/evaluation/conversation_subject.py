"""What the conversation protocol measures: stages fitted on training dialogues, none of which is measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from llmrec.conversation.choir import ENCODER, POPULARITY, close_hearing, fitted_voices, likelihood_beforehand
from llmrec.conversation.dialogues import dialogue_files, read_dialogues, shipped_dialogues
from llmrec.conversation.encoder import Projection
from llmrec.conversation.files import Row, read_rows
from llmrec.conversation.hybrid import (
    Answered,
    FoldWeights,
    Hearing,
    Hybrid,
    WeightFit,
    fitted_folds,
    weight_examples,
)
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.second_look import CloseHearing, FirstOrdering, SecondLook, fitted_second_look
from llmrec.conversation.shipped import shipped_projection, shipped_weights
from llmrec.conversation.situations import situation_of
from llmrec.conversation.text_vectors import TextVectors
from llmrec.conversation.voices import Training
from llmrec.data.catalogue import Catalogue
from llmrec.errors import DataError
from llmrec.evaluation.conversation import ConversationStage
from llmrec.evaluation.conversation_stages import Alone, Copy, WordMatch

WEIGHED = ("hybrid", "fused")
"""Stages that sum voices up: without the conversation encoder, and with it."""
SECOND_LOOK = "second_look"
"""Under this name stand the weights with which the best of `fused` are ordered again."""


def conversation_stages(
    rows: Sequence[Row],
    catalogue: Catalogue,
    texts: TextVectors,
    *,
    directory: Path | None = None,
    projection: Projection | None = None,
) -> Mapping[str, ConversationStage]:
    """Every stage by name.

    Args:
        rows: What will be measured; their dialogues are not learned from.
        catalogue: What is ranked.
        texts: Encodes items and situations.
        directory: Training dialogues, and rows to learn weights from, instead of what is shipped.
        projection: Of the conversation encoder; None for the one that is shipped.

    Raises:
        DataError: The directory cannot be used.
    """
    measured = {row.dialogue for row in rows}
    if directory is None:
        training = Training(catalogue, shipped_dialogues(catalogue, without=measured))
    else:
        training = Training(catalogue, read_dialogues(directory, catalogue, without=measured))
    voices = fitted_voices(training, texts, projection or shipped_projection(dim=texts.dim))
    hearing = Hearing(voices)
    close = close_hearing(training, texts, hearing)
    weights = shipped_weights() if directory is None else learned_weights(directory, training, hearing, close)
    return {
        "popularity": Alone(voices[POPULARITY]),
        "copy": Alone(Copy(len(catalogue))),
        "bm25": Alone(WordMatch(catalogue)),
        "encoder": Alone(voices[ENCODER]),
        "hybrid": Hybrid(hearing, weights["hybrid"]),
        "fused": SecondLook(Hybrid(hearing, weights["fused"]), close, weights[SECOND_LOOK]),
    }


def learned_weights(
    directory: Path, training: Training, hearing: Hearing, close: CloseHearing
) -> Mapping[str, FoldWeights]:
    """Weights of each stage, and of the second look, for each fold of dialogues, from the rows in `directory`.

    Raises:
        DataError: There are none, or too few.
    """
    _, files = dialogue_files(directory)
    rows = [row for path in files for row in read_rows(path)]
    if not rows:
        raise DataError(
            f'{directory} holds no rows to learn weights from: a .jsonl file whose lines have "context" and "rec".'
        )
    plan, answered = WeightFit(), answered_rows(rows, training.catalogue)
    examples, dialogues = weight_examples(answered, hearing, likelihood_beforehand(training), plan)
    without = tuple(name for name in hearing.names if name != ENCODER)
    heard = {"hybrid": without, "fused": hearing.names}
    weights = {stage: fitted_folds(examples, dialogues, heard[stage], plan) for stage in WEIGHED}
    return {**weights, SECOND_LOOK: fitted_second_look(answered, FirstOrdering(hearing, weights["fused"]), close)}


def answered_rows(rows: Sequence[Row], catalogue: Catalogue) -> tuple[Answered, ...]:
    """The rows in which something new was recommended."""
    names = ItemNames(catalogue)
    found = []
    for row in rows:
        situation = situation_of(row, names)
        gold = dict.fromkeys(item for name in row.gold if (item := names.position(name)) is not None)
        new = tuple(item for item in gold if item not in situation.items)
        if new:
            found.append(Answered(row.dialogue, situation, new))
    return tuple(found)
