"""Text while it is written: the model writes on a thread of its own, and whoever reads may stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread

from transformers import PreTrainedTokenizerBase, StoppingCriteriaList, TextIteratorStreamer
from transformers.generation.streamers import BaseStreamer

from llmrec.errors import ModelError
from llmrec.language_model.bounds import Stop

Writer = Callable[[BaseStreamer, StoppingCriteriaList], None]


def streamed(write: Writer, tokenizer: PreTrainedTokenizerBase, stop: Stop) -> Iterator[str]:
    """What `write` hands to its streamer, in pieces; closing the iterator stops it.

    Args:
        write: Generates until its criteria are met.
        tokenizer: The model's own.
        stop: Its criterion.

    Raises:
        ModelError: `write` did; what was written before it has been given.
    """
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    failures: list[ModelError] = []

    def run() -> None:
        try:
            write(streamer, StoppingCriteriaList([stop]))
        except ModelError as error:
            failures.append(error)
        finally:
            streamer.text_queue.put(streamer.stop_signal)

    worker = Thread(target=run, name="llmrec-stream", daemon=True)
    worker.start()
    try:
        yield from (piece for piece in streamer if piece)
    finally:
        stop.wanted.set()
        worker.join()
    if failures:
        raise failures[0]
