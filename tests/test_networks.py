"""The two networks are those of Fig. 5: their sizes, shapes and reach."""

from __future__ import annotations

import pytest
import torch

from temgrains.networks import (
    STRIDE,
    GuessNet,
    GuidedNet,
    PaperNet1,
    PaperNet2,
    SightedNet,
    SightedPair,
)


def stored_values(network: torch.nn.Module) -> int:
    values = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return sum(v.numel() for k, v in values.items() if not k.endswith(("num_batches_tracked", "state_mean")))


@pytest.mark.parametrize(("network", "count"), [(PaperNet1(), 339_705), (PaperNet2(), 17_185)])
def test_as_many_values_as_the_published_network(network, count):
    assert stored_values(network) == count


@pytest.mark.parametrize("network", [PaperNet1(), PaperNet2()])
@pytest.mark.parametrize("shape", [(96, 496), (16, 16), (48, 32)])
def test_output_has_the_input_s_size_and_stays_under_the_ceiling(network, shape):
    image = 255 * torch.rand(2, network.channels, *shape, generator=torch.Generator().manual_seed(1))
    grey = network.eval()(image)
    assert grey.shape == (2, 1, *shape)
    assert grey.min() >= 0
    assert grey.max() <= network.ceiling


@pytest.mark.parametrize("cls", [PaperNet1, PaperNet2, GuessNet, GuidedNet, SightedNet])
def test_nothing_beyond_the_halo_reaches_a_pixel(cls):
    torch.manual_seed(0)
    network = cls().eval()
    side = 2 * (network.halo + STRIDE) + STRIDE
    image = 255 * torch.rand(1, network.channels, STRIDE, side)
    image.requires_grad_(True)
    middle = network.halo + STRIDE
    network.unclipped(image)[0, 0, :, middle : middle + STRIDE].sum().backward()
    reach = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
    assert reach.min() >= middle - network.halo
    assert reach.max() < middle + STRIDE + network.halo
    assert reach.max() - reach.min() > 2 * STRIDE  # the test would see a reach if there were one


def test_unclipped_and_clipped_agree_within_the_range():
    torch.manual_seed(0)
    network = PaperNet2().eval()
    state = 255 * torch.rand(1, 1, 32, 32)
    assert torch.equal(network.unclipped(state).clamp(0, 1), network(state))


def test_a_pair_answers_with_the_mean_of_both():
    torch.manual_seed(0)
    pair = SightedPair().eval()
    image = 255 * torch.rand(1, 6, 32, 48)
    with_guess = torch.cat([image[:, :2], torch.full((1, 1, 32, 48), 255.0)], 1)
    assert torch.allclose(pair(image), (pair.sighted(image) + pair.guided(with_guess)) / 2)


def test_a_guess_is_as_wide_as_asked():
    wide = GuessNet((16, 24, 32, 40))
    assert wide.widths == (16, 24, 32, 40)
    assert stored_values(wide) < stored_values(GuessNet())
    assert wide.eval()(torch.rand(1, 4, 32, 48)).shape == (1, 1, 32, 48)
