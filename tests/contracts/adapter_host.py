"""What every model with named adapters must do; a test class inherits and gives it a `host` with `red` and `blue`."""

import threading
from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import pytest

from llmrec.errors import ModelError
from llmrec.interfaces import CandidateScorer, LabelScorer, LanguageModel
from llmrec.types import Prompt
from tests.contracts.candidate_scorer import CANDIDATES, SHARED
from tests.contracts.label_scorer import QUESTION
from tests.contracts.language_model import say

VOICES = ("red", "blue", "")


class AdapterHost(LanguageModel, LabelScorer, CandidateScorer, Protocol):
    """A model that shows itself with another adapter."""

    def count_tokens(self, prompt: Prompt, candidates: Sequence[str] = ()) -> int: ...

    def with_adapter(self, name: str) -> Self: ...


def heard(model: AdapterHost) -> tuple[bytes, bytes, tuple[str, ...]]:
    """Everything it says, to the bit."""
    labels = model.score_labels(QUESTION, model.labels(5), timeout_s=60)
    candidates = model.score_candidates(SHARED, CANDIDATES, timeout_s=60)
    texts = model.generate([say("one"), say("two, longer")], max_new_tokens=4, timeout_s=60)
    return labels.log_probs.tobytes(), candidates.scores.tobytes(), tuple(text.text for text in texts)


class AdapterHostContract:
    """Inherit and define the fixture `host`."""

    def test_each_adapter_says_its_own(self, host: AdapterHost) -> None:
        scores = [
            host.with_adapter(name).score_labels(QUESTION, host.labels(5), timeout_s=60).log_probs for name in VOICES
        ]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not np.allclose(scores[one], scores[other], atol=1e-4)

    def test_a_view_names_its_adapter_and_leaves_the_other_as_it_was(self, host: AdapterHost) -> None:
        red = host.with_adapter("red")
        blue = red.with_adapter("blue")
        assert (red.adapter, blue.adapter, blue.with_adapter("").adapter) == ("red", "blue", "")
        assert red.name == blue.name

    def test_switching_back_restores_every_bit(self, host: AdapterHost) -> None:
        first = {name: heard(host.with_adapter(name)) for name in VOICES}
        for name in ("blue", "", "red", "", "blue"):
            assert heard(host.with_adapter(name)) == first[name]

    def test_threads_with_different_adapters_never_mix(self, host: AdapterHost) -> None:
        alone = {name: heard(host.with_adapter(name)) for name in VOICES}
        answers: dict[str, list[object]] = {name: [] for name in VOICES}

        def ask(name: str) -> None:
            view = host.with_adapter(name)
            answers[name].extend(heard(view) for _ in range(5))

        threads = [threading.Thread(target=ask, args=(name,)) for name in VOICES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {name: [alone[name]] * 5 for name in VOICES}

    def test_a_stream_keeps_its_adapter_while_others_wait(self, host: AdapterHost) -> None:
        red, blue = host.with_adapter("red"), host.with_adapter("blue")
        whole = "".join(red.stream(say("one"), max_new_tokens=12, timeout_s=60))
        stream = red.stream(say("one"), max_new_tokens=12, timeout_s=60)
        waiting = threading.Thread(target=heard, args=(blue,))
        begun = next(stream, "")
        waiting.start()
        assert begun + "".join(stream) == whole
        waiting.join()

    def test_an_unknown_adapter_is_refused_by_name(self, host: AdapterHost) -> None:
        with pytest.raises(ModelError, match=r"without an adapter called 'green'; it has .*red"):
            host.with_adapter("green")
