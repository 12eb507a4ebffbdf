"""Weights on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.vision.weights import load_weights, save_weights


def layer(size: int = 3) -> nn.Linear:
    return nn.Linear(4, size)


def test_a_network_comes_back_frozen_and_draws_from_nobodys_generator(tmp_path: Path) -> None:
    made = layer()
    save_weights(made, tmp_path / "w.safetensors", "layer 1")
    state = torch.get_rng_state()
    loaded = load_weights(layer, tmp_path / "w.safetensors", "layer 1")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(loaded.weight, made.weight.half().float())
    assert not loaded.weight.requires_grad


@pytest.mark.parametrize("content", [b"", b"no weights", b"\xff" * 64, b"\x02" + b"\0" * 7 + b"{]", "cut"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(layer(), path, "layer 1")
    path.write_bytes(path.read_bytes()[:-5] if isinstance(content, str) else content)
    with pytest.raises(FormatError, match=r"w\.safetensors: broken weights"):
        load_weights(layer, path, "layer 1")


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(NotFoundError, match=r"w\.safetensors"):
        load_weights(layer, path, "layer 1")
    save_weights(layer(), path, "layer 1")
    with pytest.raises(FormatError, match="'layer 1' where 'layer 2'"):
        load_weights(layer, path, "layer 2")
    with pytest.raises(FormatError, match="another network"):
        load_weights(lambda: layer(2), path, "layer 1")
    with pytest.raises(FormatError, match="another network"):
        load_weights(lambda: nn.Sequential(layer()), path, "layer 1")
