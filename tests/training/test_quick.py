"""The quick way to compute Net2 is the same function."""

import torch

from temgrains.networks import PaperNet2
from temgrains.training import quick


def test_outputs_and_gradients_are_those_of_the_network():
    torch.manual_seed(3)
    network = PaperNet2()
    state = (torch.rand(2, 1, 48, 80) * 255).round()
    plain, folded = network.unclipped(state), quick.unclipped(network, state)
    torch.testing.assert_close(folded, plain, rtol=0, atol=1e-6)
    gradients = [
        torch.autograd.grad(output.square().sum(), list(network.parameters())) for output in (plain, folded)
    ]
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
