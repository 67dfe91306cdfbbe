"""What every LanguageModel must do; a test class inherits from the suite and gives it a `model` fixture."""

from llmrec.interfaces import LanguageModel
from llmrec.types import ChatMessage, Completion, Prompt


def say(text: str) -> Prompt:
    return Prompt((ChatMessage("user", text),), "hash")


class LanguageModelContract:
    """Inherit and define the fixture `model`."""

    def test_it_has_a_name(self, model: LanguageModel) -> None:
        assert model.name

    def test_every_prompt_gets_one_completion(self, model: LanguageModel) -> None:
        completions = model.generate([say("one"), say("a longer one, to be padded")], max_new_tokens=4, timeout_s=60)
        assert len(completions) == 2
        assert all(completion.finished in ("stop", "length") for completion in completions)

    def test_no_prompt_gets_no_completion(self, model: LanguageModel) -> None:
        assert list(model.generate([], max_new_tokens=4, timeout_s=60)) == []

    def test_no_time_gives_a_marked_completion(self, model: LanguageModel) -> None:
        assert self.late(model).finished == "timeout"

    def test_a_stream_is_the_completion_in_pieces(self, model: LanguageModel) -> None:
        pieces = list(model.stream(say("one"), max_new_tokens=6, timeout_s=60))
        again = model.generate([say("one")], max_new_tokens=6, timeout_s=60)[0]
        assert "".join(pieces).strip() == again.text

    def test_a_closed_stream_leaves_the_model_usable(self, model: LanguageModel) -> None:
        stream = model.stream(say("one"), max_new_tokens=200, timeout_s=60)
        next(iter(stream), "")
        stream.close()  # type: ignore[attr-defined]
        assert len(model.generate([say("two")], max_new_tokens=2, timeout_s=60)) == 1

    def late(self, model: LanguageModel) -> Completion:
        """A completion that had no time; override when the model under test has to be told."""
        return model.generate([say("one")], max_new_tokens=50, timeout_s=0.001)[0]
