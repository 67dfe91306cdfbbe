"""Entry point: the commands, and the one place where an error becomes a sentence and an exit code.

Exit codes: 0 done, 1 a fault of ours, 2 something the caller can mend, 3 built but many rows rejected, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from llmrec import __version__
from llmrec.cli import (
    adapter,
    build,
    chat,
    compare,
    data,
    doctor,
    evaluate,
    experiment,
    feedback,
    mcp,
    prompts,
    recommend,
    report,
    serve,
    tune,
    ui,
    update,
)
from llmrec.cli.output import MENDABLE, note, report_error
from llmrec.errors import LLMRecError

logger = logging.getLogger("llmrec")

app = typer.Typer(
    name="llmrec",
    help="Conversational recommendation: retrieve from your catalogue, rank with a language model, say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("build")(build.build)
app.command("update")(update.update)
app.command("rollback")(update.rollback)
app.command("recommend")(recommend.recommend)
app.command("chat")(chat.chat)
app.command("ui")(ui.ui)
app.command("serve")(serve.serve)
app.command("mcp")(mcp.mcp)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("tune")(tune.tune)
app.command("doctor")(doctor.doctor)
app.add_typer(adapter.app, name="adapter")
app.add_typer(experiment.app, name="experiment")
app.add_typer(data.app, name="data")
app.add_typer(feedback.app, name="feedback")
app.add_typer(serve.keys, name="keys")
app.add_typer(prompts.app, name="prompts")


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=lambda on: _say_version(on=on))
    ] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for debugging.")] = 0,
) -> None:
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    logging.basicConfig(level=levels[min(verbose, 2)], format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. Nothing but a fault of ours ever shows a traceback, and only with -vv."""
    as_json = "--json" in arguments
    try:
        code = app(args=list(arguments) or ["--help"], standalone_mode=False)
    except LLMRecError as error:
        return report_error(error.code, error.message, error.hint, as_json=as_json)
    except TyperException as error:
        if error.format_message().lstrip().startswith("Usage:"):
            # A group without a command answers with its help, which is no sentence.
            note(error.format_message())
            return MENDABLE
        message = error.format_message().replace(": Value error, ", ": ")  # what the parser says of a choice
        message = message if message.endswith((".", "?", "!")) else f"{message}."
        return report_error("usage", message, "See `llmrec COMMAND --help`.", as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted; Python would complain once more when it flushes at exit.
        sys.stdout = None
        return 0
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or 'the system'}."
        return report_error("os", message, "Check the path and your rights to it.", as_json=as_json)
    except Exception as error:  # the last resort: a user gets a sentence, never a traceback
        logger.debug("unexpected", exc_info=True)
        message = f"llmrec failed unexpectedly ({type(error).__name__}: {error})."
        report_error("internal", message, "Run again with -vv before the command for details.", as_json=as_json)
        return 1
    return code if isinstance(code, int) else 0


def _say_version(*, on: bool) -> None:
    if on:
        typer.echo(f"llmrec {__version__}")
        raise typer.Exit
