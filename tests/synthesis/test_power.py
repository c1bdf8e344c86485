"""The power diagram equals brute force on every pixel, its cells are convex and its boundaries closed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial import ConvexHull

from drawings import draw
from temgrains.synthesis.power import LIMIT_PX, cell_boundaries, gap_share, power_diagram


def brute_force(centres, radii, shape):
    """Least power distance in whole 1/1024 px, so that ties are ties; argmin gives the lowest index."""
    sites = np.rint(np.asarray(centres) * 1024).astype(np.int64)
    squares = np.rint(np.asarray(radii) * 1024).astype(np.int64) ** 2
    owner = np.empty(shape, np.int32)
    columns = np.arange(shape[1]) * 1024
    for y in range(shape[0]):
        power = (columns[:, None] - sites[:, 1]) ** 2 + (y * 1024 - sites[:, 0]) ** 2 - squares
        owner[y] = power.argmin(axis=1)
    return owner


def circles(count, shape, rng, *, mean=8.0):
    return rng.random((count, 2)) * shape, mean * np.exp(0.45 * rng.standard_normal(count)) / 2


# --- drawings ---------------------------------------------------------------------------------------------


def test_two_equal_circles_share_the_plane():
    owner = power_diagram([(2, 2), (2, 7)], [1, 1], (3, 10))
    np.testing.assert_array_equal(owner, [[0] * 5 + [1] * 5] * 3)


def test_the_larger_circle_gets_more():
    # Power distances are equal where x² - 16 = (x - 8)² - 0: at x = 5.
    owner = power_diagram([(0, 0), (0, 8)], [4, 0], (1, 10))
    np.testing.assert_array_equal(owner, [[0] * 6 + [1] * 4])


def test_a_circle_within_another_may_own_no_cell():
    # It would own pixels right of x = 7.75 only, or none at all if its centre were the same.
    assert set(np.unique(power_diagram([(3, 3), (3, 4)], [3, 0.5], (7, 7)))) == {0}
    assert set(np.unique(power_diagram([(3, 3), (3, 3)], [1, 3], (7, 7)))) == {1}


def test_ties_go_to_the_lowest_index():
    np.testing.assert_array_equal(power_diagram([(0, 0), (0, 4)], [1, 1], (1, 5)), [[0, 0, 0, 1, 1]])
    np.testing.assert_array_equal(power_diagram([(0, 4), (0, 0)], [1, 1], (1, 5)), [[1, 1, 0, 0, 0]])
    assert (power_diagram([(5, 5)] * 4, [2] * 4, (9, 9)) == 0).all()
    corners = [(0, 0), (0, 8), (8, 0), (8, 8)]
    assert power_diagram(corners[::-1], [1] * 4, (9, 9))[4, 4] == 0


# --- laws -------------------------------------------------------------------------------------------------

halves = st.integers(-10, 60).map(lambda n: n / 2)
sizes = st.integers(0, 24).map(lambda n: n / 2)
shapes = st.tuples(st.integers(1, 40), st.integers(1, 24))


@given(st.lists(st.tuples(halves, halves, sizes), min_size=1, max_size=14), shapes)
@settings(max_examples=300)
def test_equals_brute_force_where_ties_abound(drawn, shape):
    drawn = np.array(drawn)
    found = power_diagram(drawn[:, :2], drawn[:, 2], shape)
    np.testing.assert_array_equal(found, brute_force(drawn[:, :2], drawn[:, 2], shape))


reals = st.floats(-30, 60, allow_subnormal=False)


@given(st.lists(st.tuples(reals, reals, st.floats(0, 40)), min_size=1, max_size=14), shapes)
@settings(max_examples=300)
def test_equals_brute_force_for_any_circles(drawn, shape):
    drawn = np.array(drawn)
    found = power_diagram(drawn[:, :2], drawn[:, 2], shape)
    np.testing.assert_array_equal(found, brute_force(drawn[:, :2], drawn[:, 2], shape))


@pytest.mark.parametrize("count", [1, 2, 50, 150, 500])
def test_equals_brute_force_on_an_image_of_the_paper(count, rng):
    shape = (96, 496)
    centres, radii = circles(count, shape, rng, mean=2 * np.sqrt(96 * 496 / np.pi / count))
    np.testing.assert_array_equal(power_diagram(centres, radii, shape), brute_force(centres, radii, shape))


@pytest.mark.parametrize("spread", [1.0, 0.1, 0.001])
def test_equals_brute_force_where_circles_crowd(spread, rng):
    """Far from a crowd the first bound on who can own a pixel is too low and must be raised."""
    shape = (150, 130)
    centres, radii = circles(300, shape, rng)
    centres = centres * spread
    np.testing.assert_array_equal(power_diagram(centres, radii, shape), brute_force(centres, radii, shape))


def test_equals_brute_force_at_the_limit(rng):
    centres = rng.uniform(-LIMIT_PX, LIMIT_PX, (400, 2))
    radii = rng.uniform(0, LIMIT_PX, 400)
    shape = (2, LIMIT_PX)
    np.testing.assert_array_equal(power_diagram(centres, radii, shape), brute_force(centres, radii, shape))


def test_turning_the_circles_turns_the_cells(rng):
    shape = (60, 60)
    centres, radii = circles(80, shape, rng)
    found = power_diagram(centres[:, ::-1], radii, shape)
    np.testing.assert_array_equal(found, power_diagram(centres, radii, shape).T)


def test_cells_are_convex(rng):
    """No pixel within the hull of a cell belongs to another."""
    shape = (70, 110)
    centres, radii = circles(60, shape, rng, mean=14)
    owner = power_diagram(centres, radii, shape)
    pixels = np.argwhere(np.ones(shape, bool))
    checked = 0
    for i in np.unique(owner):
        own = np.argwhere(owner == i)
        if np.linalg.matrix_rank(own - own[0]) < 2:
            continue  # a cell of one line of pixels has no hull
        sides = ConvexHull(own).equations
        inside = (pixels @ sides[:, :2].T + sides[:, 2] < 1e-9).all(axis=1)
        assert (owner.ravel()[inside] == i).all()
        checked += 1
    assert checked > 40


def test_circles_may_own_no_cell(rng):
    shape = (96, 496)
    centres, radii = circles(500, shape, rng, mean=11)
    owners = np.unique(power_diagram(centres, radii, shape))
    assert 250 < len(owners) < 450


# --- boundaries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thickness", "expected"),
    [
        (1, "....#...."),
        (1.9, "....#...."),
        (2, "...###..."),
        (3, "...###..."),
        (4, "..#####.."),
        (5.9, "..#####.."),
    ],
)
def test_a_line_through_pixel_centres(thickness, expected):
    sites = [(0, 1), (0, 7)], [2, 2]
    mask = cell_boundaries(power_diagram(*sites, (1, 9)), *sites, thickness_px=thickness)
    np.testing.assert_array_equal(mask, draw(expected))


@pytest.mark.parametrize(("thickness", "expected"), [(1, "...##..."), (2.9, "...##..."), (3, "..####..")])
def test_a_line_between_pixels(thickness, expected):
    sites = [(0, 1), (0, 6)], [2, 2]
    mask = cell_boundaries(power_diagram(*sites, (1, 8)), *sites, thickness_px=thickness)
    np.testing.assert_array_equal(mask, draw(expected))


def test_a_triple_junction():
    sites = [(2, 1), (2, 9), (10, 5)], [1, 1, 1]
    mask = cell_boundaries(power_diagram(*sites, (9, 11)), *sites, thickness_px=1.5)
    expected = """
    .....#.....
    .....#.....
    .....#.....
    .....#.....
    .....#.....
    ....###....
    ..###.###..
    ###.....###
    #.........#
    """
    np.testing.assert_array_equal(mask, draw(expected))


def test_one_circle_has_no_boundary():
    assert not cell_boundaries(power_diagram([(3, 3)], [1], (7, 7)), [(3, 3)], [1], thickness_px=3).any()


def exact_distance(owner, centres, radii):
    """Distance of each pixel to the interface of its cell: the least over the half-planes that bound it."""
    rows, columns = np.indices(owner.shape)
    power = (rows[..., None] - centres[:, 0]) ** 2 + (columns[..., None] - centres[:, 1]) ** 2 - radii**2
    own = np.take_along_axis(power, owner[..., None], axis=-1)
    apart = np.linalg.norm(centres[owner][:, :, None] - centres, axis=-1)
    apart[apart == 0] = np.inf
    distance = (power - own) / (2 * apart)
    np.put_along_axis(distance, owner[..., None], np.inf, axis=-1)
    return distance.min(axis=-1)


@pytest.mark.parametrize("thickness", [1.0, 3.0, 4.6])
def test_lines_are_as_thick_as_asked(thickness, rng):
    shape = (70, 90)
    centres, radii = circles(60, shape, rng, mean=12)
    centres, radii = np.rint(centres * 1024) / 1024, np.rint(radii * 1024) / 1024
    owner = power_diagram(centres, radii, shape)
    mask = cell_boundaries(owner, centres, radii, thickness_px=thickness)
    exact = exact_distance(owner, centres, radii) <= thickness / 2
    assert not (mask & ~exact).any()
    # Undefined: interfaces that lie outside the image or between pixels; all others are drawn.
    missing = exact & ~mask
    assert missing.mean() < 0.01
    inner = np.zeros(shape, bool)
    inner[4:-4, 4:-4] = True
    assert (missing & inner).mean() < 0.001


@pytest.mark.parametrize("thickness", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_boundaries_are_closed(thickness, seed):
    """No 4-connected way leads from one cell to another without crossing the boundary."""
    rng = np.random.default_rng(seed)
    shape = (96, 120)
    centres, radii = circles(90, shape, rng, mean=14)
    owner = power_diagram(centres, radii, shape)
    free = ~cell_boundaries(owner, centres, radii, thickness_px=thickness)
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        assert (owner[a] == owner[b])[free[a] & free[b]].all()
    pieces, count = ndimage.label(free)
    assert count >= len(np.unique(owner[free]))
    for piece in range(1, count + 1):
        assert len(np.unique(owner[pieces == piece])) == 1


# --- gaps -------------------------------------------------------------------------------------------------


def test_gaps_are_the_pixels_that_no_circle_covers(rng):
    shape = (50, 60)
    centres, radii = circles(30, shape, rng, mean=9)
    centres, radii = np.rint(centres * 1024) / 1024, np.rint(radii * 1024) / 1024
    rows, columns = np.indices(shape)
    power = (rows[..., None] - centres[:, 0]) ** 2 + (columns[..., None] - centres[:, 1]) ** 2 - radii**2
    share = gap_share(power_diagram(centres, radii, shape), centres, radii)
    assert share == (power > 0).all(axis=-1).mean()
    assert 0.2 < share < 0.8


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("centres", "radii"),
    [(np.empty((0, 2)), np.empty(0)), ([(1, 2)], [1, 2]), ([1, 2], [1, 2]), ([(1, 2, 3)], [1])],
)
def test_circles_of_the_wrong_shape_are_refused(centres, radii):
    with pytest.raises(ValueError, match=r"must be \(N, 2\) and \(N,\) with at least one circle"):
        power_diagram(centres, radii, (4, 4))


@pytest.mark.parametrize(
    ("centres", "radii"),
    [([(1, np.nan)], [1]), ([(1, np.inf)], [1]), ([(1, 20000)], [1]), ([(1, 1)], [-1]), ([(1, 1)], [np.nan])],
)
def test_circles_that_are_no_numbers_or_too_large_are_refused(centres, radii):
    with pytest.raises(ValueError, match="must be finite, at most 16384 px, and radii not negative"):
        power_diagram(centres, radii, (4, 4))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5,), (5, 16385), (5.0, 5), (5, 5, 5)])
def test_rasters_that_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape is .*; it must be two whole numbers from 1 to 16384 px"):
        power_diagram([(1, 1)], [1], shape)


@pytest.mark.parametrize("thickness", [0, 0.99, -3, np.nan, np.inf])
def test_lines_that_would_leak_are_refused(thickness):
    with pytest.raises(ValueError, match=r"thickness_px is .*; it must be from 1 to 16384 px"):
        cell_boundaries(np.zeros((3, 3), np.int32), [(1, 1)], [1], thickness_px=thickness)
