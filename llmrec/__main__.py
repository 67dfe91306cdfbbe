"""`python -m llmrec` is `llmrec`."""

from llmrec.cli.main import main

main()
