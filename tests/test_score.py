"""The score on drawings with known answers, then against the independent referee."""

from __future__ import annotations

import importlib.util
import math
import os

import hypothesis.strategies as st
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from PIL import Image

from drawings import draw, grid, network
from temgrains.score import curve, judge, read_mask, score

COLUMNS = ("eq1", "precision", "f1", "length", "are", "vi", "ecd", "closed")


def line(shape, column):
    mask = np.zeros(shape, bool)
    mask[:, column] = True
    return mask


def test_truth_against_itself_is_perfect():
    truth = grid((60, 60), 12, offset=6)
    result = score(truth, truth, margin_px=0)
    assert [getattr(result, name) for name in COLUMNS] == pytest.approx([1, 1, 1, 1, 0, 0, 1, 1])


def test_tolerance_and_margin_are_kept():
    truth = grid((60, 60), 12, offset=6)
    result = score(truth, truth, tolerance_px=2, margin_px=5)
    assert (result.tolerance_px, result.margin_px) == (2.0, 5)


@pytest.mark.parametrize(("shift", "share"), [(0, 1.0), (3, 1.0), (4, 1.0), (5, 0.0)])
def test_line_counts_up_to_the_tolerance(shift, share):
    result = score(line((30, 40), 15), line((30, 40), 15 + shift), tolerance_px=4, margin_px=0)
    assert (result.eq1, result.precision, result.f1) == (share, share, share)


def test_half_of_the_length_found():
    found = line((41, 41), 20)
    found[20:] = False
    result = score(line((41, 41), 20), found, tolerance_px=0, margin_px=0)
    assert result.eq1 == pytest.approx(20 / 41, abs=0.03)  # thinning may shorten the loose end
    assert result.precision == 1
    assert result.closed == 0  # it separates nothing


def test_false_line_costs_precision_only():
    truth = line((40, 60), 20)
    result = score(truth, truth | line((40, 60), 45), margin_px=0)
    assert (result.eq1, result.precision, result.length) == pytest.approx((1, 0.5, 2))


def test_one_boundary_missed_merges_two_grains():
    # Three grains a third of the image each; the right line is missed, so the right two are one.
    shape = (30, 92)
    truth = line(shape, 30) | line(shape, 61)
    result = score(truth, line(shape, 30), margin_px=0)
    third = 1 / 3
    alike = third**2 + 2 * third**2
    rand = 1 - 2 * alike / (3 * third**2 + third**2 + (2 * third) ** 2)
    assert result.are == pytest.approx(rand, abs=0.01)
    assert result.vi == pytest.approx(2 * third, abs=0.01)  # one bit for two thirds of the pixels
    assert result.ecd == pytest.approx((1 + math.sqrt(2)) / 2, abs=0.01)


def test_nothing_found_scores_nothing():
    truth = grid((60, 60), 12, offset=6)
    result = score(truth, np.zeros_like(truth), margin_px=0)
    assert (result.eq1, result.precision, result.f1, result.length, result.closed) == (0, 0, 0, 0, 0)
    assert result.ecd > 1


def test_lines_so_dense_that_no_grain_is_left():
    truth = line((30, 30), 15)
    dense = np.zeros((30, 30), bool)
    dense[::2] = True
    assert math.isnan(score(truth, dense, margin_px=0).ecd)
    result = score(dense, truth, margin_px=0)
    assert math.isnan(result.are)
    assert math.isnan(result.vi)
    assert result.eq1 < 1


def test_margin_hides_the_frame():
    truth = line((60, 60), 30)
    framed = truth.copy()
    framed[:3] = framed[-3:] = framed[:, :3] = framed[:, -3:] = True
    assert score(truth, framed, margin_px=0).precision < 0.6
    assert score(truth, framed, margin_px=12).precision == 1


def test_thickness_does_not_matter():
    thick = np.zeros((40, 40), bool)
    thick[:, 18:23] = True
    result = score(line((40, 40), 20), thick, tolerance_px=1, margin_px=4)
    assert (result.eq1, result.precision) == (1, 1)


def test_numbers_are_taken_as_masks():
    truth = line((40, 40), 20)
    assert score(truth * np.uint8(255), truth.astype(float), margin_px=4) == score(truth, truth, margin_px=4)


def test_different_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r"found has shape \(40, 41\) but truth \(40, 40\); they must be of one image"
    ):
        score(np.ones((40, 40)), np.ones((40, 41)))


def test_stack_is_refused():
    with pytest.raises(ValueError, match=r"truth has shape \(2, 40, 40\)"):
        score(np.ones((2, 40, 40)), np.ones((2, 40, 40)))


def test_empty_truth_is_refused():
    with pytest.raises(ValueError, match="the truth holds no boundary inside the margin of 12 px"):
        score(np.zeros((40, 40)), line((40, 40), 20))


@pytest.mark.parametrize("margin", [-1, 20, 25])
def test_margin_out_of_range_is_refused(margin):
    with pytest.raises(ValueError, match=rf"margin_px is {margin}; .* shorter side \(40 px\)"):
        score(line((40, 50), 20), line((40, 50), 20), margin_px=margin)


@pytest.mark.parametrize("tolerance", [-1.0, float("nan")])
def test_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(ValueError, match=r"tolerance_px is .*; it must be a number of pixels from 0 up"):
        score(line((40, 40), 20), line((40, 40), 20), tolerance_px=tolerance)


PICTURE = draw("""
    ..#..
    ..#..
    #####
    """)


def _saved(path, pixels, **options):
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, **options)
    else:
        Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIF"])
@pytest.mark.parametrize("top", [1, 128, 255])
def test_grey_file_is_read(tmp_path, name, top):
    np.testing.assert_array_equal(read_mask(_saved(tmp_path / name, PICTURE * np.uint8(top))), PICTURE)


def test_grey_below_the_threshold_is_no_boundary(tmp_path):
    assert not read_mask(_saved(tmp_path / "a.png", PICTURE * np.uint8(127))).any()


def test_black_file_is_no_boundary(tmp_path):
    assert not read_mask(_saved(tmp_path / "a.png", np.zeros((4, 5), np.uint8))).any()


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_alpha_is_not_boundary(tmp_path, channels):
    pixels = np.zeros((*PICTURE.shape, channels), np.uint8)
    pixels[..., 0] = PICTURE * 255
    if channels != 3:
        pixels[..., -1] = 255
    np.testing.assert_array_equal(read_mask(_saved(tmp_path / "a.png", pixels)), PICTURE)


def test_bool_and_palette_files_are_read(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "bool.png")
    palette = Image.fromarray(PICTURE.astype(np.uint8), mode=None).convert("P")
    palette.putpalette([0, 0, 0, 200, 10, 10])
    palette.save(tmp_path / "palette.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "bool.png"), PICTURE)
    np.testing.assert_array_equal(read_mask(tmp_path / "palette.png"), PICTURE)


def test_stack_of_pages_is_refused(tmp_path):
    path = _saved(tmp_path / "stack.tif", np.zeros((5, 6, 7), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match=r"stack.tif has shape \(5, 6, 7\); a boundary map is one image"):
        read_mask(path)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.txt"])
@pytest.mark.parametrize("content", [b"", b"no image", b"II*\0\x08\0\0\0\xff\xff", b"\x89PNG\r\n\x1a\nxx"])
def test_damaged_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read as an image"):
        read_mask(tmp_path / name)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.ones((8, 9), np.complex64), "holds values of type complex64; a boundary map holds greys"),
        (np.full((8, 9), np.nan, np.float32), "holds values that are no numbers"),
        (np.where(np.eye(9) > 0, np.inf, 0).astype(np.float32), "holds values that are no numbers"),
    ],
)
def test_values_that_are_no_greys_are_refused(tmp_path, pixels, said):
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    with pytest.raises(ValueError, match=said):
        read_mask(tmp_path / "a.tif")


def test_a_map_that_claims_more_than_the_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2000, 2000), np.uint8), compression="zlib")
    monkeypatch.setattr("temgrains.maps.memory_bytes", lambda: 10**7)
    monkeypatch.setattr(tifffile.TiffFile, "asarray", pytest.fail)
    with pytest.raises(ValueError, match=r"it claims 0\.0 GiB, more than a quarter of this computer's"):
        read_mask(tmp_path / "a.tif")


def test_a_large_map_that_pillow_warns_of_is_read(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    assert read_mask(tmp_path / "a.png").shape == (40, 50)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.png"):
        read_mask(tmp_path / "nothing.png")


def test_the_curve_rises_where_the_line_lies():
    rows = curve(line((30, 40), 15), line((30, 40), 18), margin_px=0)
    assert rows[:, 0].tolist() == list(range(11))
    assert rows[:, 1].tolist() == rows[:, 2].tolist() == [0.0] * 3 + [1.0] * 8


def test_the_curve_is_what_the_score_says_at_each_tolerance(rng):
    truth = network((70, 80), 14, rng)
    found = damaged(truth, rng)
    for tolerance, eq1, precision in curve(truth, found, tolerances_px=(0, 1.5, 4)):
        one = score(truth, found, tolerance_px=tolerance)
        assert (eq1, precision) == pytest.approx((one.eq1, one.precision))


def test_the_curve_of_nothing_found():
    rows = curve(line((30, 40), 15), np.zeros((30, 40)), margin_px=0)
    assert (rows[:, 1] == 0).all()
    assert np.isnan(rows[:, 2]).all()


def test_the_verdict_names_each_line():
    truth, found = line((30, 60), 10) | line((30, 60), 30), line((30, 60), 12) | line((30, 60), 50)
    verdict = judge(truth, found, tolerance_px=3, margin_px=0)
    assert np.array_equal(verdict.correct, line((30, 60), 10))
    assert np.array_equal(verdict.missed, line((30, 60), 30))
    assert np.array_equal(verdict.false, line((30, 60), 50))


def test_the_verdict_agrees_with_the_score(rng):
    truth = network((70, 80), 14, rng)
    found = damaged(truth, rng)
    verdict, one = judge(truth, found), score(truth, found)
    assert verdict.correct.sum() / (verdict.correct | verdict.missed).sum() == pytest.approx(
        one.eq1, abs=0.02
    )
    assert not judge(truth, np.zeros_like(truth)).correct.any()


@pytest.fixture(scope="module")
def referee(shared):
    path = shared / "bench" / "score.py"
    if not path.exists():
        pytest.skip("the referee's script is not here")
    spec = importlib.util.spec_from_file_location("referee", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def agree(referee, truth, found, tolerance, margin):
    theirs = referee.score(truth, found, tolerance, margin)
    ours = score(truth, found, tolerance_px=tolerance, margin_px=margin)
    assert {name: getattr(ours, name) for name in COLUMNS} == pytest.approx(theirs, abs=1e-6, nan_ok=True)


def damaged(mask, rng):
    """A map as a detector would give it: moved, thickened, with gaps and stray dots."""
    found = np.roll(mask, rng.integers(-3, 4, 2), (0, 1))
    if rng.random() < 0.5:
        found = found | np.roll(found, 1, 0) | np.roll(found, 1, 1)
    found = found & (rng.random(mask.shape) > 0.02)
    return found | (rng.random(mask.shape) > 0.9995)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(40, 110),
    width=st.integers(40, 110),
    tolerance=st.sampled_from([0.0, 1.0, 3.0, 4.0]),
    margin=st.integers(0, 12),
)
def test_agrees_with_the_referee_on_random_networks(referee, seed, height, width, tolerance, margin):
    rng = np.random.default_rng(seed)
    truth = network((height, width), 14, rng)
    truth[height // 2, width // 2] = True
    agree(referee, truth, damaged(truth, rng), tolerance, margin)
    agree(referee, truth, network((height, width), 20, rng), tolerance, margin)
    agree(referee, truth, np.zeros_like(truth), tolerance, margin)


@pytest.mark.parametrize("name", ["uo2_01", "uo2_12"])
def test_agrees_with_the_referee_on_hand_drawn_truth(referee, shared, name):
    path = shared / "data" / "uo2" / "truth" / f"{name}.png"
    if not path.exists():
        pytest.skip(f"{os.fspath(path)} is not here")
    truth = read_mask(path)
    np.testing.assert_array_equal(truth, referee.read_mask(path))
    agree(referee, truth, damaged(truth, np.random.default_rng(1)), 4.0, 12)
