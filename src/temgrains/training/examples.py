"""The user's training set: images with corrected boundaries, one file each, in a folder of the user's."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from temgrains.archives import open_archive, write_archive
from temgrains.corrections.journal import digest_of
from temgrains.errors import sentence
from temgrains.files import saving

if TYPE_CHECKING:
    from temgrains.records import Analysis, Box, GreyArray, MaskArray

FORMAT = 1
"""Version of the layout; others are refused."""

SCALES = (0.1, 4.0)
"""Least and largest working scale."""

LEAST_PX = 16
"""Shortest side of an image at its working scale that the networks can halve four times."""

_TEXT = "about.json"


@dataclass(frozen=True, slots=True)
class Example:
    """An image, its boundaries, and where somebody looked whether they are right.

    ``pixels`` is float32 in 0..1, ``boundaries`` and ``looked`` are bool, all of shape (H, W). Nothing is
    learnt where ``looked`` is False. ``scale`` is the working scale, at which the networks see the image.
    ``about`` is plain JSON that says where all of it came from.
    """

    name: str
    pixels: GreyArray = field(repr=False)
    boundaries: MaskArray = field(repr=False)
    looked: MaskArray = field(repr=False)
    scale: float = 1.0
    excluded: tuple[Box, ...] = ()
    about: dict[str, Any] = field(default_factory=dict, repr=False)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what nothing can be learnt from."""
        kinds = {"pixels": np.float32, "boundaries": np.bool_, "looked": np.bool_}
        for part, kind in kinds.items():
            array = getattr(self, part)
            if array.dtype != kind or array.shape != self.pixels.shape or array.ndim != 2:
                raise ValueError(
                    f"{part} of {self.name} is {array.dtype} of shape {array.shape}; it must be "
                    f"{np.dtype(kind)} of the image's shape {self.pixels.shape}"
                )
        if not np.isfinite(self.pixels).all():
            raise ValueError(f"pixels of {self.name} hold values that are no numbers; mend the image")
        if not SCALES[0] <= self.scale <= SCALES[1]:
            raise ValueError(
                f"scale of {self.name} is {self.scale!r}; it must be from {SCALES[0]:g} to {SCALES[1]:g}"
            )
        if min(self.pixels.shape) * self.scale < LEAST_PX:
            raise ValueError(
                f"{self.name} is {self.pixels.shape[0]} x {self.pixels.shape[1]} px; at its working scale of "
                f"{self.scale:g} both sides must be at least {LEAST_PX} px"
            )
        if not self.looked.any():
            raise ValueError(f"no part of {self.name} was looked at; mark at least some of it")

    @property
    def digest(self) -> str:
        """Name of the image: examples of the same pixels have the same."""
        return digest_of(self.pixels)

    @property
    def content(self) -> str:
        """Digest of all that is learnt from: pixels, boundaries, where was looked, scale."""
        found = hashlib.blake2b(f"{self.digest} {self.scale!r} {self.excluded!r}".encode(), digest_size=16)
        for mask in (self.boundaries, self.looked):
            found.update(np.packbits(mask).tobytes())
        return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Summary:
    """An example without its arrays; ``looked`` is the share of the image that was looked at."""

    name: str
    digest: str
    shape: tuple[int, int]
    looked: float
    scale: float
    seconds: float


def training_folder() -> Path:
    """Give the user's training set: ``training`` in ``$TEMGRAINS_HOME`` or ``~/.temgrains``."""
    home = os.environ.get("TEMGRAINS_HOME")
    return (Path(home) if home else Path.home() / ".temgrains") / "training"


def example_of(analysis: Analysis, name: str, *, looked: MaskArray | None = None) -> Example:
    """Make an example of a corrected analysis.

    Parameters
    ----------
    analysis
        Its boundaries are taken for true.
    name
        For lists; the image is told by its pixels.
    looked
        Where somebody looked whether they are: bool, shape (H, W); None for everywhere. What is excluded from
        the analysis counts as not looked at.
    """
    film, lines = analysis.micrograph, analysis.boundaries
    seen = np.ones(film.shape, np.bool_) if looked is None else looked
    if seen.shape != film.shape:
        raise ValueError(f"looked has shape {seen.shape}; it must have the image's shape {film.shape}")
    if lines.excluded is not None:
        seen = seen & ~lines.excluded
    known = analysis.provenance
    card = known.get("model") or {}
    ledger = known.get("corrections") or {}
    return Example(
        name=name,
        pixels=film.pixels,
        boundaries=lines.mask,
        looked=seen,
        scale=float(np.clip(analysis.guess.grey.shape[0] / film.shape[0], *SCALES)),
        excluded=film.excluded,
        about={
            "pixel_size_nm": film.pixel_size,
            "model": {key: card.get(key) for key in ("name", "sha256")},
            "corrections": {key: value for key, value in ledger.items() if key != "list"},
            "version": known.get("version"),
        },
        seconds=time.time(),
    )


class TrainingSet:
    """The examples of one folder, which is made when the first is added."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = training_folder() if folder is None else Path(folder)

    def add(self, example: Example) -> bool:
        """Keep an example; say whether it took the place of one of the same image.

        Raises
        ------
        OSError
            If the folder or the disk does not allow it; what was there is then untouched.
        """
        path = self._path(example.digest)
        self.folder.mkdir(parents=True, exist_ok=True)
        replaced = path.exists()
        with saving(path) as temporary:
            _write(temporary, example)
        return replaced

    def list(self) -> tuple[list[Summary], list[str]]:
        """Sum up the examples, oldest first, and give a sentence for each file that cannot be read."""
        found, notes = [], []
        for path in sorted(self.folder.glob("*.example")):
            try:
                found.append(_summary(_read(path)))
            except (ValueError, OSError) as error:
                notes.append(sentence(error))
        return sorted(found, key=lambda summary: (summary.seconds, summary.digest)), notes

    def load(self, digest: str) -> Example:
        """Read one example by the digest of its image.

        Raises
        ------
        ValueError
            If there is none, or its file is damaged.
        """
        path = self._path(digest)
        if not path.is_file():
            raise ValueError(f"{self.folder} holds no example {digest}; 'temgrains teach list' names them")
        return _read(path)

    def find(self, which: str) -> Summary:
        """Find an example by its name, or by the first characters of its digest.

        Raises
        ------
        ValueError
            If there is none, or more than one.
        """
        known, _ = self.list()
        found = [s for s in known if s.name == which] or [s for s in known if s.digest.startswith(which)]
        if len(found) != 1 or not which:
            count = "no example" if not found else f"{len(found)} examples"
            raise ValueError(
                f"{self.folder} holds {count} {which!r}; 'temgrains teach list' names them with their digests"
            )
        return found[0]

    def remove(self, digest: str) -> None:
        """Delete an example; that of a damaged file too."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.example"


def _write(path: Path, example: Example) -> None:
    text = {
        "format": FORMAT,
        "name": example.name,
        "scale": example.scale,
        "excluded": example.excluded,
        "about": example.about,
        "seconds": example.seconds,
    }
    parts = ("pixels", "boundaries", "looked")
    write_archive(path, _TEXT, text, {part: getattr(example, part) for part in parts})


def _read(path: Path) -> Example:
    try:
        with open_archive(path) as file:
            text = file.description(_TEXT)
            if text["format"] != FORMAT:
                raise ValueError(f"its format is {text['format']!r}, this version reads {FORMAT}")
            pixels, boundaries, looked = (file.array(part) for part in ("pixels", "boundaries", "looked"))
            example = Example(
                name=str(text["name"]),
                pixels=pixels,
                boundaries=boundaries,
                looked=looked,
                scale=float(text["scale"]),
                excluded=tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in text["excluded"]),
                about=dict(text["about"]),
                seconds=float(text["seconds"]),
            )
        if example.digest != path.stem:
            raise ValueError("its pixels are not those that its name tells of")
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is no example that can be read ({error}); add its image again") from error
    return example


def _summary(example: Example) -> Summary:
    height, width = example.pixels.shape
    return Summary(
        example.name,
        example.digest,
        (height, width),
        float(example.looked.mean()),
        example.scale,
        example.seconds,
    )
