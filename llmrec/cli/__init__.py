"""The command line: `llmrec build | update | recommend | chat | ui | data | prompts | doctor`."""

from llmrec.cli.main import main

__all__ = ["main"]
