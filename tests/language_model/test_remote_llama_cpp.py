"""The demo's model behind llama.cpp's server, against the same weights read here.

Those are exported in half precision: the demo's own file has four bits a weight, which llama.cpp multiplies by
activations of eight, and that alone moves log-probabilities by up to 0.3 (docs/remote-lm.md).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from llmrec.assets import AssetStore
from llmrec.language_model.gguf_export import export_gguf
from llmrec.language_model.remote import RemoteLM
from llmrec.language_model.transformers_lm import TransformersLM
from llmrec.models import load_plain_model
from llmrec.prompting.templates import PromptLibrary
from llmrec.types import Prompt
from tests.contracts.language_model import say
from tests.contracts.text_chooser import CHOICES

pytestmark = pytest.mark.slow
SERVER = Path(__file__).with_name("llama_cpp_server.py")
TITLES = (
    "Toy Story (1995)", "Alien (1979)", "The Matrix (1999)", "Scream (1996)", "Sabrina (1995)", "Heat (1995)",
    "Amélie (2001)", "Jaws (1975)", "Casablanca (1942)", "The Shining (1980)", "Grease (1978)", "Fargo (1996)",
    "Contact (1997)", "Blade Runner (1982)", "Babe (1995)", "Se7en (1995)", "Clueless (1995)", "Speed (1994)",
    "Vertigo (1958)", "Rocky (1976)",
)  # fmt: skip
WISHES = ("a scary film", "something light with love in it", "space and machines", "crime, tense", "for children")


@pytest.fixture(scope="module")
def remote(smollm2: TransformersLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteLM]:
    model, tokenizer = load_plain_model(smollm2.name, AssetStore.from_environment(offline=True), dtype="float32")
    weights = tmp_path_factory.mktemp("gguf") / "smollm2.gguf"
    export_gguf(model, tokenizer, weights, name="smollm2", number_format="f16")
    with subprocess.Popen(
        [sys.executable, str(SERVER), str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        connected = RemoteLM.connect(f"openai:{address}/v1#smollm2", {})
        yield connected
        connected.close()
        process.kill()


def rank_prompts(labels: list[str]) -> list[Prompt]:
    template = PromptLibrary.load()["rank"]
    items = [{"label": label, "text": title} for label, title in zip(labels, TITLES, strict=True)]
    nothing: dict[str, list[str]] = {"history": [], "dislikes": [], "turns": []}
    return [
        template.render(wish=wish, likes=[TITLES[place]], items=items, **nothing) for place, wish in enumerate(WISHES)
    ]


def test_its_ranking_agrees_with_that_of_the_same_weights_here(remote: RemoteLM, smollm2: TransformersLM) -> None:
    labels = remote.labels(20)
    assert list(labels) == list(smollm2.labels(20))
    for prompt in rank_prompts(list(labels)):
        there = remote.score_labels(prompt, labels, timeout_s=120)
        here = smollm2.score_labels(prompt, labels, timeout_s=120)
        assert there.log_probs == pytest.approx(here.log_probs, abs=0.03)
        # Of two labels that are as good as equal either may come first.
        assert here.log_probs[np.argmax(there.log_probs)] > here.log_probs.max() - 0.03
        assert spearmanr(there.log_probs, here.log_probs).statistic > 0.99
        assert there.label_mass == pytest.approx(here.label_mass, abs=0.005)
        assert there.n_prompt_tokens >= here.n_prompt_tokens  # an estimate that leaves room


def test_it_writes_chooses_and_streams(remote: RemoteLM) -> None:
    written = remote.generate([say("Say hello.")], max_new_tokens=6, timeout_s=120)[0]
    assert written.text
    streamed = "".join(remote.stream(say("Say hello."), max_new_tokens=6, timeout_s=120))
    assert streamed.strip() == written.text
    assert remote.choose([say("Why this one?")], [CHOICES], timeout_s=120)[0].text in (*CHOICES, "")
