import pytest

from tests.golden.cases import as_text, golden_prompts
from tests.golden.regenerate import DIRECTORY


@pytest.mark.parametrize("name", golden_prompts())
def test_a_prompt_is_byte_for_byte_the_kept_one(name: str) -> None:
    kept = (DIRECTORY / f"{name}.txt").read_bytes()
    assert as_text(golden_prompts()[name]).encode() == kept


def test_no_kept_prompt_is_left_over() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.txt")} == set(golden_prompts())
