"""Segments and nodes of drawn networks."""

from __future__ import annotations

import numpy as np
import pytest
from networks import closed, cross, random_network, tee, three_bands

from temgrains.corrections import trace


def test_bands_have_two_segments_without_nodes():
    graph = trace(three_bands().labels)
    assert graph.grains.tolist() == [[1, 2], [2, 3]]
    assert graph.ends.tolist() == [[-1, -1], [-1, -1]]
    assert graph.length_px.tolist() == [14, 14]
    assert len(graph.nodes) == 0


def test_a_tee_has_three_segments_and_one_node():
    graph = trace(tee().labels)
    assert sorted(map(tuple, graph.grains.tolist())) == [(1, 2), (1, 3), (2, 3)]
    assert graph.nodes.shape == (1, 2)
    assert np.hypot(*(graph.nodes[0] - (11.5, 20))) < 1
    assert (graph.ends[:, 0] == 0).all()
    assert (graph.ends[:, 1] == -1).all()


def test_a_crossing_is_one_node_of_four_segments():
    graph = trace(cross().labels)
    assert graph.count == 4
    assert graph.nodes.tolist() == [[10, 10]]


def test_a_lone_grain_has_one_closed_segment():
    mask = np.zeros((20, 20), bool)
    mask[5:13, 5:13] = True
    mask[6:12, 6:12] = False
    graph = trace(closed(mask).labels)
    assert graph.count == 1
    path = graph.path(0)
    assert np.abs(path[0] - path[-1]).max() == 1
    assert len(path) == len(graph.pixels)


def test_a_path_runs_from_end_to_end():
    path = trace(three_bands().labels).path(0)
    assert path.tolist() == [[row, 10] for row in range(15)]


def test_the_length_of_a_diagonal():
    mask = np.eye(30, dtype=bool)
    graph = trace(closed(mask).labels)
    assert graph.length_px[0] == pytest.approx(29 * np.sqrt(2))


def test_contrast_is_the_difference_of_the_grains_grey():
    start = three_bands()
    grey = np.array([0.5, 0.1, 0.4, 0.9], np.float32)[start.labels]
    assert trace(start.labels, image=grey).contrast == pytest.approx([0.3, 0.5], abs=1e-6)
    assert np.isnan(trace(start.labels).contrast).all()


def test_confidence_is_the_mean_of_the_map_within_one_pixel():
    start = three_bands()
    grey = np.zeros(start.labels.shape, np.uint8)
    grey[:, 11] = 255
    grey[:5, 21] = 255
    assert trace(start.labels, map_grey=grey).confidence == pytest.approx([1.0, 6 / 15])
    assert np.isnan(trace(start.labels).confidence).all()


def test_the_nearest_segment_within_reach():
    graph = trace(three_bands().labels)
    assert graph.nearest((7, 12), 5) == 0
    assert graph.nearest((7, 19), 5) == 1
    assert graph.nearest((7, 0), 5) is None
    assert graph.nearest_node((7, 0), 5) is None


def test_one_grain_has_no_segments():
    graph = trace(np.ones((9, 9), np.int32))
    assert graph.count == 0
    assert graph.nearest((4, 4), 99) is None


def test_labels_must_be_flat():
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\)"):
        trace(np.ones((2, 3, 4), np.int32))


def test_all_line_pixels_belong_to_a_segment_or_a_node():
    start = random_network((80, 90), 25, 7)
    graph = trace(start.labels)
    assert len(graph.pixels) + len(graph.crossing) == int(start.mask.sum())
    assert {*graph.owner} == {*range(graph.count)}
    assert graph.length_px.sum() == pytest.approx(start.mask.sum() * 1.1, rel=0.15)
    for k in range(graph.count):
        path = graph.path(k)
        assert np.abs(np.diff(path, axis=0)).max(initial=0) <= 2
        assert len(path) >= 0.9 * (graph.owner == k).sum()
