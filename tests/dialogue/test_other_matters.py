"""What has nothing to do with any catalogue is told from wishes and from questions about items."""

import pytest

from llmrec.dialogue.other_matters import is_other_matter


@pytest.mark.parametrize(
    "text",
    ["tell me a joke", "what's 17 times 23?", "can you book me a table for two?", "is it going to rain today?",
     "how do I bake bread?", "what time is it in Tokyo?", "set an alarm for seven", "who is the president of France?",
     "what does \"serendipity\" mean?", "solve x^2 = 4", "write me a poem about spring"],
)  # fmt: skip
def test_another_matter(text: str) -> None:
    assert is_other_matter(text)


@pytest.mark.parametrize(
    "text",
    ["", "a romance set in the capital of France", "write me a summary", "solve a murder", "set in Paris",
     "is it about the world cup?", "how do I watch the first one?", "what's your opinion on the first one?",
     "order the second one", "a film about a president", "who won in the end?", "call me surprised", "translated books",
     "is it cold and dark?", "books about how to bake bread", "tell me a story"],
)  # fmt: skip
def test_no_other_matter(text: str) -> None:
    assert not is_other_matter(text)
