"""Find, read, check and write model files."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise

from temgrains.files import saving
from temgrains.models.card import Model, ModelError, built, check_card, check_self_test, digest

DEFAULT = "default"
"""The model that is used when none is named."""

MAX_BYTES = 200 * 2**20
"""Larger files are refused before they are opened."""

_SHIPPED = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def model_folder() -> Path:
    """Give the user's folder of models: ``$TEMGRAINS_HOME/models``, by default ``~/.temgrains/models``."""
    home = os.environ.get("TEMGRAINS_HOME")
    return (Path(home) if home else Path.home() / ".temgrains") / "models"


def available() -> list[str]:
    """Name the models that `load` finds by name: the shipped ones first, then the user's."""
    shipped = sorted(path.stem for path in _SHIPPED.glob("*.safetensors"))
    own = sorted(path.stem for path in model_folder().glob("*.safetensors"))
    return shipped + [name for name in own if name not in shipped]


def load(name_or_path: str | Path) -> Model:
    """Load a model by name or by the path of its file, and verify it.

    Raises
    ------
    ModelError
        If there is no such model, or its header, card, keys, shapes, values, digest or self-test is wrong.
    """
    path = _find(name_or_path)
    stamp = path.stat()
    return _load(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, _bytes: int) -> Model:
    """Load once; a file that changed on disk has another stamp and is read again."""
    return verify(path)


def verify(path: str | Path) -> Model:
    """Read a model file with every check, and give the model."""
    path = Path(path)
    card, tensors = _read(path)
    check_card(card, str(path))
    networks = {part: built(card, part) for part in ("net1", "net2")}
    for part, network in networks.items():
        _fill(network, {k[5:]: v for k, v in tensors.items() if k.startswith(f"{part}.")}, f"{path}: {part}")
    stray = [key for key in tensors if not key.startswith(("net1.", "net2."))]
    if stray:
        raise ModelError(f"{path}: unknown tensors {', '.join(stray[:3])}; this is not a temgrains model")
    if digest(tensors) != card["sha256"]:
        raise ModelError(f"{path}: the weights do not match the card's SHA-256; fetch the file again")
    model = Model(str(card["name"]), card, networks["net1"].eval(), networks["net2"].eval())
    check_self_test(model, str(path))
    return model


def save(model: Model, path: str | Path | None = None) -> Path:
    """Write a model file whole or not at all; by default into the user's folder under the model's name.

    Raises
    ------
    ModelError
        If the name cannot be a file name, or is that of a shipped model.
    OSError
        If the file cannot be written; an older one is then untouched.
    """
    if path is None:
        if not _NAME.fullmatch(model.name):
            raise ModelError(f"{model.name!r} cannot name a model; use letters, digits, '.', '_' and '-'")
        if (_SHIPPED / f"{model.name}.safetensors").exists():
            raise ModelError(f"{model.name!r} is a shipped model; choose another name")
        path = model_folder() / f"{model.name}.safetensors"
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = serialise(model.tensors(), metadata={"card": json.dumps(model.card, sort_keys=True)})
    with saving(path) as temporary:
        temporary.write_bytes(content)
    return path


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if _NAME.fullmatch(text):
        for folder in (_SHIPPED, model_folder()):
            if (folder / f"{text}.safetensors").is_file():
                return folder / f"{text}.safetensors"
    path = Path(name_or_path)
    if path.suffix.lower() in {".pt", ".pth", ".ckpt", ".pkl", ".bin"}:
        raise ModelError(f"{path}: pickled weights can run any code and are never opened; use .safetensors")
    if path.suffix.lower() == ".mat":
        raise ModelError(f"{path}: MATLAB networks are imported first, by 'temgrains models import'")
    if not path.is_file():
        raise ModelError(
            f"there is no model {text!r}; known: {', '.join(available()) or 'none'}, or give a file"
        )
    return path.resolve()


def _read(path: Path) -> tuple[Any, dict[str, torch.Tensor]]:
    if path.is_dir():
        raise ModelError(f"{path}: it is a folder; give a .safetensors file in it")
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ModelError(f"{path}: {size / 2**20:.0f} MiB is more than any temgrains model has")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return json.loads(metadata.get("card", "null")), tensors
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error})") from error


def _fill(network: torch.nn.Module, tensors: dict[str, torch.Tensor], where: str) -> None:
    wanted = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    if tensors.keys() != wanted.keys():
        odd = sorted(tensors.keys() ^ wanted.keys())
        raise ModelError(f"{where} has missing or unknown tensors: {', '.join(odd[:3])}")
    for key, value in tensors.items():
        if value.shape != wanted[key].shape or value.dtype != torch.float32:
            raise ModelError(
                f"{where}.{key} is {value.dtype} {tuple(value.shape)}, not float32 {tuple(wanted[key].shape)}"
            )
        if not torch.isfinite(value).all():
            raise ModelError(f"{where}.{key} holds values that are not finite")
    network.load_state_dict(tensors, strict=False)
