"""The pictures as files: one page with nothing outside it, each figure by itself for light and dark, their words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from llmrec.errors import ArtifactError
from llmrec.evaluation.charts import Chart
from llmrec.evaluation.figure_style import DARK, LIGHT, Theme, save_png, svg_markup
from llmrec.insights.sections import Section

PAGE_FILE, WORDS_FILE = "insights.html", "insights.json"
_TEMPLATE = "insights.html.j2"
_THEMES = (LIGHT, DARK)
_SVG = '"http://www.w3.org/2000/svg"'


def write_insights(name: str, sections: Sequence[Section], directory: Path) -> Path:
    """Write `insights.html`, `insights.json`, and each chart by itself as PNG and SVG; the page's path.

    A chart's files are `NAME.light.png`, `NAME.light.svg` and the same for `dark`.

    Args:
        name: Of the recommender.
        sections: What to show.
        directory: Made when missing; files of these names are replaced.

    Raises:
        ArtifactError: The directory cannot be written.
    """
    charts = [chart for section in sections for chart in section.charts]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for chart in charts:
            for theme in _THEMES:
                save_png(chart.draw(theme), directory / _picture(chart, theme, "png"), theme=theme, alt=chart.alt)
                (directory / _picture(chart, theme, "svg")).write_text(_svg_file(chart, theme), encoding="utf-8")
        (directory / WORDS_FILE).write_text(_words(charts), encoding="utf-8")
        (directory / PAGE_FILE).write_text(_page(name, sections), encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"the pictures cannot be written to {directory}: {error.strerror or error}.") from error
    return directory / PAGE_FILE


def chart_svg(chart: Chart) -> Markup:
    """The chart as markup that takes its colours, light or dark, from the page; its only texts are its fixed words.

    What comes from data is drawn as paths.
    """
    # What is text is escaped by who makes it.
    drawn = chart.draw(LIGHT)
    return Markup(svg_markup(drawn, drawn_in=LIGHT, name=chart.name, alt=chart.alt, words=chart.words))


def _svg_file(chart: Chart, theme: Theme) -> str:
    """The chart by itself: colours are written out, for few programs beside browsers know variables."""
    drawn = svg_markup(chart.draw(theme), drawn_in=theme, name=chart.name, alt=chart.alt)
    for name, colour in theme.variables().items():
        drawn = drawn.replace(f"var(--{name})", colour)
    root, _, rest = drawn.partition(">")
    ground = f'<rect width="100%" height="100%" fill="{theme.surface}"/>'
    return f"{root.replace('<svg', f'<svg xmlns={_SVG}', 1)}>{ground}{rest}"


def theme_css(light: str, dark: str) -> str:
    """Rules that give the figures their colours, for a selector of a light page and one of a dark page."""
    rules = ((light, LIGHT), (dark, DARK))
    return "".join(
        f"{selector}{{{';'.join(f'--{name}:{colour}' for name, colour in theme.variables().items())}}}"
        for selector, theme in rules
    )


def _page(name: str, sections: Sequence[Section]) -> str:
    # Names come from data: whatever is not marked as markup is escaped.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return template.render(name=name, sections=sections, svg=chart_svg, light=LIGHT.variables(), dark=DARK.variables())


def _words(charts: Sequence[Chart]) -> str:
    words = {
        chart.name: {
            "title": chart.title,
            "alt": chart.alt,
            "reading": chart.reading,
            "files": [_picture(chart, theme, kind) for theme in _THEMES for kind in ("png", "svg")],
        }
        for chart in charts
    }
    return json.dumps(words, indent=1, ensure_ascii=False) + "\n"


def _picture(chart: Chart, theme: Theme, kind: str) -> str:
    return f"{chart.name}.{theme.name}.{kind}"
