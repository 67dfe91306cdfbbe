"""Writes the golden prompts anew: `python -m tests.golden.regenerate`, then read the difference before you commit."""

from pathlib import Path

from tests.golden.cases import as_text, golden_prompts

DIRECTORY = Path(__file__).parent / "prompts"


def main() -> None:
    for name, prompt in golden_prompts().items():
        (DIRECTORY / f"{name}.txt").write_bytes(as_text(prompt).encode())


if __name__ == "__main__":
    main()
