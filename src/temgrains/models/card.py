"""What a model is: two networks and the card that says how they came about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from temgrains.networks import ARCHITECTURES, GuessNet

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
"""Version of the card's layout; files of another version are refused."""

SELF_TEST_TOLERANCE = 0.05
"""Largest difference of the self-test's block means from the card's [grey levels]: other processors round
differently by far less, a wrong weight or a wrong engine by far more."""

_PAIRS = {
    "grains_px": "the least and the largest diameter in px",
    "confidence": "the offset and the slope of a logit",
}
_REQUIRED = ("format", "name", "networks", "criterion", "sha256", "self_test")


class ModelError(ValueError):
    """A model file that is missing, damaged or not ours; the sentence says which and what to do."""


@dataclass(frozen=True, slots=True)
class Model:
    """Net1 and Net2 in evaluation mode, and their card (plain JSON)."""

    name: str
    card: dict[str, Any] = field(repr=False)
    net1: nn.Module = field(repr=False)
    net2: nn.Module = field(repr=False)

    @property
    def criterion(self) -> Literal["paper", "reference"]:
        """How this model's refinement is meant to be stopped; see `RefineSettings`."""
        return "reference" if self.card["criterion"] == "reference" else "paper"

    @property
    def closing(self) -> Literal["gaps", "support"]:
        """How this model's states are meant to be closed; see `BoundarySettings`."""
        return "support" if self.card.get("closing") == "support" else "gaps"

    @property
    def members(self) -> int:
        """How many views of an image are meant to vote on the guess; see `GuessSettings`."""
        return int(self.card.get("members", 1))

    @property
    def zoom(self) -> float:
        """How much smaller and larger some of the views are meant to be; see `GuessSettings`."""
        return float(self.card.get("zoom", 1.0))

    @property
    def grains_px(self) -> tuple[float, float] | None:
        """Mean grain diameters that suit the networks [px], to which images are resampled; None: any."""
        low, high = self.card.get("grains_px") or (0.0, 0.0)
        return (float(low), float(high)) if 0 < low <= high else None

    def tensors(self) -> dict[str, Tensor]:
        """Give all weights and buffers, prefixed by their network."""
        return {
            f"{part}.{key}": value.detach().cpu().contiguous()
            for part, network in (("net1", self.net1), ("net2", self.net2))
            for key, value in network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }


def make_model(
    name: str, net1: nn.Module, net2: nn.Module, *, criterion: str, about: dict[str, Any] | None = None
) -> Model:
    """Put two trained networks and what is known of them (``about``, plain JSON) into a `Model`."""
    networks = {"net1": type(net1).__name__, "net2": type(net2).__name__}
    widths = {"widths": list(net1.widths)} if isinstance(net1, GuessNet) else {}
    card = {
        **(about or {}),
        **widths,
        "format": FORMAT,
        "name": name,
        "networks": networks,
        "criterion": criterion,
    }
    model = Model(name, card, net1.eval(), net2.eval())
    card["sha256"] = digest(model.tensors())
    card["self_test"] = self_test(model)
    return model


def built(card: dict[str, Any], part: Literal["net1", "net2"]) -> nn.Module:
    """Build a network of a card that was checked, with random weights."""
    kind = ARCHITECTURES[card["networks"][part]]
    return GuessNet(card["widths"]) if kind is GuessNet and "widths" in card else kind()


def digest(tensors: dict[str, Tensor]) -> str:
    """Give the SHA-256 of names, shapes and values, in the order of the names."""
    sha = hashlib.sha256()
    for key in sorted(tensors):
        values = tensors[key].to(torch.float32).numpy()
        sha.update(f"{key}{values.shape}".encode())
        sha.update(values.astype("<f4").tobytes())
    return sha.hexdigest()


def self_test(model: Model) -> dict[str, list[float]]:
    """Run a fixed drawing through both networks and give the 16 x 16 px block means [grey levels]."""
    rows, columns = np.mgrid[:64, :96]
    lines = ((rows + 2 * columns) % 37 < 3) | ((3 * rows - columns) % 53 < 3)
    drawing = torch.from_numpy(np.where(lines, 255.0, 0.0).astype(np.float32))
    result = {}
    with torch.inference_mode():
        for part, network in (("net1", model.net1), ("net2", model.net2)):
            image = drawing.expand(1, int(getattr(network, "channels")), 64, 96)  # noqa: B009
            grey = network(image) * (255.0 / float(getattr(network, "ceiling")))  # noqa: B009
            result[part] = [round(float(v), 4) for v in torch.nn.functional.avg_pool2d(grey, 16).flatten()]
    return result


def check_card(card: Any, where: str) -> None:
    """Refuse a card that is not one of ours, naming what is wrong."""
    if not isinstance(card, dict):
        raise ModelError(f"{where}: the card is not a table; this is not a temgrains model")
    missing = [key for key in _REQUIRED if key not in card]
    if missing:
        raise ModelError(f"{where}: the card lacks {', '.join(missing)}; this is not a temgrains model")
    if card["format"] != FORMAT:
        raise ModelError(
            f"{where}: card format {card['format']!r}, this version reads {FORMAT}; update temgrains"
        )
    networks = card["networks"]
    known = isinstance(networks, dict) and set(networks) == {"net1", "net2"}
    if not known or any(name not in list(ARCHITECTURES) for name in networks.values()):
        raise ModelError(f"{where}: networks {networks!r} are unknown; known: {', '.join(ARCHITECTURES)}")
    _check_use(card, where)
    if card["criterion"] not in ("paper", "reference"):
        raise ModelError(f"{where}: criterion {card['criterion']!r} must be paper or reference")
    if not isinstance(card["name"], str):
        raise ModelError(f"{where}: name {card['name']!r} must be text")
    if not _is_self_test(card["self_test"]):
        raise ModelError(f"{where}: the card's self_test holds no grey levels of net1 and net2")


def _check_use(card: dict[str, Any], where: str) -> None:
    """Refuse a card that asks for what the stages around the networks do not know."""
    for key, meaning in _PAIRS.items():
        pair = card.get(key, [0.0, 1.0])
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, int | float) for v in pair)):
            raise ModelError(f"{where}: {key} {pair!r} must be {meaning}")
    widths = card.get("widths", [32] * 4)
    if not (isinstance(widths, list) and len(widths) == 4 and all(w in range(1, 1025) for w in widths)):
        raise ModelError(f"{where}: widths {widths!r} must be four whole numbers from 1 to 1024")
    members = card.get("members", 1)
    if not isinstance(members, int) or not 1 <= members <= 8:
        raise ModelError(f"{where}: members {members!r} must be a whole number from 1 to 8")
    zoom = card.get("zoom", 1.0)
    if not isinstance(zoom, int | float) or not 1 <= zoom <= 2:
        raise ModelError(f"{where}: zoom {zoom!r} must be a number from 1 to 2")
    if card.get("closing", "gaps") not in ("gaps", "support"):
        raise ModelError(f"{where}: closing {card['closing']!r} must be gaps or support")


def _is_self_test(answers: Any) -> bool:
    lists = [answers.get(part) for part in ("net1", "net2")] if isinstance(answers, dict) else [None]
    return all(isinstance(v, list) and all(isinstance(x, int | float) for x in v) for v in lists)


def check_self_test(model: Model, where: str) -> None:
    """Refuse a model whose networks do not answer as its card says."""
    found = self_test(model)
    for part in ("net1", "net2"):
        wanted = model.card["self_test"][part]
        if len(wanted) != len(found[part]) or not np.allclose(
            found[part], wanted, rtol=0, atol=SELF_TEST_TOLERANCE
        ):
            raise ModelError(
                f"{where}: {part} fails its self-test; the file or this machine's engine is faulty"
            )
