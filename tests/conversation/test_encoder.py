from pathlib import Path

import numpy as np
import pytest

from llmrec.conversation.encoder import ConversationEncoder, EncoderInputs, Projection
from llmrec.conversation.item_match import ItemMatch
from llmrec.conversation.item_names import ItemNames
from llmrec.conversation.situations import situation_of
from llmrec.errors import ArtifactError
from tests.conversation.hashed import DIM, texts
from tests.conversation.small import catalogue, row, training


def inputs(directory: Path) -> EncoderInputs:
    taught, encoded = training(directory), texts()
    return EncoderInputs.of(taught, encoded, ItemMatch.fit(taught.catalogue, encoded).items)


def test_without_a_projection_the_prior_is_left(tmp_path: Path) -> None:
    held = inputs(tmp_path)
    nothing = np.zeros((2 * DIM, 3), dtype=np.float32)
    encoder = ConversationEncoder(Projection(nothing, nothing), held)
    scores = encoder.scores([situation_of(row("1", "hi"), ItemNames(catalogue(tmp_path)))])
    # Dialogues that name Alien, Aliens, Heat, Heat Wave, Clue and Airport.
    assert scores[0] == pytest.approx(np.log(np.array([6, 6, 0, 0, 12, 6]) + 0.3), abs=1e-5)


def test_a_query_is_what_was_said_and_the_mean_of_what_was_spoken_of(tmp_path: Path) -> None:
    held = inputs(tmp_path)
    situation = situation_of(row("1", "Heat or Clue (1985)"), ItemNames(catalogue(tmp_path)))
    query = held.queries([situation])[0]
    assert query[:DIM] == pytest.approx(held.texts.of(["Heat or Clue (1985)"], "query")[0])
    assert query[DIM:] == pytest.approx(held.documents[[2, 4]].mean(axis=0))


def test_sayings_of_few_count_less(tmp_path: Path) -> None:
    held = inputs(tmp_path)
    # Airport was named six times after the same words: 6 / (6 + 2) of their unit vector.
    assert np.linalg.norm(held.items()[5, DIM:]) == pytest.approx(0.75, abs=1e-5)


def test_a_projection_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    held = Projection(np.eye(4, 2, dtype=np.float32), np.ones((4, 2), dtype=np.float32))
    held.save(tmp_path / "encoder.safetensors")
    loaded = Projection.load(tmp_path / "encoder.safetensors", dim=2)
    assert (loaded.queries == held.queries).all()
    assert (loaded.items == held.items).all()


def test_a_projection_of_another_text_encoder_is_an_error(tmp_path: Path) -> None:
    Projection(np.eye(4, 2, dtype=np.float32), np.ones((4, 2), dtype=np.float32)).save(tmp_path / "e.safetensors")
    with pytest.raises(ArtifactError, match="is for another text encoder: it reads 4 numbers, not 16"):
        Projection.load(tmp_path / "e.safetensors", dim=8)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "e.safetensors").write_bytes(b"no")
    with pytest.raises(ArtifactError, match="holds no conversation encoder"):
        Projection.load(tmp_path / "e.safetensors", dim=8)
