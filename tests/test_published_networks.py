"""The port against the authors' published networks and what they answer; skips where those are missing."""

from __future__ import annotations

import numpy as np
import pytest

from temgrains import tiling
from temgrains.models import ModelError, import_matlab
from temgrains.records import BoundaryMap
from temgrains.refine import refine
from temgrains.settings import RefineSettings


@pytest.fixture(scope="module")
def folder(shared):
    pytest.importorskip("matio")
    return shared / "data" / "saleh2025"


@pytest.fixture(scope="module")
def published(folder):
    return import_matlab(folder / "net1.mat", folder / "net2.mat", name="saleh2025")


@pytest.fixture(scope="module")
def oracle(folder):
    return np.load(folder / "oracle.npz")


def test_net1_answers_as_published(published, oracle):
    found = tiling.apply(published.net1, oracle["edges_rgb"])
    assert np.abs(found - oracle["net1_out"]).max() <= 1e-3


def test_net2_answers_as_published(published, oracle):
    found = tiling.apply(published.net2, oracle["states"][:1])
    assert np.abs(found - oracle["net2_first"]).max() <= 1e-3


def test_ten_states_are_bit_equal(published, oracle):
    settings = RefineSettings(criterion="paper", threshold=0.0, max_iterations=10)
    states = list(refine(BoundaryMap(oracle["states"][0]), model=published, settings=settings))
    equal = [np.mean(s.state == wanted) for s, wanted in zip(states, oracle["states"][1:], strict=True)]
    assert min(equal) >= 0.999
    assert [s.change for s in states] == pytest.approx(oracle["change"], abs=1e-3)


def test_the_reference_criterion_stops_after_eight(published, oracle):
    states = list(refine(BoundaryMap(oracle["states"][0]), model=published))
    assert (states[-1].index, states[-1].stopped) == (8, "converged")


def test_from_noise_as_published(published, oracle):
    settings = RefineSettings(criterion="paper", max_iterations=60)
    states = list(refine(BoundaryMap(oracle["noise"]), model=published, settings=settings))
    assert (states[-1].index, states[-1].stopped) == (15, "converged")
    assert [s.change for s in states] == pytest.approx(oracle["noise_change"][:15], abs=1e-3)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    pytest.importorskip("matio")
    path = tmp_path / "net1.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file" + b"\x00" * 400)
    with pytest.raises(ModelError, match="not a MATLAB series network"):
        import_matlab(path, path, name="x")


def test_net1_and_net2_swapped_are_noticed(folder):
    with pytest.raises(ModelError, match="no zero-centre mean; is this Net2"):
        import_matlab(folder / "net2.mat", folder / "net1.mat", name="x")
