# SPDX-License-Identifier: BSD-3-Clause
"""What is installed: version, types, requirements, imports, the choice of instruction set."""

import importlib.metadata
import importlib.resources
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import thalweg as tw
from thalweg import _core


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


def test_version_is_that_of_the_distribution():
    assert tw.__version__ == importlib.metadata.version("thalweg")


def test_types_are_installed():
    package = importlib.resources.files("thalweg")
    assert (package / "py.typed").is_file()
    assert (package / "_core.pyi").is_file()


def test_numpy_is_the_only_runtime_requirement():
    requirements = importlib.metadata.requires("thalweg") or []
    always = [r for r in requirements if "extra ==" not in r]
    assert len(always) == 1
    assert always[0].startswith("numpy")


def test_command_line_prints_the_version():
    # Beside the interpreter: its environment need not be on the PATH.
    script = run(str(Path(sysconfig.get_path("scripts"), "thalweg")), "--version")
    assert script.returncode == 0, script.stderr
    assert tw.__version__ in script.stdout


@pytest.mark.parametrize(
    "optional", ["scipy", "matplotlib", "rich", "sympy", "dask", "pandas", "sklearn"]
)
def test_import_leaves_optional_parts_alone(optional):
    code = f"import sys, thalweg; sys.exit({optional!r} in sys.modules)"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr or f"import thalweg imports {optional}"


def test_every_public_name_exists():
    missing = [name for name in tw.__all__ if not hasattr(tw, name)]
    assert missing == []
    assert len(set(tw.__all__)) == len(tw.__all__)


def test_show_config_prints_version_instruction_sets_and_optional_parts(capsys):
    tw.show_config()
    shown = capsys.readouterr().out
    assert tw.__version__ in shown
    assert _core.active_isa() in shown
    for isa in _core.supported_isas():
        assert isa in shown
    for optional in ("matplotlib", "rich", "scipy"):
        assert optional in shown


def test_baseline_is_always_supported():
    assert "baseline" in _core.supported_isas()
    assert _core.active_isa() in _core.supported_isas()


def test_machine_code_needs_avx2_and_can_be_switched_off():
    code = "from thalweg import _core; print(_core.machine_code())"
    assert run(sys.executable, "-c", code, THALWEG_MACHINE="0").stdout.strip() == "False"
    assert run(sys.executable, "-c", code, THALWEG_ISA="baseline").stdout.strip() == "False"


@pytest.mark.parametrize("isa", _core.supported_isas())
def test_environment_forces_an_instruction_set(isa):
    code = "from thalweg import _core; print(_core.active_isa())"
    done = run(sys.executable, "-c", code, THALWEG_ISA=isa)
    assert done.stdout.strip() == isa, done.stderr


def test_unknown_instruction_set_is_named():
    code = "from thalweg import _core; print(_core.active_isa())"
    done = run(sys.executable, "-c", code, THALWEG_ISA="abacus")
    assert done.returncode != 0
    assert "abacus" in done.stderr
    assert "baseline" in done.stderr  # what there is
