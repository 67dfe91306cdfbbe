"""Numbers and names in a sentence."""

from llmrec.evaluation.wording import counted, interval_text, listed, printable, quantity_text


def test_one_is_one_thing_and_others_are_several() -> None:
    assert [counted(n, "seed") for n in (0, 1, 3)] == ["0 seeds", "1 seed", "3 seeds"]


def test_of_many_names_the_first_three_are_given() -> None:
    assert [listed("abcdefg"[:n]) for n in (1, 2, 3, 4, 7)] == [
        "a", "a and b", "a, b and c", "a, b, c and 1 more", "a, b, c and 4 more",
    ]  # fmt: skip


def test_an_interval_that_is_not_known_is_left_out() -> None:
    assert interval_text(0.107, 0.097, 0.117) == "0.1070 (95 % interval 0.0970 to 0.1170)"
    assert interval_text(0.107, float("nan"), float("nan")) == "0.1070"


def test_what_breaks_a_line_becomes_a_space() -> None:
    assert printable("a\n[b]\u2028\rc\x7f") == "a [b]  c "


def test_quantities_have_three_digits_or_more() -> None:
    assert [quantity_text(value) for value in (0.01234, 12.34, 3_291_000.4)] == ["0.0123", "12.3", "3,291,000"]
