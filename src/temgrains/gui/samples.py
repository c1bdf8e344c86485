"""Synthetic micrographs for File > Open Sample, each with its true boundaries as a hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.gui._image import KEY

if TYPE_CHECKING:
    from napari.types import LayerData

PIXEL_NM = 0.72
"""Pixel size that the samples are given [nm]."""


def line() -> list[LayerData]:
    """Draw an interconnect line in the paper's format."""
    return _sample("line", shape=(96, 496), mean_diameter_px=(40.0, 44.0), seed=3)


def film() -> list[LayerData]:
    """Draw a polycrystalline film."""
    return _sample("film", shape=(512, 512), mean_diameter_px=(54.0, 56.0), seed=7)


def fine() -> list[LayerData]:
    """Draw a film whose grains are smaller than the networks know, unless it is enlarged (guess.scale)."""
    return _sample("fine grains", shape=(512, 512), mean_diameter_px=(26.0, 28.0), seed=11)


def _sample(
    name: str, *, shape: tuple[int, int], mean_diameter_px: tuple[float, float], seed: int
) -> list[LayerData]:
    from temgrains.synthesis import paper_recipe, synthesise  # noqa: PLC0415  (compiles kernels)

    drawn = synthesise(paper_recipe(shape=shape, mean_diameter_px=mean_diameter_px), seed=seed)
    place: dict[str, Any] = {"scale": (PIXEL_NM, PIXEL_NM), "units": ("nm", "nm"), "axis_labels": ("y", "x")}
    about = {KEY: {"calibration": "synthetic", "recipe": "paper", "seed": seed}}
    return [
        (drawn.image, {"name": name, "metadata": about, **place}, "image"),
        (drawn.truth.astype(np.uint8), {"name": f"{name} truth", "visible": False, **place}, "labels"),
    ]
