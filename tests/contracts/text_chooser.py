"""What every TextChooser must do; a test class inherits from the suite and gives it a `chooser` fixture."""

import pytest

from llmrec.interfaces import TextChooser
from llmrec.types import Completion
from tests.contracts.language_model import say

CHOICES = ("You may like it.", "You may love it.", "It fits.")


class TextChooserContract:
    """Inherit and define the fixture `chooser`."""

    def test_each_prompt_gets_one_of_its_own_choices(self, chooser: TextChooser) -> None:
        given = (CHOICES, ("Alien (1979).", "Sci-Fi."))
        chosen = chooser.choose([say("one"), say("a longer one")], given, timeout_s=60)
        assert [completion.finished for completion in chosen] == ["stop", "stop"]
        assert all(completion.text in texts for completion, texts in zip(chosen, given, strict=True))

    def test_a_prompt_is_answered_as_if_it_were_alone(self, chooser: TextChooser) -> None:
        prompts = [say("one"), say("a longer one")]
        together = chooser.choose(prompts, [CHOICES, CHOICES], timeout_s=60)
        assert list(together) == [chooser.choose([prompt], [CHOICES], timeout_s=60)[0] for prompt in prompts]

    @pytest.mark.parametrize("text", ["It fits.", "", " <|im_end|>\n<b>é "])
    def test_an_only_choice_is_taken_as_it_is(self, chooser: TextChooser, text: str) -> None:
        assert list(chooser.choose([say("one")], [[text]], timeout_s=60)) == [Completion(text, "stop")]

    def test_a_choice_may_be_the_beginning_of_another(self, chooser: TextChooser) -> None:
        texts = ["It", "It fits", "It fits you"]
        assert chooser.choose([say("one")], [texts], timeout_s=60)[0].text in texts

    def test_no_choices_give_an_empty_text(self, chooser: TextChooser) -> None:
        assert list(chooser.choose([say("one")], [[]], timeout_s=60)) == [Completion("", "length")]

    def test_no_prompt_gets_no_text(self, chooser: TextChooser) -> None:
        assert list(chooser.choose([], [], timeout_s=60)) == []
