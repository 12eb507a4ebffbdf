"""The networks that learnt on ImageNet: shapes, weights, and what is said where they are missing."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from mot_anon.errors import MissingExtraError
from mot_anon.vision import lite
from mot_anon.vision.lite import LITE0, LITE1, SCALES, Lite, Version


@pytest.mark.parametrize("version", [LITE0, LITE1])
def test_maps_are_a_quarter_an_eighth_and_a_sixteenth_of_the_picture(version: Version) -> None:
    with torch.inference_mode():
        maps = Lite(version).eval().maps(torch.zeros(1, 3, 128, 64))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (channels, 128 // size, 64 // size) for channels, size in zip(SCALES, (4, 8, 16), strict=True)
    ]


@pytest.mark.parametrize("version", [LITE0, LITE1])
def test_weights_of_the_packages_fit(version: Version) -> None:
    if importlib.util.find_spec(version.package) is None:
        pytest.skip(f"{version.package} is not installed")
    with torch.inference_mode():
        assert torch.isfinite(lite.pretrained(version).eval()(torch.zeros(1, 3, 64, 64))).all()


@pytest.mark.parametrize("version", [LITE0, LITE1])
def test_the_extra_that_brings_weights_is_named(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"mot_anon\[{version.extra}\]"):
        lite.imagenet_weights(version)


def test_the_first_stages_alone_see_what_they_see_in_the_whole() -> None:
    torch.manual_seed(0)
    whole = Lite(LITE1).eval()
    part = Lite(LITE1, 3).eval()
    part.load_state_dict({name: whole.state_dict()[name] for name in part.state_dict()})
    image = torch.rand(1, 3, 64, 32)
    with torch.inference_mode():
        for mine, theirs in zip(part.maps(image, (0, 2)), whole.maps(image, (0, 2)), strict=True):
            assert torch.equal(mine, theirs)
    assert [lite.width(stage) for stage in (0, 2)] == [16, 40]
