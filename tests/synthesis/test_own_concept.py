"""The documentation's example of a user's concept runs, does what it says and is the one that is printed."""

import json
import runpy
from pathlib import Path

import numpy as np

from temgrains.synthesis import paper_recipe, synthesise

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "own_concept.py"


def test_the_example_runs(capsys):
    names = runpy.run_path(str(EXAMPLE))
    assert "'FlippedOverlay', 'ThicknessGradient', 'SaltAndPepper'" in capsys.readouterr().out
    described = json.loads(json.dumps(names["recipe"].describe()))
    assert described["steps"][2] == {"step": "ThicknessGradient", "loss": 0.6}
    sample, plain = names["sample"], synthesise(paper_recipe(), seed=7)
    np.testing.assert_array_equal(sample.labels, plain.labels)
    assert sample.image.mean() < 0.85 * plain.image.mean()


def test_the_documentation_prints_the_example():
    script, page = EXAMPLE.read_text(encoding="utf-8"), (DOCS / "synthesis.md").read_text(encoding="utf-8")
    concept = script[script.index("@dataclass") : script.index("\n\n\n# Third")]
    assert concept in page
    assert 'recipe = paper_recipe(name="wedge").with_step(ThicknessGradient(), at=2)' in script
    assert 'recipe = paper_recipe(name="wedge").with_step(ThicknessGradient(), at=2)' in page


def test_the_documentation_states_the_recipe():
    """Its table and picture were made with this range; whoever changes it has to make them anew."""
    recipe = paper_recipe()
    low, high = recipe.mean_diameter_px
    page = (DOCS / "synthesis.md").read_text(encoding="utf-8")
    assert f"{recipe.shape[0]} \N{MULTIPLICATION SIGN} {recipe.shape[1]}, {low:g} to {high:g} px" in page
