"""`llmrec evaluate` of held-out interactions: measured, stored and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmrec.cli.evaluation_table import say_evaluation
from llmrec.cli.output import say_json
from llmrec.cli.subjects import open_subject, stage_names

if TYPE_CHECKING:
    from llmrec.data.splits import Part
    from llmrec.data.splits.values import Protocol, Ties
    from llmrec.evaluation.results import Evaluation
    from llmrec.evaluation.run import Plan
    from llmrec.evaluation.subjects import Subject
    from llmrec.settings import Settings


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured, on whom, and how.

    Attributes:
        directory: A recommender; None where `dataset` names a data set, whose files may be in `source`.
        stages: As `--stages` names them; None for what has a closed form.
        settings: The settings used in place of the subject's own.
    """

    directory: Path | None
    dataset: str | None
    source: Path | None
    core: int
    protocol: Protocol
    ties: Ties
    part: Part
    n_seeds: int
    stages: str | None
    reference: str
    limit_users: int | None
    settings: Callable[[Settings], Settings]

    def plan(self) -> Plan:
        """What is asked of the evaluation. Raises ConfigError for a stage that is not known."""
        from llmrec.evaluation.run import Plan

        return Plan(_stages(self.stages), self.part, tuple(range(self.n_seeds)), self.limit_users, self.reference)

    def subject(self, plan: Plan, *, quiet: bool, answers: Path | None) -> Subject:
        """What is measured, opened. Raises LLMRecError."""
        return open_subject(
            self.directory,
            self.dataset,
            self.source,
            core=self.core,
            stages=plan.stages,
            settings=self.settings,
            quiet=quiet,
            answers=answers,
        )


@dataclass(frozen=True, slots=True)
class HeldOutFiles:
    """The files and directories that the command line names, None for each that it does not.

    Attributes:
        users: A table with columns that divide users into groups.
        out: Where the result goes.
        report: Where its pictures go.
        work: Where the answers of a language model are kept.
        fusion: Where the weights of the stage `fused` go.
    """

    users: Path | None
    out: Path | None
    report: Path | None
    work: Path | None
    fusion: Path | None

    def require(self, plan: Plan) -> None:
        """Raise ConfigError while nothing has been computed that a wrong place could lose."""
        from llmrec.evaluation.learned_fusion import require_fusion_file
        from llmrec.evaluation.targets import require_place, require_report_directory, require_result_directory

        if self.out is not None:
            require_result_directory(self.out)
        if self.report is not None:
            require_report_directory(self.report)
        if self.work is not None:
            require_place(self.work, "answers")
        if self.fusion is not None:
            require_fusion_file(self.fusion, plan)

    def keep(self, found: Evaluation, subject: Subject) -> None:
        """Write what was asked for. Raises ArtifactError."""
        if self.fusion is not None:
            from llmrec.evaluation.learned_fusion import learned_fusion

            learned_fusion(found, source=subject.workshop.source).save(self.fusion)
        if self.out is not None:
            found.save(self.out)
        if self.report is not None:
            # Imported here, so that a run without pictures needs no plotting.
            from llmrec.evaluation.report import write_report

            write_report(found, self.report, slate_size=subject.workshop.context.settings.ranking.slate_size)


def evaluate_held_out(measured: Measured, files: HeldOutFiles, *, quiet: bool, as_json: bool) -> None:
    """Measure, keep and print. Raises LLMRecError."""
    from llmrec.evaluation.run import evaluate
    from llmrec.evaluation.user_columns import read_user_columns

    columns = read_user_columns(files.users) if files.users else None
    plan = measured.plan()
    files.require(plan)
    subject = measured.subject(plan, quiet=quiet, answers=files.work)
    found = evaluate(
        subject.cut(measured.protocol, ties=measured.ties, seeds=plan.seeds),
        plan,
        subject.workshop,
        name=subject.name,
        core=subject.core,
        user_table=columns,
        progress=not quiet,
    )
    found = replace(found, notes=(*subject.notes, *found.notes))
    files.keep(found, subject)
    if as_json:
        say_json(found.to_json())
    else:
        say_evaluation(found)


def _stages(text: str | None) -> tuple[str, ...]:
    from llmrec.evaluation.fitting import LATER_STAGES
    from llmrec.stages import STAGES, require_stages

    named = stage_names(text)
    require_stages(named, (*STAGES, *LATER_STAGES))
    return named or tuple(name for name, stage in STAGES.items() if not stage.is_seeded)
