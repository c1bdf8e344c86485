"""What all tests share: a home of their own, the shared real data where it exists, repeatable examples."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

# The first call of a compiled kernel takes seconds, so that a deadline per example would fail at random.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("repeatable")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty $TEMGRAINS_HOME, so that no test sees or changes the models of whoever runs it."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TEMGRAINS_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data, found by $TEMGRAINS_SHARED or beside the repository; skips without it."""
    folder = Path(os.environ.get("TEMGRAINS_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared real data are not here; $TEMGRAINS_SHARED names their folder")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that draws the same in every run."""
    return np.random.default_rng(20250421)
