"""G against the rows of the standard's table, and against formulas that are in use and wrong."""

from __future__ import annotations

import math

import pytest

from temgrains.statistics.astm import Scale, g_of_area, g_of_density, g_of_intercept, iso_643, remark

# G, grains per square inch at 100x, N_A /mm2, mean area um2, its root um, ECD um, mean intercept um, N_L /mm
TABLE = [
    (-1, 0.25, 3.875, 258064, 508.0, 573.2, 452.5, 2.21),
    (0, 0.5, 7.750, 129032, 359.2, 405.3, 320.0, 3.125),
    (1, 1, 15.50, 64516, 254.0, 286.6, 226.3, 4.42),
    (5, 16, 248.0, 4032, 63.5, 71.65, 56.57, 17.68),
    (7, 64, 992.0, 1008, 31.75, 35.83, 28.28, 35.36),
    (8, 128, 1984.0, 504.0, 22.45, 25.33, 20.00, 50.0),
    (10, 512, 7936, 126.0, 11.22, 12.67, 10.00, 100),
    (14, 8192, 126976, 7.875, 2.806, 3.167, 2.500, 400),
    (20, 524288, 8.126e6, 0.1231, 0.3508, 0.3958, 0.3125, 3200),
    (24, 8388608, 1.300e8, 0.007691, 0.0877, 0.0990, 0.0781, 12800),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row[0]))
def test_rows_of_the_table(row):
    g, per_inch, density, area, side, ecd, intercept, per_length = row
    scale = Scale.of(g)
    found = [
        scale.per_square_inch,
        scale.density_per_mm2,
        scale.mean_area_mm2 * 1e6,
        scale.side_mm * 1e3,
        scale.ecd_mm * 1e3,
        scale.intercept_mm * 1e3,
        1 / scale.intercept_mm,
    ]
    assert found == pytest.approx([per_inch, density, area, side, ecd, intercept, per_length], rel=1e-3)


@pytest.mark.parametrize("g", [row[0] for row in TABLE])
def test_there_and_back(g):
    scale = Scale.of(g)
    assert g_of_density(scale.density_per_mm2) == pytest.approx(g, abs=1e-12)
    assert g_of_area(scale.mean_area_mm2) == pytest.approx(g, abs=1e-12)
    assert g_of_intercept(scale.intercept_mm) == pytest.approx(g, abs=1e-12)


def test_constants_are_those_that_the_standard_rounds():
    assert g_of_density(1.0) == pytest.approx(-2.954199, abs=1e-6)
    assert g_of_density(10.0) - g_of_density(1.0) == pytest.approx(3.321928, abs=1e-6)
    assert g_of_area(1.0) == pytest.approx(-2.954199, abs=1e-6)
    assert g_of_intercept(1.0) == pytest.approx(-3.287712, abs=1e-6)
    assert g_of_intercept(1.0) - g_of_intercept(10.0) == pytest.approx(6.643856, abs=1e-6)


@pytest.mark.parametrize(("nm", "g"), [(100, 23.29), (50, 25.29), (10, 29.93)])
def test_grains_of_thin_films(nm, g):
    assert g_of_intercept(nm / 1e6) == pytest.approx(g, abs=0.005)


def test_five_percent_of_calibration_are_a_seventh_of_g():
    assert g_of_intercept(0.01) - g_of_intercept(0.0105) == pytest.approx(0.141, abs=5e-4)


def test_iso_643():
    assert iso_643(8) == pytest.approx(7.954, abs=1e-3)
    assert iso_643(8) - 8 == pytest.approx(-0.0458, abs=1e-4)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("formula", [g_of_density, g_of_area, g_of_intercept])
def test_g_is_undefined_without_a_size(formula, wrong):
    assert math.isnan(formula(wrong))


def test_outside_the_table_g_is_extrapolated():
    assert [remark(g) for g in (-1, 8, 14)] == ["", "", ""]
    assert "extrapolated" in remark(14.1)
    assert "extrapolated" in remark(-1.1)
    assert remark(math.nan) == "G is undefined"


def circle_mm2(diameter_mm):
    return math.pi / 4 * diameter_mm**2


@pytest.mark.parametrize(
    ("wrong", "printed", "right"),
    [
        # natural or binary logarithms with the factor of decimal ones
        (-6.6439 * math.log2(0.05) - 3.298, 25.4, g_of_area(circle_mm2(0.05))),
        (-6.6438 * math.log2(math.pi / 2 * 0.0123) - 3.293, 34.5, g_of_intercept(math.pi / 4 * 0.0123)),
        (-6.643856 * math.log2(0.05) - 3.288, 25.4, g_of_intercept(0.05)),
        # the number of intercepts in place of their mean length
        (-6.643856 * math.log10(0.035) - 3.288, 6.39, g_of_intercept(0.5 / 35)),
        # slope of a length applied to a count, and the reverse
        (-2.9542 + 6.6459 * math.log10(1984), 18.96, g_of_density(1984)),
        (-6.6439 * math.log10(0.000504) + 16.02, 37.9, g_of_area(0.000504)),
        # square inches at 100x forgotten
        (math.log2(1984) + 1, 11.954, g_of_density(1984)),
        (1 - 2 * math.log2(0.02), 12.29, g_of_intercept(0.02)),
    ],
)
def test_formulas_in_use_that_are_wrong(wrong, printed, right):
    assert wrong == pytest.approx(printed, abs=0.06)
    assert abs(wrong - right) > 1


def test_right_answers_where_others_are_wrong():
    assert g_of_area(circle_mm2(0.05)) == pytest.approx(6.04, abs=0.005)
    assert g_of_intercept(math.pi / 4 * 0.0123) == pytest.approx(10.1, abs=0.05)
    assert g_of_intercept(0.05) == pytest.approx(5.36, abs=0.005)
    assert math.log2(1984) + 1 - g_of_density(1984) == pytest.approx(3.954, abs=5e-4)
    assert 1 - 2 * math.log2(0.02) - g_of_intercept(0.02) == pytest.approx(4.29, abs=5e-3)


def test_the_mean_diameter_gives_too_fine_a_number():
    sigma = 0.45
    mean_ecd = math.exp(sigma**2 / 2)
    mean_area = math.pi / 4 * math.exp(2 * sigma**2)
    assert g_of_area(circle_mm2(mean_ecd)) - g_of_area(mean_area) == pytest.approx(0.29, abs=0.005)
