"""A model file is read whole and verified, or refused with the reason."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from temgrains import models
from temgrains.models import Model, ModelError, make_model
from temgrains.networks import GuessNet, PaperNet1, PaperNet2, SightedPair


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(5)
    return make_model("mine", PaperNet1(), PaperNet2(20.0), criterion="paper", about={"seed": 5})


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TEMGRAINS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def file(model, tmp_path):
    return models.save(model, tmp_path / "mine.safetensors")


def card_of(path) -> dict:
    header = path.read_bytes()
    length = struct.unpack("<Q", header[:8])[0]
    return json.loads(json.loads(header[8 : 8 + length])["__metadata__"]["card"])


def rewrite(path, *, card=None, tensors=None):
    """Put another card or other tensors into a model file."""
    save_file(tensors or load_file(path), path, metadata={"card": json.dumps(card or card_of(path))})
    return path


def test_saved_and_loaded_models_answer_alike(model, file):
    again = models.load(file)
    assert again.card == model.card
    state = 255 * torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(again.net2(state), model.net2(state))


def test_card_tells_networks_digest_and_self_test(file):
    card = card_of(file)
    assert card["networks"] == {"net1": "PaperNet1", "net2": "PaperNet2"}
    assert card["seed"] == 5
    assert len(card["sha256"]) == 64
    assert len(card["self_test"]["net1"]) == 24


def test_a_wide_guess_and_a_pair_of_refiners_come_back(tmp_path):
    made = models.make_model("wide", GuessNet((12, 16, 20, 24)), SightedPair(), criterion="paper")
    again = models.verify(models.save(made, tmp_path / "wide.safetensors"))
    assert again.net1.widths == (12, 16, 20, 24)
    assert all(torch.equal(value, made.tensors()[key]) for key, value in again.tensors().items())


def test_found_by_name_in_the_user_s_folder(model, home):
    path = models.save(model)
    assert path == home / "models" / "mine.safetensors"
    assert "mine" in models.available()
    assert models.load("mine").name == "mine"


def test_a_changed_file_is_read_again(model, file):
    models.load(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content + b"")
    with pytest.raises(ModelError, match="SHA-256"):
        models.verify(file)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9, 0.999])
def test_one_flipped_bit_is_refused(file, place):
    content = bytearray(file.read_bytes())
    start = 8 + struct.unpack("<Q", content[:8])[0]
    content[start + int(place * (len(content) - start))] ^= 4
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"SHA-256|not finite"):
        models.verify(file)


def test_a_wrong_answer_fails_the_self_test(file):
    card = card_of(file)
    card["self_test"]["net1"][3] += 1.0
    with pytest.raises(ModelError, match="net1 fails its self-test"):
        models.verify(rewrite(file, card=card))


@pytest.mark.parametrize("name", ["evil.pt", "evil.pth", "evil.ckpt", "evil.pkl"])
def test_pickles_are_never_opened(tmp_path, name):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    (tmp_path / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match=r"never opened; use \.safetensors"):
        models.load(tmp_path / name)
    (tmp_path / "x.safetensors").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        models.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 7, struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 4) + b"nope", b"<html>" * 9],
    ids=["empty", "short", "huge header", "no json", "html"],
)
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        models.load(path)


def test_a_safetensors_file_without_card_is_refused(file):
    save_file(load_file(file), file)
    with pytest.raises(ModelError, match="not a temgrains model"):
        models.verify(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "card format 99"),
        ({"networks": {"net1": "os.system", "net2": "PaperNet2"}}, "are unknown"),
        ({"networks": 3}, "are unknown"),
        ({"networks": {"net1": ["PaperNet1"], "net2": {}}}, "are unknown"),
        ({"widths": [8, 8, 8]}, r"widths \[8, 8, 8\] must be four whole numbers"),
        ({"widths": [8, 8, 8, 1e9]}, "must be four whole numbers from 1 to 1024"),
        ({"widths": "wide"}, "widths 'wide' must be"),
        ({"criterion": "never"}, "criterion 'never'"),
        ({"criterion": ["paper"]}, r"criterion \['paper'\] must be paper or reference"),
        ({"name": 7}, "name 7 must be text"),
        ({"self_test": 5}, "self_test holds no grey levels"),
        ({"self_test": {"net1": []}}, "self_test holds no grey levels"),
        ({"self_test": {"net1": ["bright"], "net2": []}}, "self_test holds no grey levels"),
        ({"self_test": {"net1": [], "net2": []}}, "net1 fails its self-test"),
    ],
)
def test_cards_that_do_not_fit_are_refused(file, change, message):
    with pytest.raises(ModelError, match=message):
        models.verify(rewrite(file, card=card_of(file) | change))


def test_a_card_without_its_digest_is_refused(file):
    card = card_of(file)
    del card["sha256"]
    with pytest.raises(ModelError, match="lacks sha256"):
        models.verify(rewrite(file, card=card))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t | {"net1.head.bias": torch.tensor([float("nan")])}, "not finite"),
        (lambda t: t | {"net1.head.bias": torch.zeros(2)}, r"not float32 \(1,\)"),
        (lambda t: t | {"net1.head.bias": torch.zeros(1, dtype=torch.float64)}, "is torch.float64"),
        (lambda t: {k: v for k, v in t.items() if k != "net2.head.bias"}, "missing or unknown tensors"),
        (lambda t: t | {"net2.extra": torch.zeros(1)}, "missing or unknown tensors"),
        (lambda t: t | {"net3.head": torch.zeros(1)}, "unknown tensors net3.head"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(file, damage, message):
    with pytest.raises(ModelError, match=message):
        models.verify(rewrite(file, tensors=damage(load_file(file))))


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "big.safetensors"
    with path.open("wb") as handle:
        handle.truncate(300 * 2**20)
    with pytest.raises(ModelError, match="300 MiB"):
        models.load(path)


def test_unknown_names_list_the_known_ones(home):
    with pytest.raises(ModelError, match=r"there is no model 'nonsense'; known: .*paper"):
        models.load("nonsense")


def test_matlab_files_point_to_the_import():
    with pytest.raises(ModelError, match="temgrains models import"):
        models.load("net1.mat")


@pytest.mark.parametrize("name", ["../up", "", "a b", "paper/../x"])
def test_names_that_cannot_be_files_are_refused(model, home, name):
    odd = Model(name, model.card, model.net1, model.net2)
    with pytest.raises(ModelError, match="cannot name a model"):
        models.save(odd)


def test_a_shipped_name_cannot_be_taken(model, home):
    with pytest.raises(ModelError, match="is a shipped model"):
        models.save(Model("paper", model.card, model.net1, model.net2))


def test_the_shipped_model_is_sound_and_small():
    path = models.store._SHIPPED / "paper.safetensors"
    assert models.verify(path).name == "paper"
    assert path.stat().st_size < 20 * 2**20
    assert models.DEFAULT in models.available()


def test_weights_are_not_changed_by_saving(model, tmp_path):
    before = {k: v.clone() for k, v in model.tensors().items()}
    models.save(model, tmp_path / "a.safetensors")
    assert all(torch.equal(before[k], v) for k, v in model.tensors().items())
    assert np.isfinite(model.card["self_test"]["net2"]).all()
