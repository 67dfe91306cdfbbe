"""A report people look at: one page with nothing outside it, its figures as files, and its numbers for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from llmrec.errors import ArtifactError
from llmrec.evaluation import report_words
from llmrec.evaluation.charts import Chart
from llmrec.evaluation.figure_style import DARK, LIGHT, save_png, svg_markup
from llmrec.evaluation.report_sections import Section, sections_of
from llmrec.evaluation.results import METRICS_FILE, REPORT_FILE, Evaluation, without_nan

_TEMPLATE = "report.html.j2"
_THEMES = (LIGHT, DARK)


def write_report(
    evaluation: Evaluation, directory: Path, *, slate_size: int = 20, candidates: str = "fused_without_lm"
) -> Path:
    """Write `report.html`, each figure as `NAME.light.png` and `NAME.dark.png`, and `metrics.json`; the page's path.

    The page is whole without the other files and loads nothing: figures stand in it as markup that takes its colours,
    light or dark, from the page.

    Args:
        evaluation: What to show.
        directory: Made when missing; files of these names are replaced, pictures of an earlier report removed.
        slate_size: How many candidates a language model gets to order, for the recall ceiling.
        candidates: The stage they come from; where it was not evaluated, the one that has most answers among them.

    Raises:
        ArtifactError: The directory cannot be written.
    """
    sections = tuple(sections_of(evaluation, slate_size=slate_size, candidates=candidates))
    charts = [chart for section in sections for chart in section.charts]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in _earlier_pictures(directory):
            (directory / name).unlink(missing_ok=True)
        for chart in charts:
            for theme in _THEMES:
                save_png(chart.draw(theme), directory / _picture(chart.name, theme.name), theme=theme, alt=chart.alt)
        (directory / METRICS_FILE).write_text(_metrics(evaluation, charts), encoding="utf-8")
        (directory / REPORT_FILE).write_text(_page(evaluation, sections), encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"the report cannot be written to {directory}: {error.strerror or error}.") from error
    return directory / REPORT_FILE


def _earlier_pictures(directory: Path) -> Sequence[str]:
    """Files of the report that lies there: those that the next one does not draw would be taken for its own."""
    try:
        figures = json.loads((directory / METRICS_FILE).read_text(encoding="utf-8"))["figures"]
        names = [str(name) for figure in figures.values() for name in figure["files"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
    return [name for name in names if name.endswith(".png") and Path(name).name == name]


def _page(evaluation: Evaluation, sections: Sequence[Section]) -> str:
    # Names of stages, groups and data sets come from data: whatever is not marked as markup is escaped.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return template.render(
        evaluation=evaluation,
        record=evaluation.protocol,
        how=report_words.how_measured(evaluation.protocol),
        glossary=report_words.glossary([metric for section in sections for metric in section.everything.columns]),
        sections=sections,
        svg=_svg,
        light=LIGHT.variables(),
        dark=DARK.variables(),
    )


def _svg(chart: Chart) -> Markup:
    # Letters in it are paths and its only text, the alt text, is escaped by who makes it.
    return Markup(svg_markup(chart.draw(LIGHT), drawn_in=LIGHT, name=chart.name, alt=chart.alt))


def _metrics(evaluation: Evaluation, charts: Sequence[Chart]) -> str:
    pictures = {
        chart.name: {
            "title": chart.title,
            "alt": chart.alt,
            "files": [_picture(chart.name, theme.name) for theme in _THEMES],
        }
        for chart in charts
    }
    record = without_nan(evaluation.to_json() | {"figures": pictures})
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _picture(chart: str, theme: str) -> str:
    return f"{chart}.{theme}.png"
