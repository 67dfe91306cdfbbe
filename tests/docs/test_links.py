"""What the guides point to is there: files, headings, settings, and names of Python."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

from llmrec.settings import Settings
from tests.docs.reading import ROOT, anchors, documents, fenced, inline, links, name_of

_TOP = ("app.py", "benchmarks/", "deploy/", "docs/", "examples/", "finetune/", "llmrec/", "prompts/", "tests/")
_PATH = re.compile(r"[\w./-]+")
_SETTING = re.compile(r"(\w+)\.(\w+)(=.*)?")


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(read(document)):
        place, _, anchor = link.partition("#")
        target = document.parent / place if place else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(read(target)), link


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_files_that_are_named_are_there(document: Path) -> None:
    named = [code for code in inline(read(document)) if code.startswith(_TOP) and _PATH.fullmatch(code)]
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_settings_that_are_named_exist(document: Path) -> None:
    rooms = {name: type(getattr(Settings(), name)).model_fields for name in Settings.model_fields}
    named = [found.groups() for code in inline(read(document)) if (found := _SETTING.fullmatch(code))]
    assert [(room, key) for room, key, _ in named if room in rooms and key != "py" and key not in rooms[room]] == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_what_is_imported_exists(document: Path) -> None:
    for code in fenced(read(document), "python", "py"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llmrec"):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)


def test_the_layers_of_the_guide_are_those_that_are_enforced() -> None:
    contracts = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    enforced = re.findall(r"llmrec\.(\w+)", " ".join(contracts[0]["layers"]))
    [drawn] = [block for block in fenced(read(ROOT / "docs" / "architecture.md"), "") if block.startswith("app.py")]
    told = re.findall(r"\w+", re.sub(r"  +imports.*|app\.py", "", drawn))
    assert sorted(told) == sorted(enforced)
