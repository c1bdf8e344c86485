"""Model files: one .safetensors with its card; the only place that reads or writes weights."""

from temgrains.models.card import Model, ModelError, make_model
from temgrains.models.matlab import import_matlab
from temgrains.models.store import DEFAULT, available, load, model_folder, save, verify

__all__ = [
    "DEFAULT",
    "Model",
    "ModelError",
    "available",
    "import_matlab",
    "load",
    "make_model",
    "model_folder",
    "save",
    "verify",
]
