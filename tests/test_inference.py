"""Folded, in blocks, in parts: whatever is done for speed gives the whole network's answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from temgrains import stages
from temgrains.inference import Engine, computes_in_bfloat16, folded
from temgrains.networks import GuessNet, GuidedNet, PaperNet1, PaperNet2, SightedNet
from temgrains.stages import stages_of

in_bfloat16 = pytest.mark.skipif(
    not computes_in_bfloat16(), reason="this processor does not compute in bfloat16"
)
NETWORKS = [PaperNet1, PaperNet2, GuessNet, GuidedNet, SightedNet]
COARSE = [GuessNet, PaperNet1, SightedNet]
"""Those that do not repeat their own answer."""


def network_of(cls):
    """Random weights, and normalisations that do something."""
    torch.manual_seed(5)
    network = cls().eval()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.3, 0.3)
            part.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    if cls in (PaperNet1, PaperNet2):  # an answer between 0 and the ceiling, where the clipped ReLU shows it
        nn.init.constant_(network.head.bias, 0.5 * cls.ceiling)
    return network


def image_for(cls, height=176, width=208):
    return np.random.default_rng(0).integers(0, 256, (cls.channels, height, width), np.uint8)


def whole(network, image):
    with torch.inference_mode():
        return network(torch.from_numpy(image)[None].float())[0, 0].numpy()


@pytest.fixture(params=NETWORKS)
def cls(request):
    return request.param


def test_folded_network_answers_alike_and_leaves_the_other_alone(cls):
    network, image = network_of(cls), image_for(cls)
    before = whole(network, image)
    made = folded(network)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in made.modules())
    assert np.abs(whole(made, image) - before).max() <= 1e-4 * cls.ceiling
    assert np.array_equal(whole(network, image), before)


def test_stages_answer_as_the_network(cls):
    network, image = network_of(cls), image_for(cls)
    assert np.abs(Engine(network)(image) - whole(network, image)).max() <= 1e-4 * cls.ceiling


@pytest.mark.parametrize("block", [16, 32, 64])
def test_size_of_the_blocks_does_not_matter(cls, block, monkeypatch):
    network, image = network_of(cls), image_for(cls)
    expected = Engine(network)(image).copy()
    monkeypatch.setattr(stages, "_BLOCK", block)
    assert np.array_equal(Engine(network)(image), expected)


@in_bfloat16
@pytest.mark.parametrize("coarse", COARSE)
@pytest.mark.parametrize("block", [16, 64])
def test_size_of_the_blocks_does_not_matter_in_bfloat16(coarse, block, monkeypatch):
    network, image = network_of(coarse), image_for(coarse)
    expected = Engine(network, precision=torch.bfloat16)(image).copy()
    monkeypatch.setattr(stages, "_BLOCK", block)
    assert np.array_equal(Engine(network, precision=torch.bfloat16)(image), expected)


@pytest.mark.parametrize("precision", [torch.float32, pytest.param(torch.bfloat16, marks=in_bfloat16)])
def test_number_of_threads_does_not_matter(cls, precision):
    if precision == torch.bfloat16 and cls not in COARSE:
        pytest.skip("computes in float32 only")
    network, image = network_of(cls), image_for(cls, 96, 112)
    before = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(Engine(network, precision=precision)(image).copy())
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@in_bfloat16
@pytest.mark.parametrize("coarse", COARSE)
def test_bfloat16_is_near(coarse):
    network, image = network_of(coarse), image_for(coarse)
    exact = Engine(network)(image)
    near = Engine(network, precision=torch.bfloat16)(image)
    assert not np.array_equal(near, exact)
    assert np.abs(near - exact).mean() <= 0.02 * float(np.ptp(exact))


def test_only_what_changed_is_computed_again(cls, monkeypatch):
    monkeypatch.setattr(stages, "_BLOCK", 16)
    network, image = network_of(cls), image_for(cls, 320, 480)
    engine = Engine(network)
    engine(image)
    everything = engine.blocks
    other = image.copy()
    other[0, 40:44, 300:310] ^= 255
    found = engine(other).copy()
    again = engine.blocks - everything
    assert np.array_equal(found, Engine(network)(other))
    assert not np.array_equal(found, Engine(network)(image))
    assert 0 < again < 0.8 * everything
    engine(other.copy())
    assert engine.blocks == everything + again


@pytest.mark.parametrize("sees", [GuessNet, SightedNet])
def test_the_light_is_flattened_again_only_where_the_grey_image_changes(sees, monkeypatch):
    monkeypatch.setattr(stages, "_BLOCK", 16)
    network, image = network_of(sees), image_for(sees, 320, 480)
    engine = Engine(network)
    engine(image)
    everything = engine.blocks
    states = image.copy()
    states[:-1] = 255 - states[:-1]
    found = engine(states).copy()
    assert engine.blocks == 2 * everything - 10 * 15, "all but the 10 x 15 blocks that are flattened"
    assert np.array_equal(found, Engine(network)(states))
    light = states.copy()
    light[-1] = 255 - light[-1]
    before = engine.blocks
    assert np.array_equal(engine(light), Engine(network)(light))
    assert engine.blocks == before + everything


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_image_is_folded_as_torch_does_it(precision, layout):
    image = torch.rand(1, 3, 12, 20).contiguous(memory_format=layout)
    found = stages._folded(image, precision)
    assert found.dtype == precision
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found, nn.functional.pixel_unshuffle(image, 2).to(precision))


def test_another_shape_starts_anew(cls):
    network = network_of(cls)
    engine = Engine(network)
    engine(image_for(cls, 64, 96))
    other = image_for(cls, 96, 64)
    assert np.array_equal(engine(other), Engine(network)(other))


def test_an_error_halfway_leaves_nothing_stale(cls, monkeypatch):
    network = network_of(cls)
    engine = Engine(network)
    engine(image_for(cls))
    other = 255 - image_for(cls)

    def fail(*_):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_compute", fail)
        with pytest.raises(MemoryError, match="no room"):
            engine(other)
    assert np.array_equal(engine(other), Engine(network)(other))


def test_stages_cover_the_halo(cls):
    """What the stages look at together reaches no further than the network says it does."""
    reach = {0: 0}
    for number, stage in enumerate(stages_of(network_of(cls)), 1):
        reach[number] = stage.reach + max(reach[source] for source in stage.sources)
        assert stage.block % stage.scale == 0
        assert stage.reach % stage.scale == 0 or stage.reach == 0
    assert max(reach.values()) <= cls.halo + 48


def test_other_networks_have_no_stages():
    assert stages_of(nn.Identity()) == []
    assert stages_of(PaperNet1()) != []
