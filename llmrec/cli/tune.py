"""`llmrec tune`: settings searched on validation, written as a file that `build` and `evaluate` take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmrec.cli.options import AsJson, Device, Quiet, Set, SettingsFile, Source
from llmrec.cli.output import note, say, say_json
from llmrec.cli.subjects import (
    Core,
    Dataset,
    Evaluated,
    Protocol,
    chosen_settings,
    data_line,
    open_subject,
    stage_names,
    with_interval,
)

if TYPE_CHECKING:
    from llmrec.evaluation.estimates import Estimate
    from llmrec.evaluation.trials import TrialLog
    from llmrec.evaluation.tuning import StageTuning, Tuning


def tune(
    directory: Evaluated = None,
    dataset: Dataset = None,
    source: Source = None,
    protocol: Protocol = "leave-last-out",
    ties: Annotated[
        Literal["file", "random"], typer.Option("--ties", help="Order of a user's interactions at one moment.")
    ] = "file",
    core: Core = 5,
    stages: Annotated[
        str | None,
        typer.Option("--stages", help="Names with commas between; by default all but what is trained by gradient."),
    ] = None,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="How many for each stage, the settings as they are among them.")
    ] = 20,
    metric: Annotated[str, typer.Option("--metric", help="Whose mean over users decides.")] = "NDCG@10",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn, cut or trained by chance.")] = 0,
    settings: SettingsFile = None,
    assignments: Set = None,
    device: Device = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The settings file to write; of an earlier search's, stages that are not named are kept."
        ),
    ] = Path("tuned.toml"),
    work: Annotated[
        Path | None,
        typer.Option(
            "--work", help="Directory that keeps every trial, so that a run goes on; by default beside --out."
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Search each stage's settings on the validation part; the test part is never looked at.

    A run that was cut goes on where it was when it is given again.

    llmrec tune --dataset movielens-100k --stages ease,transitions,slit,itemknn,hybrid --out tuned.toml
    """
    from llmrec.evaluation.earlier_findings import EarlierFindings
    from llmrec.evaluation.search_spaces import BY_DEFAULT
    from llmrec.evaluation.trial_bench import Search, Study
    from llmrec.evaluation.trials import TrialLog
    from llmrec.evaluation.tuned_file import require_writable, save_tuned
    from llmrec.evaluation.tuning import tune as run

    search = Search(stage_names(stages) or BY_DEFAULT, trials, metric, seed)
    require_writable(out)
    earlier = EarlierFindings.read(out).without(search.stages)
    subject = open_subject(
        directory,
        dataset,
        source,
        core=core,
        stages=search.stages,
        settings=lambda own: chosen_settings(own, settings, assignments, device, earlier.values),
        quiet=quiet,
    )
    [cut] = subject.cut(protocol, ties=ties, seeds=(seed,))
    study = Study.of(cut, name=subject.name, core=subject.core)
    earlier.require_of(subject.name, out)
    log = TrialLog(work or out.with_suffix(".trials"))
    with _telling_what_is_kept(log):
        found = run(study, search, subject.workshop, log, progress=not quiet)
    save_tuned(found, out, earlier)
    kept = earlier.standing_in(found.settings).stages
    if as_json:
        _say_json(found, out, kept)
    else:
        _say(found, subject.notes, out)
        if kept:
            note(f"{out} keeps what it had of {', '.join(kept)}, found by earlier runs.")


@contextmanager
def _telling_what_is_kept(log: TrialLog) -> Iterator[None]:
    """Say so where the search is interrupted."""
    from llmrec.evaluation.wording import counted

    try:
        yield
    except KeyboardInterrupt:
        note(f"Stopped; {log.directory} keeps {counted(len(log), 'trial')}. The same command goes on from there.")
        raise


def _say_json(found: Tuning, out: Path, kept: Sequence[str]) -> None:
    from dataclasses import asdict

    record = {**asdict(found.record), "metric": found.search.metric, "n_trials": found.search.n_trials}
    stages = {stage.stage: _to_json(stage) for stage in found.stages}
    say_json({**record, "out": str(out), "kept": kept, "stages": stages})


def _to_json(found: StageTuning) -> dict[str, object]:
    from llmrec.evaluation.significance import verdict

    difference = found.difference
    return {
        "trials": len(found.trials),
        "chosen": found.chosen.number,
        "settings": dict(found.chosen.values),
        "before": _estimate(found.before),
        "reached": _estimate(found.reached),
        "difference": {"mean": difference.mean, "ci95": difference.ci95} if difference else None,
        "is_shown": difference is not None and difference.is_shown,
        "verdict": verdict(difference) if difference else "the settings as they were are the best of those tried",
    }


def _estimate(found: Estimate) -> dict[str, object]:
    return {"mean": found.mean, "ci95": found.ci95}


def _say(found: Tuning, notes: tuple[str, ...], out: Path) -> None:
    from llmrec.evaluation.report_words import what_was_drawn

    record = found.record
    say(data_line(record))
    say(f"{record.protocol}, validation, ties {record.ties}, split {record.split_sha256[:12]}, code {record.commit}\n")
    width = max(len(stage.stage) for stage in found.stages)
    say(f"{'stage'.ljust(width)}  trials  chosen  {f'{found.search.metric} before'.ljust(24)}  chosen, on validation")
    for stage in found.stages:
        say(
            f"{stage.stage.ljust(width)}  {len(stage.trials):6}  {stage.chosen.number:6}  "
            f"{with_interval(stage.before).ljust(24)}  {with_interval(stage.reached)}"
        )
    say("")
    for line in _verdicts(found):
        say(line)
    say(f"Next: llmrec evaluate --settings {out} ...   or   llmrec build --settings {out} ...")
    for sentence in (*what_was_drawn(record), *notes, *_remarks(found)):
        note(sentence)


def _verdicts(found: Tuning) -> Iterator[str]:
    from llmrec.evaluation.wording import counted

    for stage in found.stages:
        if stage.difference is None:
            yield f"{stage.stage}: the settings as they were are the best of {counted(len(stage.trials), 'trial')}"
            continue
        before = stage.trials[0].values
        changed = (f"{key}={value}" for key, value in stage.chosen.values.items() if before.get(key) != value)
        yield f"{_to_json(stage)['verdict']}: {', '.join(changed)}"


def _remarks(found: Tuning) -> Iterator[str]:
    from llmrec.evaluation.wording import counted

    for stage in found.overruled:
        yield f"{stage}: the file has other settings than its best, because a later stage did better with them."
    if found.n_of_other_code:
        yield f"Measured by other code than {found.record.commit}: {counted(found.n_of_other_code, 'trial')}."
