"""From the circles of a section to the spheres that were cut (Saltykov): for bulk specimens only.

A plane cuts spheres mostly off their middle, so the circles on it are smaller than the spheres. A film whose
grains reach through its thickness shows the grains themselves, and there is nothing to unfold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Specimen: TypeAlias = Literal["film", "section"]
"""A film of columnar grains, or a section through grains that are much smaller than the specimen."""

FILM = (
    "columnar film: grains reach through the thickness, so that what is seen is their size; "
    "no correction for sections is made"
)
SECTION = "section: circles are smaller than the grains cut"


@dataclass(frozen=True, slots=True)
class Unfolded:
    """Spheres per class of diameter; ``edges`` has one entry more.

    ``shares`` are by number and add up to 1; ``negative`` is the share that came out below 0 and was set to
    0: where it is large the grains are no spheres, or the classes too narrow. ``mean`` is the mean diameter
    of the spheres, from the middles of the classes.
    """

    edges: NDArray[np.float64] = field(repr=False)
    shares: NDArray[np.float64] = field(repr=False)
    negative: float
    mean: float


def section_shares(diameter: float, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give how often random planes through a sphere cut circles of each class of diameter.

    Parameters
    ----------
    diameter
        Of the sphere.
    edges
        Rising limits of the classes, from 0 to at least the diameter.
    """
    inside = np.minimum(edges / diameter, 1)
    shares: NDArray[np.float64] = -np.diff(np.sqrt(1 - inside**2))
    return shares


def unfold(diameters: NDArray[np.float64], *, specimen: Specimen, classes: int = 12) -> Unfolded:
    """Estimate the diameters of the spheres whose sections have these diameters.

    Parameters
    ----------
    diameters
        Equivalent circle diameters of whole grains.
    specimen
        "section"; a "film" is refused.
    classes
        Number of classes from 0 to the largest diameter; 10 to 20 are usual.

    Raises
    ------
    ValueError
        If the specimen is a film, there is no diameter, one is not positive, or there are fewer than 2
        classes.

    Notes
    -----
    From the largest class down, the sections that its spheres must have in smaller classes are taken off
    there. Spheres are as large as the upper limit of their class. There is no theory of the error.
    """
    if specimen != "section":
        raise ValueError(
            f"unfolding is for sections, and the specimen is a {FILM}; leave unfolding out, or say that the "
            "specimen is a section"
        )
    if classes < 2:
        raise ValueError(f"classes is {classes}; it must be at least 2")
    d = np.asarray(diameters, np.float64).ravel()
    if not len(d) or not (np.isfinite(d) & (d > 0)).all():
        raise ValueError(
            "unfolding needs diameters of whole grains, all above 0; there is none or one is not"
        )
    edges = np.linspace(0, d.max(), classes + 1)
    spheres = peel(np.histogram(d, edges)[0] / len(d), edges)
    kept = np.maximum(spheres, 0)
    shares = kept / kept.sum()
    middles = (edges[:-1] + edges[1:]) / 2
    return Unfolded(
        edges, shares, float(-spheres[spheres < 0].sum() / kept.sum()), float((shares * middles).sum())
    )


def peel(sections: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give relative numbers of spheres per volume and class, before negative ones are set to 0."""
    left = np.array(sections, np.float64)
    spheres = np.zeros_like(left)
    for k in range(len(left) - 1, -1, -1):
        shares = section_shares(float(edges[k + 1]), edges)
        cut = left[k] / shares[k]
        left -= cut * shares
        # Larger spheres are cut more often, in proportion to their diameters.
        spheres[k] = cut / edges[k + 1]
    return spheres
