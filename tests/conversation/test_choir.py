from pathlib import Path

import numpy as np

from llmrec.conversation.choir import ENCODER, close_hearing, fitted_voices
from llmrec.conversation.encoder import Projection
from llmrec.conversation.hybrid import Hearing
from llmrec.conversation.shipped import shipped_weights
from tests.conversation.hashed import DIM, texts
from tests.conversation.small import training


def test_what_is_shipped_weighs_exactly_what_is_heard(tmp_path: Path) -> None:
    taught, nothing = training(tmp_path), np.zeros((2 * DIM, 2), dtype=np.float32)
    hearing = Hearing(fitted_voices(taught, texts(), Projection(nothing, nothing)))
    heard = {
        "hybrid": set(hearing.names) - {ENCODER},
        "fused": set(hearing.names),
        "second_look": set(close_hearing(taught, texts(), hearing).names),
    }
    shipped = shipped_weights()
    assert set(shipped) == set(heard)
    for stage, weights in shipped.items():
        assert all(set(fold) == heard[stage] for fold in weights.folds)
