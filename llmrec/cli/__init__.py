"""The command line: `llmrec build | update | recommend | chat | ui | data | prompts | doctor`."""
