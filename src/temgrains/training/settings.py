"""How long, how fast and on what a network learns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSettings:
    """One training run; everything that its result depends on, besides the recipe."""

    networks: Literal["paper", "default"] = "paper"
    """"paper": those of Fig. 5. "default": the pair for real micrographs."""
    count: int = 3000
    """Synthetic micrographs, split 85 / 7.5 / 7.5 %."""
    seed: int = 1
    """Of the micrographs, the split, the first weights and the order."""
    epochs: int = 60
    """Passes over the training share."""
    batch: int = 102
    """Micrographs per step."""
    learning_rate: float = 0.01
    """Of Adam, in the first epochs."""
    halve_every: int = 12
    """Epochs after which the learning rate is halved."""
    own_states: bool = True
    """Net2 also learns from damaged truths, pure noise and its own iterates; False is the paper's way."""
    start: str | None = None
    """Model, by name or file, whose weights the run starts from; None starts from random ones."""
    fixed_norm: bool = False
    """Net1's batch normalisation keeps the statistics of the model it starts from: for the last, slow epochs,
    which it makes steadier and quicker."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """"auto" is bfloat16 where the processor computes in it, else float32."""
    devices: str = "auto"
    """How many devices of a node: a number, or "auto"."""
    nodes: int = 1
    """How many machines."""
    workers: int = 1
    """Processes that make the micrographs; the result does not depend on them."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        rules = {
            "count": (20, 10**7),
            "seed": (0, 2**63 - 1),
            "epochs": (1, 10**5),
            "batch": (1, 10**5),
            "halve_every": (1, 10**5),
            "nodes": (1, 10**4),
            "workers": (1, 1024),
        }
        for name, (low, high) in rules.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; it must be a whole number from {low} to {high}")
        if not 0 < self.learning_rate <= 10:
            raise ValueError(f"learning_rate is {self.learning_rate!r}; it must be above 0 and at most 10")
        if self.fixed_norm and self.start is None:
            raise ValueError("fixed_norm keeps the statistics of a model; name the model to start from")
        if self.networks not in {"paper", "default"}:
            raise ValueError(f"networks is {self.networks!r}; it must be paper or default")
        if self.fixed_norm and self.networks != "paper":
            raise ValueError("fixed_norm is known for the paper's networks only")
        if self.precision not in {"auto", "32-true", "bf16-mixed"}:
            raise ValueError(f"precision is {self.precision!r}; it must be auto, 32-true or bf16-mixed")
        if self.devices != "auto" and not self.devices.isdigit():
            raise ValueError(f"devices is {self.devices!r}; it must be auto or a number")

    @property
    def net1(self) -> str:
        """Class of the first network."""
        return "GuessNet" if self.networks == "default" else "PaperNet1"


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneSettings:
    """One fine-tuning; everything that its result depends on, besides model, examples and recipe."""

    name: str = "own"
    """Of the new model."""
    seed: int = 1
    """Of what is held out, of the tiles and of the synthetic micrographs."""
    epochs: int = 10
    """How often the error is looked at; after each, a run can go on."""
    steps: int = 40
    """Steps per epoch."""
    batch: int = 4
    """Tiles per step."""
    own_share: float = 0.5
    """Share of the tiles that show the user's examples, see `own_tiles`; the others are synthetic, so that
    nothing is forgotten."""
    held_out: float = 0.2
    """Share of the examples that only judges."""
    side_px: int = 256
    """Side of the tiles at the working scale [px]."""
    synthetic: int = 80
    """Synthetic micrographs to learn from; a tenth as many more only judge."""
    tested: int = 12
    """Fresh synthetic micrographs on which both models are scored at the end."""
    learning_rate: float = 5e-4
    """Of Adam, in the first epochs."""
    halve_every: int = 4
    """Epochs after which the learning rate is halved."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """"auto" is bfloat16 where the processor computes in it, else float32."""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name is {self.name!r}; use letters, digits, '.', '_' and '-', 64 at most")
        rules = {"steps": (1, 10**5), "batch": (2, 1024), "synthetic": (18, 10**6), "tested": (1, 10**4)}
        for name, (low, high) in rules.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; it must be a whole number from {low} to {high}")
        if self.side_px not in range(32, 2049, 16):
            raise ValueError(f"side_px is {self.side_px!r}; it must be a multiple of 16 from 32 to 2048")
        for name, top in (("own_share", 1.0), ("held_out", 0.5)):
            value = getattr(self, name)
            if not 0.05 <= value <= top:
                raise ValueError(f"{name} is {value!r}; it must be from 0.05 to {top:g}")
        self.training()

    @property
    def own_tiles(self) -> int:
        """Number of tiles of a step that show the user's examples: their share, rounded, and one at least."""
        return max(1, round(self.own_share * self.batch))

    def training(self) -> TrainSettings:
        """Give what the loop of all trainings needs to know."""
        return TrainSettings(
            seed=self.seed,
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            halve_every=self.halve_every,
            precision=self.precision,
            devices="1",
        )
