"""The chat in the browser, on Gradio."""

from llmrec.ui.launch import launch, serve
from llmrec.ui.page import build_demo, build_notice

__all__ = ["build_demo", "build_notice", "launch", "serve"]
