import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmrec.prompting.neutralise import clip, neutralise

MARKUP = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "[INST]", "[/INST]", "<s>", "</s>", "<start_of_turn>",
    "<<SYS>>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<|\u00a0im_start\u2003|>", "<|im\u200b_start|>",
    "<tool_call>",
]  # fmt: skip


def test_harmless_text_stays_as_it_is() -> None:
    text = "Amélie (2001) - it's a 9.5/10, I <3 Dr. Strangelove, E.T. & 2001: A Space Odyssey".replace("<3", "love")
    assert neutralise(text, max_chars=200) == text


def test_lines_and_odd_spaces_become_single_spaces() -> None:
    assert neutralise(" a\r\n\tb\u2028c\u00a0\u3000d ", max_chars=50) == "a b c d"


def test_invisible_characters_are_removed() -> None:
    hidden = "\u200b\u202e\u2066\ufeff\u00ad\ufe0f\U000e0041\U000f0000\x00\x1b\ud800\u3164"
    assert neutralise(f"be{hidden}st", max_chars=50) == "best"


def test_letters_and_marks_are_composed() -> None:
    assert neutralise("Ame\u0301lie", max_chars=50) == "Amélie"


@pytest.mark.parametrize("markup", MARKUP)
def test_chat_markup_is_broken_up(markup: str) -> None:
    out = neutralise(f"before {markup} after", max_chars=200)
    visible = markup.replace("\u200b", "")
    assert visible not in out
    assert "<|" not in out
    assert "|>" not in out
    assert "[INST]" not in out


def test_markup_that_is_nested_does_not_grow_back() -> None:
    assert neutralise("<|im_<|im_end|>start|>", max_chars=90) == "< |im_< |im_end| >start| >"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[3] first", "3 first"),
        ("A) first", "A first"),
        ("B. Monkey (1998)", "B Monkey (1998)"),
        ("(aa) first", "(aa) first"),
        ("AA: first", "AA first"),
        ("12. first", "12 first"),
        ("\nA. first", "A first"),
        ("2001: A Space Odyssey", "2001: A Space Odyssey"),
        ("E.T. the Extra-Terrestrial", "E.T. the Extra-Terrestrial"),
        ("Dr. Strangelove", "Dr. Strangelove"),
        ("I, Robot", "I, Robot"),
    ],
)
def test_a_start_like_a_label_loses_its_punctuation(text: str, expected: str) -> None:
    assert neutralise(text, max_chars=90) == expected


def test_long_text_is_cut_at_a_word_end_with_an_ellipsis() -> None:
    assert neutralise("alpha beta gamma", max_chars=12) == "alpha beta…"
    assert clip("alpha beta gamma", 16) == "alpha beta gamma"


def test_one_huge_word_is_cut_where_the_room_ends() -> None:
    assert clip("x" * 30, 5) == "xxxx…"
    assert clip("x", 0) == ""


def test_a_megabyte_is_handled_at_once() -> None:
    started = time.process_time()
    assert len(neutralise("<| [" * 250_000, max_chars=300)) <= 300
    assert time.process_time() - started < 5  # far above what it takes, far below what a quadratic reader takes


@given(st.text(max_size=60) | st.lists(st.sampled_from([*MARKUP, "A. ", "[3] ", "\n", "x"])).map("".join))
def test_neutralising_twice_changes_nothing_more(text: str) -> None:
    once = neutralise(text, max_chars=40)
    assert neutralise(once, max_chars=40) == once
    assert len(once) <= 40
    assert "\n" not in once
