"""Import the authors' published MATLAB networks (SeriesNetwork in .mat files) into a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import nn

from temgrains.models.card import Model, ModelError, make_model
from temgrains.networks import PaperNet1, PaperNet2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Layer: TypeAlias = NDArray[Any]

# MATLAB keeps the weights of a convolution as (h, w, in, out), of a transposed one as (h, w, out, in);
# PyTorch wants (out, in, h, w) and (in, out, h, w): the same turn for both.
_TO_TORCH = (3, 2, 0, 1)


def import_matlab(net1_path: str | Path, net2_path: str | Path, *, name: str) -> Model:
    """Read the published Net1 and Net2 and give them as a `Model` called ``name``.

    Raises
    ------
    ModelError
        If mat-io is not installed, a file cannot be read, or its layers are not those of Fig. 5.
    """
    layers1, layers2 = _layers(net1_path), _layers(net2_path)
    net1, net2 = PaperNet1(), PaperNet2(_input_mean(layers2, str(net2_path)))
    _fill(net1, layers1, str(net1_path))
    _fill(net2, layers2, str(net2_path))
    about = {
        "source": f"imported from {Path(net1_path).name} and {Path(net2_path).name}",
        "architecture": "Fig. 5 of arXiv:2504.14782",
        "inputs": ["sobel", "log", "canny"],
    }
    return make_model(name, net1, net2, criterion="reference", about=about)


def _layers(path: str | Path) -> list[Layer]:
    if not Path(path).is_file():
        raise ModelError(f"{path}: there is no such file; give the .mat file of a network")
    try:
        from matio import load_from_mat  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise ModelError("MATLAB networks need mat-io: pip install '.[matlab]'") from error
    try:
        content = load_from_mat(str(path))
        network = next(value for key, value in content.items() if not key.startswith("__"))
        layers = network.properties["any"][0, 0]["Layers"]
        return [layer.properties["any"][0, 0] for layer in layers.ravel()]
    except Exception as error:  # the reader raises whatever a damaged file provokes
        raise ModelError(f"{path}: not a MATLAB series network ({type(error).__name__}: {error})") from error


def _input_mean(layers: list[Layer], where: str) -> float:
    try:
        return float(layers[0]["Normalization"]["AverageImage"].ravel()[0].ravel()[0])
    except (IndexError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{where}: the input layer has no zero-centre mean; is this Net2?") from error


def _fill(network: nn.Module, layers: list[Layer], where: str) -> None:
    """Copy the learnable layers in their order, which is the order of the modules of Fig. 5."""
    learnable = [layer for layer in layers if {"Weights", "TrainedMean"} & set(layer.dtype.names or ())]
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)]
    if len(learnable) != len(modules):
        raise ModelError(
            f"{where} has {len(learnable)} layers with weights; {type(network).__name__} has {len(modules)}"
        )
    for layer, module in zip(learnable, modules, strict=True):
        for name, values in _values(layer, module).items():
            parameter = getattr(module, name)
            if parameter.shape != values.shape:
                raise ModelError(
                    f"{where}: {name} of layer {layer['Name'].ravel()[0]!s} is {tuple(values.shape)}, "
                    f"{type(network).__name__} has {tuple(parameter.shape)}"
                )
            with torch.no_grad():
                parameter.copy_(values)


def _values(layer: Layer, module: nn.Module) -> dict[str, torch.Tensor]:
    if isinstance(module, nn.BatchNorm2d):
        names = {
            "weight": "Scale",
            "bias": "Offset",
            "running_mean": "TrainedMean",
            "running_var": "TrainedVariance",
        }
        return {
            ours: torch.from_numpy(_array(layer, theirs).ravel().copy()) for ours, theirs in names.items()
        }
    weights = _array(layer, "Weights")
    weights = weights.reshape(weights.shape + (1,) * (4 - weights.ndim))  # MATLAB drops trailing axes of one
    return {
        "weight": torch.from_numpy(np.ascontiguousarray(weights.transpose(_TO_TORCH))),
        "bias": torch.from_numpy(_array(layer, "Bias").ravel().copy()),
    }


def _array(layer: Layer, name: str) -> NDArray[np.float32]:
    if name not in (layer.dtype.names or ()):
        raise ModelError(
            f"layer {layer['Name'].ravel()[0]!s} has no {name}; the layers are not those of Fig. 5"
        )
    values = layer[name]
    if values.dtype.names:  # a learnable parameter is a struct with its rate factors
        values = values["Value"].ravel()[0]
    return np.asarray(values, dtype=np.float32)
