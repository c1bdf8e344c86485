"""The direction of imports, and what importing the package costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "napari", "qtpy", "lightning", "matplotlib", "numba", "pandas", "scipy", "skimage"}


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def loaded_by(statement):
    done = run_python(f"{statement}\nimport sys, json; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    modules = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "temgrains" in modules
    return modules


def test_import_contracts_hold():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = run_python(code)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "statement",
    ["import temgrains", "import temgrains; temgrains.Settings(); dir(temgrains)", "import temgrains.cli"],
)
def test_importing_loads_nothing_heavy(statement):
    modules = loaded_by(statement)
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith(("PyQt", "PySide"))}


def test_reading_an_image_needs_no_networks_and_no_window():
    assert not loaded_by("import temgrains; temgrains.read") & {"torch", "napari", "qtpy", "lightning"}


def test_analysing_needs_no_window_and_no_trainer():
    assert not loaded_by("import temgrains; temgrains.analyse") & {"napari", "qtpy", "magicgui", "lightning"}


def test_files_stay_short_enough_to_read():
    long = {
        str(path.relative_to(REPOSITORY)): count
        for path in sorted((REPOSITORY / "src").rglob("*.py"))
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long
