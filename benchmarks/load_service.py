"""The service that `benchmarks.load` puts under load, in a process of its own: `python -m benchmarks.load_service`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from llmrec.build import Overrides
from llmrec.language_model.scripted import ScriptedModel
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.service import ServiceSettings, create_app
from llmrec.service.house import Stores
from llmrec.service.running import listening_socket, serve_forever
from llmrec.settings import Settings
from llmrec.types import Label, LabelScores, Prompt

N_USERS = 50
_PATIENCE_S = 3600.0  # what is late counts by its seconds, not by an answer without the model
USER_IDS = tuple(f"user{number}" for number in range(N_USERS))
_GENRES = ("Comedy", "Horror", "Drama", "Romance", "Western", "War", "Crime")
_WORDS = ("slow", "tense", "warm", "bleak", "funny", "space", "night", "city", "sea", "winter", "letter", "train")


class SlowModel(ScriptedModel):
    """Likes early labels, and takes its time without using a processor."""

    def __init__(self, seconds: float) -> None:
        """Take `seconds` for each answer."""
        super().__init__(score=lambda prompt, labels: [-float(place) for place in range(len(labels))])
        self._call_s = seconds

    def score_labels(self, prompt: Prompt, labels: Sequence[Label], *, timeout_s: float) -> LabelScores:
        """The scripted scores, late."""
        return self.score_labels_many([prompt], [labels], timeout_s=timeout_s)[0]

    def score_labels_many(
        self, prompts: Sequence[Prompt], labels: Sequence[Sequence[Label]], *, timeout_s: float
    ) -> Sequence[LabelScores]:
        """The same for several prompts, in the time of one: as a processor does that is not busy with one."""
        time.sleep(self._call_s)
        asked = zip(prompts, labels, strict=True)
        return [super(SlowModel, self).score_labels(prompt, own, timeout_s=timeout_s) for prompt, own in asked]


def made_up(n_items: int, model_s: float) -> Recommender:
    """A recommender over `n_items` made-up items, the same in every process; 0 seconds are no model at all."""
    items = [
        {
            "item_id": str(n),
            "title": f"Item {n} ({1950 + n % 70})",
            "year": 1950 + n % 70,
            "genres": [_GENRES[n % 7], _GENRES[n * 3 % 5]],
            "description": " ".join(_WORDS[(n * step + n // 12) % len(_WORDS)] for step in (1, 5, 7)),
        }
        for n in range(n_items)
    ]
    rows = [
        {"user_id": user_id, "item_id": str((user * 37 + step * 11) % n_items), "timestamp": step}
        for user, user_id in enumerate(USER_IDS)
        for step in range(12)
    ]
    # One call of the model a turn; no closed forms over all pairs of items, for which large catalogues have no room.
    changes = ["retrieval.hybrid=0", "explanation.n_phrased=0", "explanation.n_rereads=0"]
    changes += ["ranking.lm_weight=1.0"] if model_s else ["language_model.model=none"]
    overrides = Overrides(encoder=HashingEmbedder(), language_model=SlowModel(model_s) if model_s else None)
    return Recommender(Settings().changed(changes), overrides=overrides).fit(items, rows, name="made-up items")


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--recommender", type=Path, help="Serve this one with its own model; else one made up.")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--model-s", type=float, default=0.0)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--queue", type=int, default=64)
    asked = parser.parse_args()
    settings = ServiceSettings(
        slots=asked.slots,
        batch_size=asked.batch,
        queue_size=asked.queue,
        requests_per_minute=1_000_000,
        with_page=False,
        deadline_s=_PATIENCE_S,
        max_deadline_s=_PATIENCE_S,
    )
    with tempfile.TemporaryDirectory() as state, listening_socket("127.0.0.1", asked.port) as bound:
        served = Recommender.from_pretrained(asked.recommender) if asked.recommender else None
        recommender = served or made_up(asked.items, asked.model_s)
        app = create_app(recommender, settings, Stores.in_directory(Path(state)))
        serve_forever(app, bound, settings, lambda: None)


if __name__ == "__main__":
    main()
