"""An experiment from a request to the rows it is judged by."""

import time
from pathlib import Path

from llmrec.build import Overrides
from llmrec.experiments.definition import new_experiment, start
from llmrec.feedback import open_store
from llmrec.recommender import Recommender
from llmrec.retrieval.hashing import HashingEmbedder
from llmrec.service.house import Stores
from llmrec.types import UserId
from tests.service.conftest import OPEN, run_service

TURNS = [{"role": "user", "text": "something scary"}]


def test_each_user_is_served_and_logged_by_their_arm(plain_recommender: Recommender, tmp_path: Path) -> None:
    plain_recommender.save_pretrained(tmp_path)
    arms = [{"name": "now"}, {"name": "rare", "settings": ("retrieval.popularity=0",)}]
    experiment = new_experiment(name="crowd", arms=arms, started_at=time.time())
    start(tmp_path, experiment)
    overrides = Overrides(encoder=HashingEmbedder(), settings=("language_model.model=none",))
    service = run_service(
        Recommender.from_pretrained(tmp_path, overrides=overrides), OPEN, Stores.in_directory(tmp_path)
    )
    users = ["ann", "bob", "cat", "dan", "new one", "newer"]
    try:
        with service.client() as api:
            for user in users[-2:]:  # whom the recommender has not learned
                api.post("/v1/interactions", json={"user_id": user, "interactions": [{"item": "9"}]})
            for user in users:
                assert api.post("/v1/recommend", json={"user_id": user, "k": 2}).status_code == 200
                asked = {"user_id": user, "turns": TURNS, "k": 2, "stream": False}
                assert api.post("/v1/chat", json=asked).status_code == 200
            assert api.post("/v1/recommend", json={"query": "a scary film", "k": 2}).status_code == 200
    finally:
        service.stop()
    with open_store(tmp_path) as store:
        found = {(row.user_id, row.arm) for row in store.impressions()}
    expected = {(UserId(user), experiment.tag(experiment.arm_of(UserId(user)))) for user in users}
    assert found == {*expected, (UserId(""), "")}
    assert len({arm for _, arm in expected}) == 2
