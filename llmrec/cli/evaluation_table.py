"""An evaluation as a table in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmrec.cli.output import note, say
from llmrec.cli.subjects import data_line, with_interval

if TYPE_CHECKING:
    from llmrec.evaluation.results import Evaluation, StageResult

_COLUMNS = ("NDCG@10", "R@10", "R@20", "R@50", "R@100", "MRR@10", "coverage@10")
_WIDE = ("NDCG@10", "R@10")  # shown with their intervals


def say_evaluation(found: Evaluation) -> None:
    """What was measured on, a row for each stage, and which differences are shown."""
    from llmrec.evaluation.report_words import what_was_drawn
    from llmrec.evaluation.significance import verdict
    from llmrec.evaluation.wording import counted

    record = found.protocol
    say(data_line(record))
    say(
        f"{record.protocol}, {record.part}, ties {record.ties}, {counted(len(found.users), 'user')} tested, "
        f"{counted(len(record.seeds), 'seed')}, split {record.split_sha256[:12]}, code {record.commit}"
    )
    say("")
    width = max(len("stage"), *map(len, found.stages))
    heads = [metric.ljust(23) if metric in _WIDE else metric.rjust(11) for metric in _COLUMNS]
    say("  ".join(["stage".ljust(width), *heads, "   fit s", "   users/s", "p95 ms"]))
    for name, stage in found.stages.items():
        say(f"{name.ljust(width)}  {_cells(stage)}")
    say("")
    _say_slates(found)
    for difference in found.differences:
        say(verdict(difference))
    for sentence in (*what_was_drawn(record), *found.notes):
        note(sentence)


def _say_slates(found: Evaluation) -> None:
    """What each order of the slate is worth where the slate holds the answer, beside any order at all."""
    from llmrec.evaluation.fitting import RANDOM
    from llmrec.evaluation.results import WEIGHT
    from llmrec.evaluation.slate_metrics import SLATE_NDCG, SLATE_RECALL

    ordering = {name: stage.estimates for name, stage in found.stages.items() if SLATE_NDCG in stage.per_user}
    if not ordering:
        return
    width = max(map(len, ordering))
    say(f"{'stage'.ljust(width)}  {SLATE_RECALL.rjust(7)}  {SLATE_NDCG.ljust(23)}  x {RANDOM}")
    for name, estimates in ordering.items():
        _, at, suffix = name.partition("@")
        any_order = ordering.get(f"{RANDOM}{at}{suffix}")
        ratio = f"{estimates[SLATE_NDCG].mean / any_order[SLATE_NDCG].mean:.2f}" if any_order else "-"
        cells = (f"{estimates[SLATE_RECALL].mean:7.4f}", with_interval(estimates[SLATE_NDCG]).ljust(23), ratio)
        say("  ".join([name.ljust(width), *cells]))
    for name, estimates in ordering.items():
        weights = {key.removeprefix(WEIGHT): found.mean for key, found in estimates.items() if key.startswith(WEIGHT)}
        if weights:
            say(f"{name} weighs {', '.join(f'{voice} {weight:.3f}' for voice, weight in weights.items())}")
    say("")


def _cells(stage: StageResult) -> str:
    from llmrec.evaluation.wording import quantity_text

    estimates = stage.estimates
    cells = [
        with_interval(estimates[name]).ljust(23) if name in _WIDE else f"{estimates[name].mean:11.4f}"
        for name in _COLUMNS
    ]
    seconds = stage.seconds
    speed = quantity_text(stage.users_per_s)
    return "  ".join([*cells, f"{seconds['fit']:8.1f}", speed.rjust(10), f"{1000 * seconds['p95']:6.1f}"])
