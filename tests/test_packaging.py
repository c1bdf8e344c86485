"""What is installed is what the repository shows: manifest, samples, models, types, version."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest

import temgrains

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
MANIFEST = REPOSITORY / "napari.yaml"
USES = ("readers", "writers", "widgets", "sample_data")


@pytest.fixture(scope="module")
def manifest() -> Any:
    npe2 = pytest.importorskip("npe2", reason="npe2 comes with the extra gui")
    return npe2.PluginManifest.from_distribution("temgrains")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from the repository as it is."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("temgrains-*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def used_commands(manifest: Any) -> set[str]:
    """Every command that a reader, writer, widget, sample or menu of the manifest names."""
    contributions = manifest.contributions
    used = {entry.command for use in USES for entry in getattr(contributions, use) or ()}
    entries = [entry for menu in (contributions.menus or {}).values() for entry in menu]
    used |= {getattr(entry, "command", None) for entry in entries}
    return used - {None}


def test_installed_manifest_is_the_one_at_the_top():
    installed = resources.files("temgrains_manifest") / "napari.yaml"
    assert installed.read_bytes() == MANIFEST.read_bytes(), (
        "napari.yaml was edited after the installation; run make test or pip install -e . again"
    )


def test_installed_samples_are_the_ones_at_the_top():
    folder = REPOSITORY / "sample_data"
    installed = resources.files("temgrains_manifest") / "sample_data"
    for sample in folder.rglob("*"):
        if sample.is_file():
            name = sample.relative_to(folder).as_posix()
            assert (installed / name).read_bytes() == sample.read_bytes(), f"{name}: install again"


def test_npe2_finds_the_manifest_of_the_distribution(manifest: Any):
    assert manifest.name == "temgrains"
    assert manifest.display_name == "TEM Grains"
    assert manifest.contributions.widgets, "the plugin offers no widget"
    assert manifest.contributions.readers, "the plugin offers no reader"
    assert manifest.contributions.sample_data, "the plugin offers no sample"


def test_every_used_command_is_declared(manifest: Any):
    declared = {command.id for command in manifest.contributions.commands or ()}
    assert used_commands(manifest) <= declared


def test_every_menu_is_one_that_napari_shows(manifest: Any):
    menus = pytest.importorskip("napari._app_model.constants._menus", reason="napari is not installed")
    ours = {submenu.id for submenu in manifest.contributions.submenus or ()}
    shown = {str(menu) for menu in menus.MenuId.contributables()} | ours
    assert set(manifest.contributions.menus or {}) <= shown


def test_every_python_name_can_be_imported(manifest: Any):
    pytest.importorskip("napari", reason="napari comes with the extra gui")
    for command in manifest.contributions.commands or ():
        module, _, attribute = command.python_name.partition(":")
        assert callable(getattr(importlib.import_module(module), attribute)), command.id


def test_wheel_holds_manifest_samples_models_and_type_marker(wheel: set[str]):
    assert "temgrains_manifest/napari.yaml" in wheel
    assert "temgrains/py.typed" in wheel
    assert any(name.startswith("temgrains_manifest/sample_data/") for name in wheel)
    assert "temgrains/models/paper.safetensors" in wheel
    assert "temgrains/models/default.safetensors" in wheel


def test_wheel_holds_every_module_and_nothing_else(wheel: set[str]):
    source = REPOSITORY / "src"
    modules = {path.relative_to(source).as_posix() for path in (source / "temgrains").rglob("*.py")}
    packed = {name for name in wheel if name.endswith(".py")}
    assert packed == modules
    folders = {name.split("/")[0] for name in wheel}
    assert folders == {"temgrains", "temgrains_manifest", f"temgrains-{temgrains.__version__}.dist-info"}


def test_version_is_the_same_everywhere():
    stated = PROJECT["project"]["version"]
    assert temgrains.__version__ == stated
    assert metadata.version("temgrains") == stated
    assert f"## [{stated}]" in (REPOSITORY / "docs" / "changelog.md").read_text(encoding="utf-8")


def test_top_level_shows_only_what_the_project_promises():
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout")
    visible = {name for name in listed.stdout.split() if not name.startswith(".")}
    promised = "LICENSE Makefile README.md docs napari.yaml pyproject.toml sample_data src tests"
    assert visible == set(promised.split())


def test_importing_the_package_loads_neither_torch_nor_napari():
    look = "import sys, temgrains; print(sorted({'torch', 'napari', 'qtpy', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
