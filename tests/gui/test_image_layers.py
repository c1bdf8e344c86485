"""What is taken from an image layer, and which layers are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from temgrains.gui import _image
from temgrains.gui._image import Refused

PIXELS = np.arange(40 * 60, dtype=np.float32).reshape(40, 60)


def image(**looks: Any) -> Image:
    return Image(looks.pop("data", PIXELS), name="film", **looks)


def corners(layer: Any) -> list[Any]:
    """Give the outer corners of the first and last pixel in the world."""
    return [layer.data_to_world(place) for place in ((-0.5, -0.5), np.array(layer.data.shape) - 0.5)]


def test_grid_of_a_calibrated_image() -> None:
    layer = image(scale=(0.5, 0.25), translate=(3, 4), units=("nm", "nm"), axis_labels=("y", "x"))
    grid = _image.grid_of(layer)
    assert grid.shape == (40, 60)
    assert grid.place((40, 60)) == {
        "scale": [0.5, 0.25],
        "translate": [3, 4],
        "units": ["nanometer", "nanometer"],
        "axis_labels": ["y", "x"],
    }


def test_a_stack_gets_an_axis_in_front() -> None:
    place = _image.grid_of(image(scale=(2, 2), units=("nm", "nm"))).place((40, 60), stacked=True)
    assert place["scale"] == [1, 2, 2]
    assert place["units"] == ["pixel", "nanometer", "nanometer"]
    assert place["axis_labels"][0] == "iteration"


def test_another_working_scale_covers_the_same_area() -> None:
    layer = image(scale=(2.0, 2.0), translate=(10.0, 20.0))
    grid = _image.grid_of(layer)
    half = Labels(np.zeros((20, 30), np.uint8), **grid.place((20, 30)))
    full = Labels(np.zeros((40, 60), np.uint8), **grid.place((40, 60)))
    assert np.allclose(corners(half), corners(full))
    assert np.allclose(full.data_to_world((0, 0)), layer.data_to_world((0, 0)))


@pytest.mark.parametrize(
    ("looks", "size"),
    [
        ({"scale": (0.5, 0.5), "units": ("nm", "nm")}, (0.5, 0.5)),
        ({"scale": (0.5, 0.25), "units": ("um", "um")}, (500, 250)),
        ({"scale": (1, 1), "units": ("angstrom", "angstrom")}, (0.1, 0.1)),
        ({"scale": (-1, 1), "units": ("nm", "nm")}, (1, 1)),
        ({"scale": (2, 2)}, None),
        ({"scale": (2, 2), "units": ("nm", "pixel")}, None),
    ],
)
def test_pixel_size_comes_from_units_of_length(
    looks: dict[str, Any], size: tuple[float, float] | None
) -> None:
    found, calibration = _image.scale_of(image(**looks))
    assert found == (None if size is None else pytest.approx(size))
    assert calibration == ("unknown" if size is None else "layer")


def test_where_the_scale_came_from_is_remembered() -> None:
    layer = image(scale=(2, 2), units=("nm", "nm"), metadata={"temgrains": {"calibration": "ImageJ tag"}})
    assert _image.scale_of(layer) == ((2, 2), "ImageJ tag")


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ({"data": np.zeros((5, 40, 60))}, "stack of 5 x 40 x 60.*choose its page"),
        ({"data": np.zeros((2, 5, 40, 60))}, "stack of 2 x 5 x 40 x 60"),
        ({"data": np.zeros((8, 60))}, "both sides must be at least 16 px"),
        ({"rotate": 30}, "turned or sheared.*reset"),
        ({"shear": [0.3]}, "turned or sheared"),
        ({"affine": np.array([[1, 0.2, 0], [0, 1, 0], [0, 0, 1]])}, "turned or sheared"),
    ],
)
def test_what_would_give_wrong_sizes_is_refused(looks: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        _image.grid_of(image(**looks))


def test_rgb_and_multiscale_images_are_taken() -> None:
    rgb = image(data=np.zeros((40, 60, 3), np.uint8), rgb=True)
    assert _image.grid_of(rgb).shape == (40, 60)
    assert _image.loader_of(rgb)().shape == (40, 60)
    pyramid = image(data=[PIXELS, PIXELS[::2, ::2], PIXELS[::4, ::4]], multiscale=True)
    assert _image.grid_of(pyramid).shape == (40, 60)
    assert _image.loader_of(pyramid)().shape == (40, 60)


def test_the_loader_keeps_the_pixels_the_layer_had() -> None:
    layer = image()
    load = _image.loader_of(layer)
    layer.data = np.zeros((40, 60), np.float32)
    assert load().pixels.max() == 1


def test_calibrating_moves_what_lies_on_the_image_with_it() -> None:
    film = image(translate=(2, 3))
    drawn = Labels(np.zeros((40, 60), np.uint8), translate=(2, 3))
    elsewhere = Labels(np.zeros((40, 60), np.uint8), translate=(50, 3))
    _image.calibrate([film, drawn, elsewhere], film, (0.5, 0.25), "typed")
    assert _image.scale_of(film) == ((0.5, 0.25), "typed")
    assert np.allclose(film.translate, (1, 0.75))
    assert np.allclose(drawn.scale, film.scale)
    assert np.allclose(drawn.translate, film.translate)
    assert drawn.units == film.units
    assert np.allclose(elsewhere.scale, 1)
    _image.calibrate([film, drawn, elsewhere], film, None, "unknown")
    assert np.allclose(film.scale, 1)
    assert np.allclose(film.translate, (2, 3))
    assert _image.scale_of(film) == (None, "unknown")
