"""Synthetic micrographs with known boundaries; knows nothing of edges or networks."""

from temgrains.synthesis.concepts import FlippedOverlay, RandomGrey
from temgrains.synthesis.data_set import write_data_set
from temgrains.synthesis.generate import SyntheticMicrograph, synthesise
from temgrains.synthesis.noise import GaussianNoise, Median, PoissonNoise, SaltAndPepper
from temgrains.synthesis.packing import PackingSettings
from temgrains.synthesis.recipe import Recipe, Shape, Step, paper_recipe, real_recipe
from temgrains.synthesis.recipe_files import read_recipe, write_recipe
from temgrains.synthesis.series import synthesise_many

__all__ = [
    "FlippedOverlay",
    "GaussianNoise",
    "Median",
    "PackingSettings",
    "PoissonNoise",
    "RandomGrey",
    "Recipe",
    "SaltAndPepper",
    "Shape",
    "Step",
    "SyntheticMicrograph",
    "paper_recipe",
    "read_recipe",
    "real_recipe",
    "synthesise",
    "synthesise_many",
    "write_data_set",
    "write_recipe",
]
