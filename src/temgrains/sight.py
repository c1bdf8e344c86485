"""How a network sees a micrograph: turned, mirrored, at another size; and how its answer comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from skimage.transform import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from temgrains.records import ByteArray, EdgeMaps, GreyArray

VIEWS = [(turn, up, left) for turn in (False, True) for up in (False, True) for left in (False, True)]
"""The eight views of an image: transposed or not, then mirrored up-down and left-right or not."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One view of a micrograph, for a refiner that looks at it beside the state.

    ``edges`` have their grey and are of any size; they are not copied, so that the views of one size share
    them. ``view`` says how they are turned (`VIEWS`).
    """

    edges: EdgeMaps = field(repr=False)
    view: tuple[bool, bool, bool] = VIEWS[0]

    @classmethod
    def of(cls, edges: EdgeMaps, number: int = 0) -> Self:
        """Give one of the eight views of the edges and their grey.

        Raises
        ------
        ValueError
            If the edges came without the grey image.
        """
        _grey_of(edges)
        return cls(edges, VIEWS[number])

    def see(self, state: ByteArray) -> ByteArray:
        """Bring a state (H, W; 0..255) to the size and the turn of this view."""
        return np.ascontiguousarray(turned(at_shape(state, self.edges.maps.shape[1:]), self.view))

    def beside(self, *states: ByteArray) -> ByteArray:
        """Give what a network looks at, uint8, shape (C, h, w): states as the view sees them, edges, grey."""
        maps, grey = turned(self.edges.maps, self.view), turned(_grey_of(self.edges), self.view)
        image = np.empty((len(states) + len(maps) + 1, *grey.shape), np.uint8)
        return np.concatenate([*(state[None] for state in states), maps, grey[None]], out=image)

    def back(self, grey: GreyArray, shape: tuple[int, int]) -> GreyArray:
        """Bring the network's answer (h, w; float32) back to the shape of the state."""
        unturned = turned_back(grey, self.view)
        if unturned.shape == shape:
            return unturned
        shrinks = unturned.shape[0] > shape[0]
        found: GreyArray = resize(unturned, shape, order=1, mode="edge", anti_aliasing=shrinks)
        return found.astype(np.float32, copy=False)


def with_grey(edges: EdgeMaps) -> ByteArray:
    """Give edge maps and grey image as channels, uint8, shape (4, H, W).

    Raises
    ------
    ValueError
        If the edges came without the grey image.
    """
    return np.concatenate([edges.maps, _grey_of(edges)[None]])


def _grey_of(edges: EdgeMaps) -> ByteArray:
    if edges.grey is None:
        raise ValueError("this model looks at the grey image too; find the edges with find_edges")
    return edges.grey


def turned(image: NDArray[Any], view: tuple[bool, bool, bool]) -> NDArray[Any]:
    """Turn an image (..., H, W) into a view."""
    turn, up, left = view
    image = np.swapaxes(image, -1, -2) if turn else image
    return image[..., :: -1 if up else 1, :: -1 if left else 1]


def turned_back(image: NDArray[Any], view: tuple[bool, bool, bool]) -> NDArray[Any]:
    """Undo `turned`."""
    turn, up, left = view
    image = image[..., :: -1 if up else 1, :: -1 if left else 1]
    return np.swapaxes(image, -1, -2) if turn else image


def at_shape(state: ByteArray, shape: tuple[int, ...]) -> ByteArray:
    """Resample a state (H, W; 0..255) to another shape."""
    if state.shape == shape:
        return state
    shrinks = state.shape[0] > shape[0]
    grey = resize(state, shape, order=1, mode="edge", anti_aliasing=shrinks, preserve_range=True)
    resampled: ByteArray = np.rint(grey).astype(np.uint8)
    return resampled
