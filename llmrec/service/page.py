"""The chat page inside the service, as private as when it stands alone."""

from __future__ import annotations

import inspect

import gradio as gr
from fastapi import FastAPI

from llmrec.interfaces import FeedbackStore
from llmrec.recommender import Recommender
from llmrec.ui.doors import PrivateDoors
from llmrec.ui.launch import private_settings
from llmrec.ui.page import build_demo


def mount_page(app: FastAPI, recommender: Recommender, feedback: FeedbackStore) -> gr.Blocks:
    """Serve the page at `/`, behind the routes that `app` has, and shut what Gradio serves beyond it."""
    app.add_middleware(PrivateDoors)
    demo = build_demo(recommender, feedback=feedback)
    settings = private_settings()
    # What launching takes and mounting does not is either Gradio's default there (strict CORS) or set on the page.
    demo.state_session_capacity = settings["state_session_capacity"]
    taken = inspect.signature(gr.mount_gradio_app).parameters
    gr.mount_gradio_app(app, demo, path="/", **{name: value for name, value in settings.items() if name in taken})
    return demo
