"""`llmrec compare`: whether two stored results differ by more than chance, user by user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmrec.cli.options import AsJson
from llmrec.cli.output import say, say_json

if TYPE_CHECKING:
    from llmrec.evaluation.results import Difference

Run = Annotated[Path, typer.Argument(help="A directory made by `llmrec evaluate --out`.")]


def compare(
    a: Run,
    b: Run,
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", help="Which metric, e.g. R@10. May be repeated.")
    ] = None,
    stage: Annotated[str, typer.Option("--stage", help="Stage of A; by default all that both have.")] = "",
    against: Annotated[str, typer.Option("--against", help="Stage of B; by default the same.")] = "",
    as_json: AsJson = False,
) -> None:
    """The difference A minus B, paired by user, with its 95 % bootstrap interval of 10,000 draws.

    llmrec compare runs/new runs/old --metric NDCG@10
    """
    from llmrec.evaluation.comparing import compared
    from llmrec.evaluation.results import Evaluation
    from llmrec.evaluation.significance import verdict

    found = compared(
        Evaluation.load(a),
        Evaluation.load(b),
        stage=stage,
        against=against,
        metrics=metrics or ("NDCG@10",),
        names=(str(a), str(b)),
    )
    found = tuple(_named(difference, a, b) for difference in found)
    if as_json:
        rows = [_row(difference) for difference in found]
        say_json({"differences": rows})
        return
    for difference in found:
        say(verdict(difference))


def _named(difference: Difference, a: Path, b: Path) -> Difference:
    from dataclasses import replace

    return replace(difference, a=f"{difference.a} of {a}", b=f"{difference.b} of {b}")


def _row(difference: Difference) -> dict[str, object]:
    from dataclasses import asdict

    shown = {True: "difference", False: "no difference shown"}
    return {**asdict(difference), "verdict": shown[difference.is_shown]}
