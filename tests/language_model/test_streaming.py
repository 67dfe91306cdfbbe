"""Text while it is written, with a writer that would never end by itself."""

import torch
from transformers import StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from llmrec.language_model.bounds import Stop
from llmrec.language_model.streaming import streamed
from tests.language_model.tiny import tiny_tokenizer


def test_whoever_stops_reading_ends_the_writing() -> None:
    tokenizer, stop = tiny_tokenizer(), Stop(float("inf"))
    line = torch.tensor(tokenizer("on and on\n")["input_ids"])

    def write(streamer: BaseStreamer, criteria: StoppingCriteriaList) -> None:
        streamer.put(line)  # the prompt, which is no part of the text
        while not bool(criteria(line[None], torch.zeros(1, 1)).all()):
            streamer.put(line)
        streamer.end()

    text = streamed(write, tokenizer, stop)
    assert next(text) == "on and on\n"
    text.close()
    assert (stop.wanted.is_set(), stop.late) == (True, False)
