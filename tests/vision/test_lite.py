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
