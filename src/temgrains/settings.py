"""Settings as values: one frozen class per stage, the same word in TOML, CLI and GUI."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal


def _require(ok: bool, name: str, value: object, rule: str) -> None:
    if not ok:
        raise ValueError(f"{name} is {value!r}; it must be {rule}")


def _require_whole(name: str, value: object, low: int, high: int) -> None:
    ok = not isinstance(value, bool) and isinstance(value, Integral) and low <= int(value) <= high
    _require(ok, name, value, f"a whole number from {low} to {high}")


def _require_number(name: str, value: object, low: float, high: float, unit: str = "") -> None:
    ok = not isinstance(value, bool) and isinstance(value, Real) and low <= float(value) <= high
    _require(ok, name, value, f"a number from {low:g} to {high:g}{unit}")


def _require_one_of(name: str, value: object, *choices: str) -> None:
    ok = isinstance(value, str) and value in choices
    _require(ok, name, value, f"{', '.join(choices[:-1])} or {choices[-1]}")


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeSettings:
    """The three edge detectors. A threshold of None means MATLAB's automatic one."""

    saturation: float = 0.01
    """Share of pixels clipped at each end of the histogram by the contrast stretch (0..0.49)."""
    median_px: int = 7
    """Side of the median window [px], odd; 1 switches it off."""
    sobel_threshold: float | None = None
    """Gradient magnitude (Sobel / 8, image in 0..1) above which a pixel is an edge."""
    log_sigma_px: float = 2.0
    """Standard deviation of the Gaussian in the Laplacian of Gaussian [px]."""
    log_threshold: float | None = None
    """Jump across a zero crossing (image in 0..1) above which it is an edge."""
    canny_sigma_px: float = math.sqrt(2)
    """Standard deviation of Canny's Gaussian [px]."""
    canny_threshold: float | None = None
    """Upper hysteresis threshold as a share of the largest gradient (0..1); the lower one is 0.4 times it."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require_number("edges.saturation", self.saturation, 0, 0.49)
        _require_whole("edges.median_px", self.median_px, 1, 31)
        _require(self.median_px % 2 == 1, "edges.median_px", self.median_px, "odd")
        for name in ("log_sigma_px", "canny_sigma_px"):
            _require_number(f"edges.{name}", getattr(self, name), 0.3, 20, " px")
        for name in ("sobel_threshold", "log_threshold", "canny_threshold"):
            if getattr(self, name) is not None:
                _require_number(f"edges.{name}", getattr(self, name), 0, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessSettings:
    """How Net1 is applied."""

    scale: float = 0.0
    """Factor by which the image is resampled before the networks see it (0.1..4); results are mapped back.
    0: automatic, from an estimate of the grain size where the model knows which sizes suit it, else 1."""
    members: int = 0
    """Views of the image, mirrored and transposed, whose mean is the guess (1..8); 0: as many as the model's
    card asks for."""
    zoom: float = 0.0
    """Factor by which views are reduced and enlarged: of three in turn one is at the working scale, one
    smaller and one larger by this (1..2); 1: all are of one size; 0: what the model's card asks for."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""
    tile_px: int = 1024
    """Side of a tile [px], the last one of a row up to half as long again; tiles only bound memory, the
    result does not depend on them."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What Net1 computes in. bfloat16 is several times as quick where the processor computes in it, and
    changes single grey levels; "auto" takes it there, for networks that were found to bear it."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if self.scale != 0:
            _require_number("guess.scale", self.scale, 0.1, 4)
        _require_whole("guess.members", self.members, 0, 8)
        if self.zoom != 0:
            _require_number("guess.zoom", self.zoom, 1, 2)
        _require_one_of("guess.device", self.device, "auto", "cpu", "cuda")
        _require_whole("guess.tile_px", self.tile_px, 256, 8192)
        _require_one_of("guess.precision", self.precision, "auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True, slots=True)
class RefineSettings:
    """When the refinement stops."""

    criterion: Literal["model", "paper", "reference"] = "model"
    """"paper": sum of absolute changes against pixels times 255. "reference": the authors' MATLAB code, where
    unsigned subtraction counts increases only, against pixels times the guess's maximum. "model": what the
    model's card asks for."""
    threshold: float = 0.003
    """The run has converged when the change is at most this (0..1)."""
    max_iterations: int = 60
    """Cap on passes through Net2."""
    guided: bool = True
    """Whether a model made for it looks at the initial guess beside the state, at every pass."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require_one_of("refine.criterion", self.criterion, "model", "paper", "reference")
        _require_number("refine.threshold", self.threshold, 0, 1)
        _require_whole("refine.max_iterations", self.max_iterations, 0, 1000)
        _require(isinstance(self.guided, bool), "refine.guided", self.guided, "true or false")


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundarySettings:
    """From the grey state to closed lines."""

    closing: Literal["model", "gaps", "support"] = "model"
    """"gaps": what is above the threshold is boundary, and small gaps are closed, as in the paper. "support":
    two grains are divided where the mean of the state along the line between them is high enough, whatever
    gaps it has. "model": what the model's card asks for."""
    support: float = 0.25
    """Mean share of 255 along a line, at least, for it to divide two grains (0..1); for "support"."""
    small_share: float = 0.3
    """Share of the mean area of its neighbours below which a grain is doubted: the smaller, the more support
    its lines need, up to 0.9 (0..1); 0: size does not matter. For "support"."""
    least_confidence: float = 0.0
    """Grains whose outline is less sure than this are left out, their area is reported (0..1); 0: none."""
    threshold: float = 0.2
    """Share of 255 above which a pixel of the state counts as boundary (0..1)."""
    closing_radius_px: int = 2
    """Radius of the disk that closes small gaps [px]; 0 switches it off."""
    min_grain_px: int = 20
    """Grains smaller than this area are given to their neighbours [px]."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        _require_one_of("boundaries.closing", self.closing, "model", "gaps", "support")
        _require_number("boundaries.support", self.support, 0, 1)
        _require_number("boundaries.small_share", self.small_share, 0, 1)
        _require_number("boundaries.least_confidence", self.least_confidence, 0, 1)
        _require_number("boundaries.threshold", self.threshold, 0, 1)
        _require_whole("boundaries.closing_radius_px", self.closing_radius_px, 0, 20)
        _require_whole("boundaries.min_grain_px", self.min_grain_px, 0, 10**9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All stages' settings, in the order in which the stages run."""

    edges: EdgeSettings = field(default_factory=EdgeSettings)
    guess: GuessSettings = field(default_factory=GuessSettings)
    refine: RefineSettings = field(default_factory=RefineSettings)
    boundaries: BoundarySettings = field(default_factory=BoundarySettings)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Give the settings as plain values, one section per stage."""
        return dataclasses.asdict(self)


STAGES: dict[str, type] = {
    "edges": EdgeSettings,
    "guess": GuessSettings,
    "refine": RefineSettings,
    "boundaries": BoundarySettings,
}
"""Section name to settings class, in the order in which the stages run."""


AUTOMATIC = frozenset(
    f"{name}.{each.name}"
    for name, stage in STAGES.items()
    for each in dataclasses.fields(stage)
    if each.default is None
)
"""Settings that may be None, which lets the program choose; ``auto`` on the command line."""


def settings_from_dict(sections: dict[str, Any], *, where: str = "settings") -> Settings:
    """Build `Settings` from plain values; sections and keys that are missing keep their defaults.

    Raises
    ------
    ValueError
        For an unknown section or key, or a value outside its range; the sentence names it.
    """
    _refuse_unknown(sections, STAGES, where)
    stages = {}
    for name, stage in STAGES.items():
        values = sections.get(name, {})
        if not isinstance(values, dict):
            raise ValueError(f"[{name}] in {where} must be a table of settings, not {values!r}")
        _refuse_unknown(values, [f.name for f in dataclasses.fields(stage)], f"[{name}] in {where}")
        stages[name] = stage(**values)
    return Settings(**stages)


def read_settings(path: str | Path) -> Settings:
    """Read settings from a TOML file.

    Raises
    ------
    ValueError
        If the file is not TOML, or as `settings_from_dict`.
    OSError
        If the file cannot be opened.
    """
    path = Path(path)
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    return settings_from_dict(sections, where=str(path))


def write_toml(settings: Settings) -> str:
    """Give the settings as TOML text that `read_settings` reads back; automatic values are comments."""
    lines: list[str] = []
    for section, values in settings.to_dict().items():
        lines.append(f"[{section}]")
        lines += [
            f"# {key} = automatic" if value is None else f"{key} = {_toml(value)}"
            for key, value in values.items()
        ]
        lines.append("")
    return "\n".join(lines)


def first_stale(old: Settings, new: Settings) -> str | None:
    """Name the first stage whose settings differ, or None if none does."""
    return next((stage for stage in STAGES if getattr(old, stage) != getattr(new, stage)), None)


def _refuse_unknown(given: dict[str, Any], known: Any, where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"unknown {', '.join(map(repr, unknown))} in {where}; known: {', '.join(known)}")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    # numpy's numbers have a repr of their own.
    return repr(int(value) if isinstance(value, Integral) else float(value))
