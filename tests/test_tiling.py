"""Tiles give the whole image's result, bit for bit, for any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from temgrains import tiling
from temgrains.networks import GuessNet, GuidedNet, PaperNet1, PaperNet2, SightedNet
from temgrains.records import Cancelled


@pytest.fixture(scope="module", params=[PaperNet1, PaperNet2, GuessNet, GuidedNet, SightedNet])
def network(request):
    torch.manual_seed(3)
    return request.param().eval()


def image_for(network, height, width):
    return np.random.default_rng(0).integers(0, 256, (network.channels, height, width), np.uint8)


@pytest.mark.parametrize("tile", [64, 160, 256])
def test_tiled_equals_whole(network, tile):
    image = image_for(network, 330, 411)
    whole = tiling.apply(network, image, tile_px=1024)
    assert np.abs(tiling.apply(network, image, tile_px=tile) - whole).max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3), (95, 497)])
def test_any_size_comes_back(network, shape):
    assert tiling.apply(network, image_for(network, *shape)).shape == shape


def test_only_the_crop_of_a_padded_image_is_given(network):
    image = image_for(network, 48, 64)
    assert np.array_equal(tiling.apply(network, image), tiling.apply(network, image)[:48, :64])


def test_input_is_not_changed(network):
    image = image_for(network, 40, 40)
    before = image.copy()
    tiling.apply(network, image)
    assert np.array_equal(image, before)


def test_progress_counts_tiles_and_can_cancel(network):
    seen = []
    image = image_for(network, 256, 320)
    tiling.apply(network, image, tile_px=128, stage="guess", progress=lambda *step: seen.append(step))
    assert seen == [("guess", k, 6) for k in range(7)]

    def cancel(stage, done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        tiling.apply(network, image, tile_px=128, progress=cancel)


@pytest.mark.parametrize(("height", "tiles"), [(176, 2), (192, 4), (256, 4), (304, 4), (320, 6)])
def test_a_rest_of_less_than_half_a_tile_is_none_of_its_own(network, height, tiles):
    seen = []
    image = image_for(network, height, 256)
    found = tiling.apply(network, image, tile_px=128, progress=lambda *step: seen.append(step))
    assert seen[-1][1:] == (tiles, tiles)
    assert np.array_equal(found, tiling.apply(network, image))


@pytest.mark.parametrize("shape", [(2, 32, 32), (32, 32), (1, 0, 32)])
def test_wrong_channels_or_no_pixels_are_refused(shape):
    with pytest.raises(ValueError, match=r"the network wants \(3, H, W\), not"):
        tiling.apply(PaperNet1(), np.zeros(shape, np.uint8))


class Greedy(torch.nn.Module):
    """Runs out of memory above a tile size, as a small GPU would."""

    channels, ceiling, halo, channels_last = 1, 1.0, 16, False

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.widest = 0

    def forward(self, x):
        if max(x.shape[-2:]) > self.limit:
            raise MemoryError("no room")
        self.widest = max(self.widest, *x.shape[-2:])
        return x / 255


def test_tiles_are_halved_when_memory_runs_out():
    image = np.random.default_rng(0).integers(0, 256, (1, 600, 600), np.uint8)
    network = Greedy(320)
    assert np.allclose(tiling.apply(network, image, tile_px=512), image[0] / 255)
    assert network.widest <= 320


class Counting(Greedy):
    """Counts the tiles that it is given."""

    seen = 0

    def forward(self, x):
        Counting.seen += 1
        return x / 255


def test_tiles_that_did_not_change_are_not_computed_again():
    image = np.random.default_rng(0).integers(0, 256, (1, 256, 384), np.uint8)
    Counting.seen = 0
    run = tiling.Repeated(Counting(1000), tile_px=128)
    run(image)
    assert Counting.seen == 6
    other = image.copy()
    other[0, 200, 200] ^= 255
    stages = []
    found = run(other, progress=lambda *step: stages.append(step))
    assert np.array_equal(found, other[0] / np.float32(255))
    assert Counting.seen == 7
    assert [done for _, done, _ in stages] == list(range(7))


def test_repeated_runs_give_what_single_ones_give(network):
    image = image_for(network, 300, 420)
    other = image.copy()
    other[:, 100:120, 100:140] = 9
    for tile in (1024, 160):
        run = tiling.Repeated(network, tile_px=tile)
        assert np.array_equal(run(image), tiling.apply(network, image))
        assert np.array_equal(run(other), tiling.apply(network, other))
        assert np.array_equal(run(other), tiling.apply(network, other))


def test_bfloat16_is_taken_on_request_or_where_network_and_processor_bear_it(monkeypatch):
    coarse, fine = GuessNet().eval(), GuidedNet().eval()
    for able in (True, False):
        monkeypatch.setattr(tiling, "computes_in_bfloat16", lambda able=able: able)
        assert tiling.Repeated(coarse, precision="auto").coarse is able
        assert not tiling.Repeated(fine, precision="auto").coarse
        assert not tiling.Repeated(coarse).coarse
    with pytest.warns(tiling.NoBfloat16Warning, match="does not compute in bfloat16; going on in float32"):
        assert not tiling.Repeated(fine, device="cpu", precision="bfloat16").coarse
    monkeypatch.setattr(tiling, "computes_in_bfloat16", lambda: True)
    assert tiling.Repeated(fine, precision="bfloat16").coarse


def test_no_room_even_for_the_smallest_tile_says_so():
    with pytest.raises(MemoryError, match="not even a tile of 128 px fits"):
        tiling.apply(Greedy(50), np.zeros((1, 600, 600), np.uint8), tile_px=512)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_no_gpu_warns_and_uses_the_cpu(network):
    image = image_for(network, 32, 32)
    with pytest.warns(RuntimeWarning, match="no CUDA device was found"):
        grey = tiling.apply(network, image, device="cuda")
    assert np.array_equal(grey, tiling.apply(network, image, device="cpu"))


class Broken(Greedy):
    def forward(self, _image):
        raise RuntimeError("an engine's own fault")


def test_other_faults_are_not_hidden():
    with pytest.raises(RuntimeError, match="an engine's own fault"):
        tiling.apply(Broken(0), np.zeros((1, 32, 32), np.uint8), device="cpu")
