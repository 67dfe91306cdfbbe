"""The public names are these, each comes from its home, and none costs anything before it is used."""

import subprocess
import sys

import pytest

import llmrec


def test_every_public_name_can_be_had() -> None:
    assert sorted(llmrec.__all__) == sorted(llmrec._HOMES)
    for name in llmrec.__all__:
        assert getattr(llmrec, name).__module__.startswith("llmrec.")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Recomender'"):
        _ = llmrec.Recomender


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys, llmrec; sys.exit(bool({'torch', 'numpy', 'gradio', 'pandas'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_recommender_without_weights_starts_without_torch() -> None:
    code = "import sys, llmrec.serving; sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
