"""Fields of one specimen: the standard's worked example, and what makes no sense."""

from __future__ import annotations

import math

import numpy as np
import pytest

from temgrains.statistics.astm import g_of_intercept
from temgrains.statistics.between import between_fields, calibration_in_g, pooled, pooled_g
from temgrains.statistics.field import from_count, from_crossings

FIVE_UM = [20.4, 19.1, 21.0, 18.8, 20.7]


def test_five_fields_worked_out():
    spread = between_fields(np.array(FIVE_UM) / 1e3)
    assert spread.count == 5
    assert spread.mean * 1e3 == pytest.approx(20.000, abs=1e-3)
    assert spread.deviation * 1e3 == pytest.approx(0.98742, abs=1e-5)
    assert spread.half_width * 1e3 == pytest.approx(1.22604, abs=1e-5)
    assert spread.relative_accuracy == pytest.approx(6.130, abs=1e-3)
    assert spread.g("intercept") == pytest.approx((8.000, 7.828, 8.183), abs=1e-3)
    # The mean of the fields' G is another number.
    assert np.mean([g_of_intercept(x / 1e3) for x in FIVE_UM]) == pytest.approx(8.0028, abs=1e-4)


STUDENT = {5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262, 15: 2.145, 20: 2.093}


@pytest.mark.parametrize(("n", "t"), STUDENT.items())
def test_factors_of_student(n, t):
    spread = between_fields(np.arange(1.0, n + 1))
    assert spread.half_width / spread.deviation * math.sqrt(n) == pytest.approx(t, abs=1e-3)


def test_an_error_of_five_percent():
    assert calibration_in_g(0.05) == pytest.approx(0.141, abs=1e-3)
    with pytest.raises(ValueError, match="relative_error is 5; it must be from 0 to 1"):
        calibration_in_g(5)


def crossings(um):
    return from_crossings("lines", "", {"P_L_per_nm": 1 / (um * 1e3)}, unit="nm")


def test_methods_are_pooled_over_fields():
    fields = [crossings(um) for um in FIVE_UM]
    assert pooled(fields).mean == pytest.approx(20e3)
    assert pooled_g(fields) == pytest.approx((8.000, 7.828, 8.183), abs=1e-3)
    counts = [from_count("grains", "", {"N": n, "A_nm2": 1e12}, unit="nm") for n in (1900, 1984, 2068)]
    assert pooled(counts).mean * 1e12 == pytest.approx(1984)
    assert pooled_g(counts)[0] == pytest.approx(8, abs=1e-3)
    with pytest.raises(ValueError, match="pool those of one method and one unit"):
        pooled([*fields, *counts])
    assert np.isnan(pooled_g([])).all()


def test_one_field_has_no_interval():
    spread = between_fields([3.0])
    assert spread.mean == 3
    assert math.isnan(spread.half_width)
    assert between_fields([math.nan, 3.0]).count == 1
    assert math.isnan(between_fields([]).mean)
    g = pooled_g([crossings(20.0)])
    assert g[0] == pytest.approx(8)
    assert np.isnan(g[1:]).all()


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="confidence is 0; it must lie between 0 and 1"):
        between_fields([1, 2], confidence=0)
    with pytest.raises(ValueError, match="kind is 'volume'; it must be one of density, area, intercept"):
        between_fields([1, 2]).g("volume")
