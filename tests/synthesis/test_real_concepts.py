"""Each concept of real micrographs shows what it is named for, and nothing where its strength is 0."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage as ndi

from temgrains.synthesis.defects import Dislocations, Loops, Particles, Speckle
from temgrains.synthesis.diffraction import (
    BendContours,
    BoundaryLines,
    BraggGrey,
    GrainMottle,
    GrainShading,
    InclinedBoundaries,
    Moire,
    ThicknessFringes,
    TwinLamellae,
)
from temgrains.synthesis.fields import Sometimes, boundary_distance, nearest_interface, smooth_field
from temgrains.synthesis.geometry import Curved
from temgrains.synthesis.instrument import (
    Background,
    Blur,
    CorrelatedNoise,
    GreyScale,
    JpegBlocks,
    ScaleBar,
    Scratches,
    ShotNoise,
)

SHAPE = (96, 128)
LABELS = np.ones(SHAPE, np.int32)
LABELS[:, 64:] = 2
LABELS[48:, :64] = 3
FLAT = np.full(SHAPE, 120, np.float32)

STEPS = [
    BraggGrey(), GrainShading(), GrainMottle(), BendContours(), BoundaryLines(), ThicknessFringes(),
    TwinLamellae(), Moire(), Dislocations(), Loops(), Speckle(), Particles(), Background(), Blur(),
    ShotNoise(), CorrelatedNoise(), GreyScale(), JpegBlocks(), Scratches(), ScaleBar(), InclinedBoundaries(),
]  # fmt: skip
NAMES = [type(step).__name__ for step in STEPS]
NOUGHT = [
    GrainShading(slope_grey=0), GrainMottle(contrast_share=0), BendContours(depth_share=0),
    BoundaryLines(contrast_grey=0), ThicknessFringes(contrast_grey=0),
    TwinLamellae(grain_share=0), Moire(contrast_grey=0),
    Dislocations(density=0), Loops(contrast_grey=0), Speckle(contrast_share=0), Particles(density=0),
    Background(uneven_share=0, vignette_share=0), Blur(focus_px=0, drift_px=0),
    CorrelatedNoise(deviation_grey=0), Scratches(most=0), ScaleBar(image_share=0),
    InclinedBoundaries(width_share=0),
]  # fmt: skip


def rng(seed=1):
    return np.random.default_rng(seed)


def pictures(step, count=40, image=FLAT, labels=LABELS):
    return np.stack([step(image, labels, rng(seed)) for seed in range(count)])


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
def test_a_step_gives_an_image_that_its_generator_decides(step):
    image = (FLAT + smooth_field(SHAPE, 9, rng()) * 30).clip(0, 255)
    before = image.copy()
    made = step(image, LABELS, rng(4))
    assert (made.dtype, made.shape) == (np.float32, SHAPE)
    assert np.isfinite(made).all()
    assert np.array_equal(made, step(image, LABELS, rng(4)))
    assert np.array_equal(image, before)
    assert any(not np.array_equal(made, step(image, LABELS, rng(seed))) for seed in range(20))


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
def test_a_step_takes_one_grain_and_small_images(step):
    made = step(np.full((16, 16), 90, np.float32), np.ones((16, 16), np.int32), rng())
    assert np.isfinite(made).all()


@pytest.mark.parametrize("step", NOUGHT, ids=[type(step).__name__ for step in NOUGHT])
def test_a_step_of_strength_nought_changes_nothing(step):
    np.testing.assert_allclose(step(FLAT, LABELS, rng()), FLAT, atol=1e-4)


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
def test_settings_outside_their_range_are_refused(step):
    for field in dataclasses.fields(step):
        with pytest.raises(ValueError, match=rf"{field.name} is -1.*; it must be from"):
            dataclasses.replace(step, **{field.name: -1})


def test_a_smooth_field_is_smooth_and_standardised():
    field = smooth_field((200, 300), 20, rng())
    assert field.mean() == pytest.approx(0, abs=1e-3)
    assert field.std() == pytest.approx(1, abs=1e-3)
    assert np.corrcoef(field[:, 2:].ravel(), field[:, :-2].ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(field[:, 80:].ravel(), field[:, :-80].ravel())[0, 1]) < 0.35


def test_distance_to_the_boundary():
    distance = boundary_distance(LABELS)
    assert distance[10, 62:67].tolist() == [1.5, 0.5, 0.5, 1.5, 2.5]
    assert boundary_distance(np.ones((3, 4), np.int32)).tolist() == [[5.0] * 4] * 3


def test_most_grains_are_alike_and_some_are_dark():
    labels = np.arange(1, 2001, dtype=np.int32).reshape(40, 50)
    greys = pictures(BraggGrey(), image=np.zeros((40, 50), np.float32), labels=labels)
    middles = np.median(greys, (1, 2))
    dark = (greys < 0.75 * middles[:, None, None]).mean((1, 2))
    assert dark.max() < 0.4
    assert 0.05 < dark.mean() < 0.25
    assert ((greys > 1.6 * middles[:, None, None]).mean((1, 2)) < 0.02).all()


def test_shading_is_a_plane_in_each_grain_and_keeps_its_mean():
    shaded = GrainShading()(FLAT, LABELS, rng())
    for grain in (1, 2, 3):
        inside = np.where(grain == LABELS, shaded, np.nan)
        assert np.nanmean(inside) == pytest.approx(120, abs=1e-2)
        second = inside[2:] - 2 * inside[1:-1] + inside[:-2]
        assert np.nanmax(np.abs(second)) < 1e-3


def test_bend_contours_only_darken_and_end_at_the_boundary():
    made = pictures(BendContours())
    assert (made <= FLAT + 1e-3).all()
    at_boundary, within = (np.abs(made[:, :, n] - made[:, :, n - 1]).mean() for n in (64, 31))
    assert at_boundary > 4 * within


def test_boundary_lines_lie_on_the_boundary_and_vanish_in_places():
    made = pictures(BoundaryLines(scale_px=15))
    change = np.abs(made - FLAT).max(0)
    assert change[:, 63:65].mean() > 5 * change[boundary_distance(LABELS) > 12].mean()
    strong = made[np.argmax(np.abs(made - FLAT).sum((1, 2)))]
    along = np.abs(strong - FLAT)[:, 64]
    assert along.min() < 0.1 * along.max()
    dark = (made.mean((1, 2)) < 120).mean()
    assert 0.5 < dark < 0.9


def test_fringes_run_parallel_to_the_boundary():
    labels = np.ones(SHAPE, np.int32)
    labels[:, 64:] = 2
    made = pictures(ThicknessFringes(grain_share=1, contrast_grey=80), labels=labels) - FLAT
    strong = made[np.argmax(np.abs(made).sum((1, 2)))]
    profile = strong[np.abs(strong).sum(1).argmax()]
    assert (np.diff(np.sign(profile[np.abs(profile) > 0.5])) != 0).sum() >= 2  # it swings
    assert np.abs(strong[:, 56:72]).mean() > 3 * np.abs(strong[:, :32]).mean()  # beside the boundary


def test_the_grain_beyond_the_nearest_interface():
    labels = np.random.default_rng(3).integers(1, 5, (9, 11)).repeat(8, 0).repeat(8, 1).astype(np.int32)
    distance, across = nearest_interface(labels)
    assert np.array_equal(distance, boundary_distance(labels))
    assert (labels.ravel()[across] != labels).all()
    rows, columns = np.indices(labels.shape)
    way = np.hypot(across // labels.shape[1] - rows, across % labels.shape[1] - columns)
    assert (np.abs(way - distance) <= 1.5).all()  # a pixel beside the interface, or the one beyond it
    one = np.ones((3, 4), np.int32)
    assert np.array_equal(nearest_interface(one)[1], np.arange(12).reshape(3, 4))


def test_grains_overlap_where_their_boundary_is_inclined():
    labels = np.ones(SHAPE, np.int32)
    labels[:, 64:] = 2
    image = np.where(labels == 2, np.float32(45), np.float32(150)).astype(np.float32)
    step = InclinedBoundaries(width_share=0.5)
    made = pictures(step, image=image, labels=labels)
    widest = 0.5 * np.sqrt(labels.size / 2)
    far = boundary_distance(labels) > widest / 2
    assert np.array_equal(made[:, far], np.broadcast_to(image[far], made[:, far].shape))
    # The dark grain reaches beyond the boundary, and the bright one never into it.
    dark = (made < 100).mean(1)
    assert (dark[:, 64:] == 1).all()
    reach = (dark[:, :64] > 0.5).sum(1)
    assert reach.mean() > 1
    assert reach.max() <= widest / 2
    assert (np.abs(made - image).max((1, 2)) > 10).mean() > 0.5
    edged = made[:, :, 40:88].min((1, 2)) < 40
    assert 0.05 < edged.mean() < 0.95  # thick foils only


def test_grains_that_are_alike_overlap_unseen():
    np.testing.assert_allclose(InclinedBoundaries()(FLAT, LABELS, rng()), FLAT, atol=1e-3)


def test_twins_are_bands_of_two_greys():
    made = pictures(TwinLamellae(grain_share=1)) - FLAT
    for picture in made[np.abs(made).sum((1, 2)) > 0]:
        for grain in (1, 2, 3):
            assert len(np.unique(np.round(picture[grain == LABELS], 3))) <= 2


def test_moire_has_one_wavelength_in_a_grain():
    labels = np.ones((128, 128), np.int32)
    made = pictures(Moire(grain_share=1), image=np.zeros((128, 128), np.float32), labels=labels)
    strong = made[np.argmax(np.abs(made).sum((1, 2)))]
    spectrum = np.sort(np.abs(np.fft.fft2(strong)).ravel())[::-1]
    assert spectrum[:2].sum() > 3 * spectrum[20]


@pytest.mark.parametrize("step", [Dislocations(), Loops()])
def test_strain_is_dark_and_local(step):
    made = pictures(step) - FLAT
    assert made.max() <= 1e-3
    assert made.min() < -15
    assert (made < -5).mean() < 0.25


def test_voids_are_bright_with_a_dark_rim_and_precipitates_dark():
    voids = pictures(Particles(bright_share=1, radius_px=10)) - FLAT
    assert voids.max() > 20
    assert voids.min() < -10
    assert (pictures(Particles(bright_share=0)) <= FLAT + 1e-3).all()


def test_speckle_follows_the_brightness():
    spread = np.stack([pictures(Speckle(), image=FLAT * k).std() for k in (0.5, 1.0)])
    assert spread[1] == pytest.approx(2 * spread[0], rel=1e-3)


def test_vignettes_darken_the_corners_most():
    made = pictures(Background(uneven_share=0)).mean(0)
    assert made[0, 0] < made[48, 0] < made[48, 64]


def test_blur_lowers_contrast_and_keeps_the_mean():
    image = np.where(ndi.gaussian_filter(rng().standard_normal(SHAPE), 2) > 0, 200, 40).astype(np.float32)
    made = pictures(Blur(), image=image)
    assert (made.std((1, 2)) < image.std()).all()
    np.testing.assert_allclose(made.mean((1, 2)), image.mean(), rtol=0.03)


def test_shot_noise_keeps_the_mean_and_grows_with_the_root():
    low, high = (ShotNoise()(np.full((300, 300), grey, np.float32), LABELS, rng(3)) for grey in (50, 200))
    assert (low.mean(), high.mean()) == (pytest.approx(50, rel=0.02), pytest.approx(200, rel=0.02))
    assert high.std() / low.std() == pytest.approx(2, rel=0.05)


def test_noise_of_neighbours_is_alike():
    made = pictures(CorrelatedNoise(scale_px=5)) - FLAT
    assert np.corrcoef(made[:, :, 1:].ravel(), made[:, :, :-1].ravel())[0, 1] > 0.2


def test_the_grey_scale_keeps_the_order_of_greys():
    ramp = np.tile(np.linspace(10, 240, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))
    for made in pictures(GreyScale(), image=ramp, count=20):
        assert (np.diff(made[0]) >= 0).all()
        assert 0 <= made.min() < made.max() <= 255
        assert np.ptp(made) >= 0.3 * 255 - 1


def test_jpeg_changes_a_noisy_image_a_little():
    noisy = (FLAT + rng().normal(0, 20, SHAPE)).astype(np.float32)
    made = JpegBlocks()(noisy, LABELS, rng())
    assert 0 < np.abs(made - noisy).mean() < 20


def test_scratches_are_straight_lines_through_the_image():
    made = np.abs(pictures(Scratches(most=1)) - FLAT)
    strong = made[np.argmax(made.sum((1, 2)))] > 5
    places = np.argwhere(strong)
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(places.T)))
    assert spread[1] > 10 * spread[0]


def test_a_scale_bar_is_a_bar_near_the_bottom():
    made = pictures(ScaleBar(image_share=1)) != FLAT
    assert made.any((1, 2)).all()
    assert not made[:, : SHAPE[0] // 2].any()


def test_some_images_show_a_concept_and_the_others_stay_as_they_were():
    sometimes = Sometimes(concept=BraggGrey(), image_share=0.3)
    shown = [not np.array_equal(sometimes(FLAT, LABELS, rng(seed)), FLAT) for seed in range(300)]
    assert 0.2 < np.mean(shown) < 0.4
    assert Sometimes(concept=Curved(), image_share=0)(LABELS, rng()) is LABELS


def test_mottles_end_at_the_boundary():
    mottled = pictures(GrainMottle())
    jump = np.abs(np.diff(mottled[:, 10:40], axis=2)).mean((0, 1))
    assert jump[63] > 3 * np.delete(jump, 63).max()


def test_lines_may_have_flanks_of_the_other_sign():
    flanked = BoundaryLines(flanked_share=1.0)(FLAT, LABELS, rng(2)) - FLAT
    plain = BoundaryLines(flanked_share=0.0)(FLAT, LABELS, rng(2)) - FLAT
    assert flanked.max() > 1 > plain.max() or flanked.min() < -1 < plain.min()
