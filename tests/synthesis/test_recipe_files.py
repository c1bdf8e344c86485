"""Recipes as files: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from temgrains.synthesis import Recipe, paper_recipe, read_recipe, real_recipe, write_data_set, write_recipe
from temgrains.synthesis.diffraction import BoundaryLines, BraggGrey, Moire
from temgrains.synthesis.fields import Sometimes
from temgrains.synthesis.geometry import Curved, Line
from temgrains.synthesis.noise import Median
from temgrains.synthesis.recipe_files import recipe_from_dict

HIDDEN = Sometimes(concept=Moire(), image_share=0.0)
OWN = Recipe(
    name="films 2.b", shape=(64, 80), sigma=1e-5, shapes=(Curved(), Line()), steps=(HIDDEN, Median())
)


def darken(image, labels, rng):
    return image / 2


@pytest.mark.parametrize("ending", [".toml", ".json", ".TOML"])
@pytest.mark.parametrize("recipe", [paper_recipe(), real_recipe(), OWN], ids=lambda recipe: recipe.name)
def test_a_recipe_survives_its_file(tmp_path, recipe, ending):
    path = tmp_path / f"mine{ending}"
    write_recipe(recipe, path)
    again = read_recipe(path)
    assert again == recipe
    assert json.dumps(again.describe()) == json.dumps(recipe.describe())


def test_a_file_may_name_a_base_and_whole_numbers(tmp_path):
    path = tmp_path / "fine.toml"
    path.write_text('base = "default"\nmean_diameter_px = [14, 30]\n[packing]\nsteps = 50\nwall = 1\n')
    recipe = read_recipe(path)
    assert recipe.mean_diameter_px == (14.0, 30.0)
    assert (recipe.packing.steps, recipe.packing.stiffness) == (50, 0.4)
    assert recipe.steps == real_recipe().steps
    whole = recipe_from_dict({"steps": [{"step": "BraggGrey", "typical_grey": 100}]})
    assert json.dumps(whole.describe()) == json.dumps(
        Recipe(steps=(BraggGrey(typical_grey=100.0),)).describe()
    )


def test_the_summary_of_a_data_set_is_a_recipe(tmp_path):
    recipe = paper_recipe(shape=(32, 48), mean_diameter_px=(12.0, 14.0))
    write_data_set(recipe, tmp_path / "made", seed=4, count=1)
    assert read_recipe(tmp_path / "made" / "synthesis-4.json") == recipe


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"colour": 1}, "unknown 'colour' in recipe; known: base, name, shape"),
        ({"base": "soup"}, "base is 'soup' in recipe; it must be one of paper, default"),
        ({"base": ["paper"]}, r"base is \['paper'\] in recipe; it must be one of"),
        ({"name": "../up"}, "name in recipe is '../up'; it must be 1 to 64 letters"),
        ({"name": 3}, "name in recipe is 3; it must be"),
        ({"shape": 96}, "shape in recipe is 96; it must be a list of two numbers"),
        ({"shape": [96, 1e9]}, "shape in recipe is 1000000000.0; it must be a whole number"),
        ({"shape": [0, 96]}, r"recipe: shape is \(0, 96\); it must be two whole numbers"),
        ({"mean_diameter_px": [30, 20]}, "recipe: mean_diameter_px is .*; it must rise"),
        ({"sigma": "wide"}, "sigma in recipe is 'wide'; it must be a number"),
        ({"sigma": True}, "sigma in recipe is True; it must be a number"),
        ({"sigma": 10**400}, "sigma in recipe has too many digits; give a number that is not so large"),
        ({"sigma": float("nan")}, "recipe: sigma is nan; it must be from 0 to 2"),
        ({"packing": 3}, "packing in recipe is 3; it must be a table of settings"),
        ({"packing": {"wall": 2}}, r"packing.wall is 2.0; it must be from 0 to 1 \(packing in recipe\)"),
        ({"packing": {"roof": 2}}, "unknown 'roof' in packing in recipe; known: steps, stiffness"),
        ({"steps": {"step": "Moire"}}, "steps in recipe is .*; it must be a list of tables"),
        ({"steps": ["Moire"]}, r"'Moire' is no step \(number 1 of steps in recipe\); known: RandomGrey"),
        ({"steps": [{}, 3]}, r"None is no step \(number 1 of steps"),
        ({"steps": [{"step": ["x"]}]}, r"\['x'\] is no step"),
        ({"shapes": [{"step": "Moire"}]}, r"'Moire' is no step \(number 1 of shapes in recipe\); known: Str"),
        ({"steps": [{"step": "Moire", "size": 3}]}, "unknown 'size' in number 1 of steps in recipe; known"),
        ({"steps": [{"step": "PoissonNoise", "size": 3}]}, "unknown 'size' in number 1 .*; known: none"),
        ({"steps": [{"step": "Moire", "period_px": -1}]}, "period_px is -1.0; it must be .*number 1"),
        ({"steps": [{"step": "Median", "size": 5.0}]}, "size, number 1 of steps in recipe, is 5.0; .* whole"),
        ({"steps": [{"step": "Moire", "image_share": 2}]}, "image_share is 2.0; it must be from 0 to 1"),
        ({"steps": [{"step": "Moire", "image_share": "all"}]}, "image_share, number 1 .* is 'all'; it must"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(values, said):
    with pytest.raises(ValueError, match=said):
        recipe_from_dict(values)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"shape = [", "a.toml is not a TOML file: "),
        ("a.json", b"{", "a.json is not a JSON file: "),
        ("a.json", b"\xff\xfe", "a.json is not a JSON file: "),
        ("a.json", b"[" * 200_000, "a.json is not a JSON file: "),
        ("a.json", b"[1]", "a.json holds no recipe but list; give a table of settings"),
        (
            "a.toml",
            b"#" * (2**20 + 1),
            "a.toml has 1048577 bytes; a recipe has at most 1048576: choose",
        ),
        ("a.yaml", b"", "a.yaml is no recipe file; its name must end in .toml or .json"),
        ("a.toml", b"sigma = 7", "a.toml: sigma is 7.0; it must be from 0 to 2"),
    ],
)
def test_files_that_are_no_recipes_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_recipe(tmp_path / name)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.toml"):
        read_recipe(tmp_path / "gone.toml")


@pytest.mark.parametrize("step", [darken, Sometimes(concept=darken)])
def test_a_step_of_ones_own_is_not_written(tmp_path, step):
    with pytest.raises(ValueError, match=r"'darken' is no step \(number 1 of steps in recipe own\)"):
        write_recipe(Recipe(name="own", steps=(step,)), tmp_path / "own.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_would_be_read_back_as_another_is_not_written(tmp_path):
    recipe = Recipe(name="own", shapes=(Sometimes(concept=Line(image_share=1.0), image_share=0.5),))
    with pytest.raises(ValueError, match="recipe own holds steps that a file cannot; use the concepts of"):
        write_recipe(recipe, tmp_path / "own.toml")


def test_the_example_of_the_documentation_is_a_recipe(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "synthesis.md").read_text(encoding="utf-8")
    (tmp_path / "thin.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    recipe = read_recipe(tmp_path / "thin.toml")
    lines = Sometimes(concept=BoundaryLines(contrast_grey=40.0), image_share=0.5)
    assert recipe.steps == (BraggGrey(dark_share=0.1), lines)
    assert (recipe.name, recipe.shapes) == ("thin lines", real_recipe().shapes)
