"""The quick ways to compute the networks are the same functions."""

import pytest
import torch

from temgrains.networks import PaperNet1, PaperNet2
from temgrains.training import quick


def normalised_net1():
    """Give a Net1 whose normalisation has seen edge maps."""
    network = PaperNet1()
    network(torch.randint(0, 2, (4, 3, 48, 80)).float() * 255)
    return network.eval()


@pytest.mark.parametrize(
    ("network", "computed", "channels"),
    [(normalised_net1, quick.net1_unclipped, 3), (PaperNet2, quick.net2_unclipped, 1)],
)
def test_outputs_and_gradients_are_those_of_the_network(network, computed, channels):
    torch.manual_seed(3)
    network = network()
    image = (torch.rand(2, channels, 48, 80) * 255).round()
    plain, other = network.unclipped(image), computed(network, image)
    torch.testing.assert_close(other, plain, rtol=1e-5, atol=1e-5)
    gradients = [
        torch.autograd.grad(output.square().sum(), list(network.parameters())) for output in (plain, other)
    ]
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()) + 1e-6)
