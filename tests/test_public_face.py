"""What ``import temgrains`` gives, whatever was imported before."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import torch
from PIL import Image

import temgrains as tg
from temgrains import models
from temgrains.networks import PaperNet1, PaperNet2
from temgrains.refine import PoorGuessWarning
from temgrains.synthesis import paper_recipe

FUNCTIONS = (
    "analyse",
    "close",
    "find_edges",
    "guess",
    "label",
    "measure",
    "read",
    "refine",
    "score",
    "synthesise",
)
ALSO_MODULES = ("guess", "refine", "score")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_there(name):
    assert isinstance(getattr(tg, name), FunctionType)
    assert getattr(tg, name).__name__ == name


def test_the_rest_is_there():
    assert issubclass(tg.UnreadableImage, ValueError)
    assert tg.Settings().guess.scale == 0
    assert tg.__version__ == version("temgrains")


def test_all_names_exist_and_are_listed():
    assert set(tg.__all__) == {*FUNCTIONS, "Settings", "UnreadableImage", "__version__"}
    assert set(tg.__all__) <= set(dir(tg))


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'temgrains' has no attribute 'denoise'"):
        tg.denoise  # noqa: B018


@pytest.fixture
def unloaded():
    """As if nothing of the package had been imported yet; what was, comes back afterwards."""
    old = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "temgrains"}
    for name in old:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "temgrains"]:
        del sys.modules[name]
    sys.modules.update(old)


def check_function_wins(before, name):
    code = f"""
import sys, temgrains
{before.format(name=name)}
from types import FunctionType, ModuleType
assert isinstance(temgrains.{name}, FunctionType), temgrains.{name}
from temgrains import {name} as function
assert function is temgrains.{name}
import temgrains.{name}
from temgrains.{name} import {name} as same
assert same is function is temgrains.{name}
assert isinstance(sys.modules["temgrains.{name}"], ModuleType)
"""
    exec(code, {})


@pytest.mark.parametrize("name", ALSO_MODULES)
@pytest.mark.parametrize(
    "before",
    [
        "",
        "import temgrains.{name}",
        "from temgrains.{name} import {name}",
        "from temgrains import {name}",
        "import importlib; importlib.import_module('temgrains.{name}')",
        "temgrains.{name}; import temgrains.{name}",
        "import temgrains.pipeline",
    ],
)
@pytest.mark.usefixtures("unloaded")
def test_function_wins_over_the_module_of_its_name(before, name):
    check_function_wins(before, name)


def test_import_says_nothing_in_a_fresh_interpreter():
    code = (
        "import temgrains.score, temgrains; assert callable(temgrains.score); assert callable(temgrains.read)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_functions_survive_pickling():
    assert pickle.loads(pickle.dumps(tg.refine)) is tg.refine


DOCUMENTED = Path(__file__).resolve().parents[1] / "docs" / "python.md"


def test_documented_code_runs(tmp_path, monkeypatch, capsys):
    """The page reads as one session; without the shipped model a random one stands in for it."""
    monkeypatch.chdir(tmp_path)
    if "paper" not in models.available():
        torch.manual_seed(0)
        models.save(models.make_model("paper", PaperNet1(), PaperNet2(), criterion="paper"))
    image = tg.synthesise(paper_recipe(shape=(96, 160)), seed=1, index=0).image
    Image.fromarray(image).save("film.tif")
    np.save("film.npy", image)
    Path("notes.txt").write_text("no image")
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    session: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorGuessWarning)
        for block in blocks:
            exec(compile(block, str(DOCUMENTED), "exec"), session)
    assert session["outcomes"][0].error is None
    assert "gone.tif" in capsys.readouterr().out
