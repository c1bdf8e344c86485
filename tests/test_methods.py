"""Grain size by each method: worked examples, tessellations of known size, and what must always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from temgrains.records import Grains
from temgrains.statistics.astm import Scale, g_of_density, g_of_intercept
from temgrains.statistics.field import Field, GrainSize, from_count, from_crossings
from temgrains.statistics.intercepts import abrams, boundary_density, circle_crossings, heyn, hilliard
from temgrains.statistics.labels import Labelled, labelled
from temgrains.statistics.network import Network, by_triple_points
from temgrains.statistics.planimetric import (
    interior,
    jeffries,
    jeffries_count,
    miles_lantuejoul,
    saltykov,
    saltykov_count,
    triple_point_count,
)
from temgrains.statistics.report import Choices, complete, describe, each
from tessellations import cells_of, field, grains_of, lattice, random_cells, turned_lattices, with_lines

MM2 = 1e12  # nm^2
PER_AREA = "N_A_per_nm2"


def counted(count, area_mm2):
    return from_count("by hand", "", {"N": count, "A_nm2": area_mm2 * MM2}, unit="nm")


def crossed(length_um, crossings):
    return from_crossings("by hand", "", {"P_L_per_nm": crossings / (length_um * 1e3)}, unit="nm")


@pytest.mark.parametrize(
    ("count", "grains", "area_mm2", "per_mm2", "g"),
    [
        (jeffries_count(68, 41), 88.5, 0.5, 177.0, 4.513),
        (jeffries_count(68, 41, unbiased=True), 87.5, 0.5, 175.0, 4.497),
        (saltykov_count(60, 30), 76, 0.5 * 0.4, 380, 5.616),
        (triple_point_count(150), 76, 0.5, 152, 4.294),
        (triple_point_count(150, unbiased=True), 75, 0.5, 150, 4.275),
    ],
)
def test_counts_worked_out(count, grains, area_mm2, per_mm2, g):
    assert count == grains
    result = counted(count, area_mm2)
    assert result.inputs[PER_AREA] * MM2 == pytest.approx(per_mm2, rel=1e-6)
    assert result.g == pytest.approx(g, abs=1e-3)
    assert result.size / 1e6 == pytest.approx(per_mm2**-0.5)
    assert result.notes == ()


def test_intercepts_worked_out():
    heyn_lines = crossed(1984, 62)
    assert (heyn_lines.size, heyn_lines.g) == pytest.approx((32e3, 6.644), abs=1e-3)
    three_circles = crossed(500e3 / 200, 85)
    assert three_circles.size == pytest.approx(29.41e3, abs=5)
    assert three_circles.g == pytest.approx(6.887, abs=1e-3)


def test_boundary_length_of_random_cells_worked_out():
    per_mm = 2 * math.sqrt(Scale.of(8).density_per_mm2)
    assert per_mm == pytest.approx(89.08, abs=0.01)
    intercept = math.pi / 2 / per_mm
    assert intercept * 1e3 == pytest.approx(17.63, abs=0.01)
    assert g_of_intercept(intercept) == pytest.approx(8.36, abs=0.005)


def drawn():
    """Three by three squares of 10 px with a smaller one missing in the middle's ground."""
    return grains_of(np.arange(9).reshape(3, 3).repeat(10, 0).repeat(10, 1))


def test_counts_of_a_drawing():
    squares = field(drawn())
    found = saltykov(squares)
    assert {k: found.inputs[k] for k in ("N_inside", "N_edge", "corners", "N", "A_nm2")} == {
        "N_inside": 1, "N_edge": 4, "corners": 4, "N": 4, "A_nm2": 900,
    }  # fmt: skip
    assert interior(squares).inputs["N"] == 1
    assert interior(squares).size == 10
    circle = jeffries(squares).inputs
    assert (circle["N_inside"], circle["N_cut"], circle["N"]) == (1, 8, 5)
    assert jeffries(squares, unbiased=True).inputs["N"] == 4
    weighed = miles_lantuejoul(squares).inputs
    assert weighed["N"] == pytest.approx(900 / 19**2)
    lines = heyn(squares, Network.of(squares)).inputs
    assert (lines["l_0deg_nm"], lines["l_90deg_nm"]) == (15, 15)  # two boundaries on 30 px
    assert lines["l_45deg_nm"] == pytest.approx(15 / math.sqrt(2), rel=0.03)
    assert lines["l_135deg_nm"] == lines["l_45deg_nm"]


def test_network_of_a_drawing():
    squares = field(drawn())
    network = Network.of(squares)
    assert sorted(network.lengths) == [10] * 12
    assert network.chords == pytest.approx(network.lengths)
    assert sorted(map(tuple, network.junctions)) == [(10, 10), (10, 20), (20, 10), (20, 20)]
    assert (network.meeting == 4).all()
    assert network.triple_points == 8
    assert network.dihedral.shape == (0, 3)
    assert boundary_density(squares, network).inputs["L_A_per_nm"] == pytest.approx(120 / 900)
    assert by_triple_points(squares, network).inputs["N"] == 5
    # The circle of radius 8 around the middle square's middle crosses none of its sides but twice each.
    assert circle_crossings(network, centre=(15, 15), radius=8) == 0 + 8 + 0
    assert circle_crossings(network, centre=(15, 15), radius=4) == 0


def test_an_island_is_a_closed_segment():
    rows, columns = np.indices((61, 61)) - 30
    network = Network.of(field(grains_of(np.hypot(rows, columns) < 20)))
    assert network.lengths == pytest.approx([2 * math.pi * 20], rel=0.02)
    assert network.chords.tolist() == [0]
    assert network.triple_points == 0


def test_dihedral_angles_of_three_rays():
    rows, columns = np.indices((80, 80)) - 39.5
    angle = np.degrees(np.arctan2(-rows, columns)) % 360
    network = Network.of(field(grains_of(np.digitize(angle, [0, 90, 220]) - 1)))
    assert len(network.dihedral) == 1
    np.testing.assert_allclose(sorted(network.dihedral[0]), [90, 130, 140], atol=6)
    assert network.dihedral.sum() == pytest.approx(360)


def offset(method, grains):
    """G of an intercept method less G of the planimetric one, from one map."""
    tiles = field(grains)
    return method(tiles, Network.of(tiles)).g - miles_lantuejoul(tiles).g


@pytest.mark.parametrize(
    ("expected", "maps"),
    [
        (0.156, [lattice((320, 320), 24, hexagons=True, degrees=d) for d in (4, 19, 34)]),
        (0.363, [lattice((320, 320), 24, hexagons=False, degrees=d) for d in (10, 25, 40)]),
        (0.363, [random_cells((420, 420), 24, seed) for seed in (1, 2, 3, 4)]),
    ],
    ids=["hexagons", "squares", "random"],
)
def test_intercepts_and_counts_differ_as_geometry_demands(expected, maps):
    assert np.mean([offset(boundary_density, grains) for grains in maps]) == pytest.approx(expected, abs=0.02)
    assert np.mean([offset(heyn, grains) for grains in maps]) == pytest.approx(expected, abs=0.02)
    assert np.mean([offset(abrams, grains) for grains in maps]) == pytest.approx(expected, abs=0.25)


def test_lines_along_a_square_lattice_see_its_side():
    tiles = field(lattice((401, 401), 20, hexagons=False, offset=(0.3, 0.3)))
    inputs = heyn(tiles, Network.of(tiles)).inputs
    assert inputs["l_0deg_nm"] == pytest.approx(20, rel=0.01)
    aligned = g_of_intercept(inputs["l_0deg_nm"] / 1e6) - g_of_density(MM2 / 20**2)
    assert aligned == pytest.approx(-0.334, abs=0.03)
    assert inputs["anisotropy"] == pytest.approx(math.sqrt(2), abs=0.03)


def ratios(method, maps, side, **options):
    return np.array([method(field(m), **options).inputs[PER_AREA] * side**2 for m in maps])


def test_jeffries_counts_one_grain_too_many():
    side = 12
    maps = list(turned_lattices(120, (106, 106), side, hexagons=True))
    plain, unbiased = (ratios(jeffries, maps, side, unbiased=b) for b in (False, True))
    area = math.pi / 4 * 104**2
    assert plain.mean() - 1 == pytest.approx(side**2 / area, abs=0.005)
    assert unbiased.mean() == pytest.approx(1, abs=0.005)


def test_saltykov_and_miles_lantuejoul_are_right_and_whole_grains_alone_are_not():
    side = 16
    maps = [random_cells((240, 240), side, seed) for seed in range(16)]
    truth = np.mean([random_count(seed, side) for seed in range(16)])
    assert ratios(miles_lantuejoul, maps, side).mean() == pytest.approx(truth, rel=0.01)
    assert ratios(saltykov, maps, side).mean() == pytest.approx(truth, rel=0.02)
    naive = np.mean([np.count_nonzero(~field(m).cut) * side**2 / 240**2 for m in maps])
    assert naive == pytest.approx(0.85, abs=0.04)


def random_count(seed, side):
    """Points of the process that lie in the image, per expected one: the density that this map realised."""
    margin = 6 * side
    rng = np.random.default_rng(seed)
    extent = np.array([240 + 2 * margin, 240 + 2 * margin])
    points = rng.random((rng.poisson(extent.prod() / side**2), 2)) * extent - margin
    return np.count_nonzero(((points > 0) & (points < 240)).all(axis=1)) * side**2 / 240**2


@pytest.mark.parametrize("hexagons", [True, False])
def test_miles_lantuejoul_on_lattices(hexagons):
    maps = list(turned_lattices(60, (200, 200), 20, hexagons=hexagons))
    assert ratios(miles_lantuejoul, maps, 20).mean() == pytest.approx(1, rel=0.01)


def all_sizes(grains, pixel_size):
    tiles = field(grains, pixel_size)
    network = Network.of(tiles)
    plain = [m(tiles) for m in (saltykov, miles_lantuejoul, interior)]
    crossing = [m(tiles, network) for m in (heyn, boundary_density, by_triple_points)]
    return np.array([found.size for found in (*plain, *crossing)])


def test_half_the_pixels_on_double_the_grid_are_the_same_sizes():
    coarse, fine = (random_cells((320 * k, 320 * k), 32, 5, (1 / k, 1 / k)) for k in (1, 2))
    np.testing.assert_allclose(all_sizes(fine, (0.5, 0.5)), all_sizes(coarse, (1.0, 1.0)), rtol=0.01)


def test_pixels_that_are_not_square():
    square = all_sizes(random_cells((480, 480), 24, 3), (1.0, 1.0))
    flat = all_sizes(random_cells((685, 336), 24, 3, (0.7, 480 / 336)), (0.7, 480 / 336))
    np.testing.assert_allclose(flat, square, rtol=0.03)


def test_turned_by_a_quarter_nothing_changes_and_by_less_little():
    grains = random_cells((200, 220), 20, 6)
    quarter = Grains(np.ascontiguousarray(np.rot90(grains.labels)), grains.on_border)
    np.testing.assert_allclose(all_sizes(quarter, (2.0, 2.0)), all_sizes(grains, (2.0, 2.0)), rtol=0.004)
    rng = np.random.default_rng(2)
    points = (rng.random((900, 2)) - 0.5) * 600
    angle = np.radians(31)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inner = np.hypot(*(np.indices((341, 341)) - 170)) < 168
    sizes = []
    for turned in (points, points @ turn.T):
        cells = cells_of(turned + 170.5, (341, 341)).labels
        disk = np.where(inner, cells, 0).astype(np.int32)
        tiles = Field.of(Grains(disk, np.zeros(disk.max(), bool)), pixel_size=(1.0, 1.0))
        network = Network.of(tiles)
        sizes.append([heyn(tiles, network).size, boundary_density(tiles, network).size, interior(tiles).size])
    np.testing.assert_allclose(*sizes, rtol=0.02)


def test_lines_between_grains_change_little():
    grains = random_cells((300, 300), 24, 9)
    lined = with_lines(grains)
    np.testing.assert_allclose(all_sizes(lined, (1.0, 1.0)), all_sizes(grains, (1.0, 1.0)), rtol=0.02)


def test_circles_cross_as_often_as_random_lines():
    tiles = [field(random_cells((400, 400), 20, seed)) for seed in range(4)]
    ratio = []
    for method in (hilliard, abrams):
        found = [method(tile, Network.of(tile)) for tile in tiles]
        per_length = sum(f.inputs["P"] for f in found) / sum(f.inputs["L_nm"] for f in found)
        ratio.append(1 / per_length / 20)
    assert ratio == pytest.approx([math.pi / 4] * 2, rel=0.06)


def test_ground_that_belongs_to_no_grain_is_not_measured():
    whole = random_cells((300, 300), 20, 4).labels
    covered = whole.copy()
    covered[:60] = 0
    tiles = Field.of(Grains(covered, np.zeros(covered.max(), bool)), pixel_size=(1.0, 1.0))
    network = Network.of(tiles)
    assert tiles.area == pytest.approx(241 * 300)
    lower = field(grains_of(whole[59:]))
    for method in (heyn, boundary_density):
        below = method(lower, Network.of(lower))
        assert method(tiles, network).size == pytest.approx(below.size, rel=0.01)
    assert saltykov(tiles).size == pytest.approx(saltykov(lower).size, rel=0.03)
    assert math.isnan(miles_lantuejoul(tiles).size)
    assert any("belong to no grain" in note for note in saltykov(tiles).notes)
    full = field(grains_of(whole))
    assert hilliard(tiles, network).inputs["L_nm"] < hilliard(full, Network.of(full)).inputs["L_nm"]


@pytest.mark.parametrize(
    "labels",
    [np.zeros((20, 30)), np.ones((20, 30)), np.ones((1, 1)), [[1, 2]], np.arange(1, 13).reshape(3, 4)],
    ids=["no grain", "one grain", "one pixel", "two pixels", "all at the border"],
)
def test_little_to_count_is_said(labels):
    labels = np.asarray(labels, np.int32)
    tiles = Field.of(Grains(labels, np.ones(labels.max(), bool)), pixel_size=(1.0, 1.0))
    network = Network.of(tiles)
    plain = [m(tiles) for m in (saltykov, jeffries, miles_lantuejoul, interior)]
    crossing = [m(tiles, network) for m in (heyn, boundary_density, by_triple_points, hilliard, abrams)]
    for found in (*plain, *crossing):
        assert isinstance(found, GrainSize)
        assert math.isnan(found.size) or found.size > 0
        assert found.notes
        assert math.isnan(found.g) == math.isnan(found.size)


def test_numbers_without_grains_do_not_count():
    grains = drawn()
    spread = Grains(grains.labels * 7, np.zeros(63, bool))
    assert saltykov(field(spread)).inputs == saltykov(field(grains)).inputs


def test_without_a_scale_sizes_are_in_pixels_and_g_is_undefined():
    tiles = Field.of(random_cells((120, 120), 12, 1))
    found = saltykov(tiles)
    assert (found.unit, found.size_is) == ("px", "square root of the mean area")
    assert math.isnan(found.g)
    assert "G is undefined: the size of a pixel is not known" in found.notes
    assert found.to_dict()["g"] is None
    assert heyn(tiles, Network.of(tiles)).unit == "px"


def test_large_grains_are_capped():
    labels = np.ones((40, 40), np.int32)
    labels[1:39, 1:39] = 2
    found = miles_lantuejoul(field(Grains(labels, np.zeros(2, bool))))
    assert found.inputs["N"] == pytest.approx(100)
    assert any("lower bound" in note for note in found.notes)


def test_thin_films_are_extrapolated():
    found = saltykov(field(random_cells((100, 100), 10, 1), (2.0, 2.0)))
    assert found.g > 20
    assert any("extrapolated" in note for note in found.notes)


def neighbours_of(grains):
    return describe(Labelled.of(grains), choices=Choices(replicates=0)).content["network"]["neighbours"]


def test_squares_have_four_neighbours_hexagons_six():
    rows, columns = np.indices((60, 60)) // 10
    assert neighbours_of(grains_of(rows * 6 + columns)) == {"mean": 4.0, "shares": {"4": 1.0}}
    found = neighbours_of(lattice((300, 320), 24, hexagons=True))
    assert found["mean"] == pytest.approx(6, abs=0.05)
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert neighbours_of(grains_of(np.ones((9, 9), int))) == {"mean": None, "shares": {}}


def test_grains_come_first_and_the_rest_is_the_same():
    grains = with_lines(random_cells((120, 120), 12, 1)).labels
    whole = describe(labelled(grains, pixel_size=(0.5, 0.7)))
    first = each(labelled(grains, pixel_size=(0.5, 0.7), pieces=False))
    assert first.labelled.notes == ()
    assert (first.diameters == whole.diameters).all()
    assert complete(first).content == whole.content
