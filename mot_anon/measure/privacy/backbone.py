"""The attacker's network: EfficientNet-Lite0 with ImageNet weights, under a head of its own.

It is neither the re-ID tracker's network nor the generator's identity network nor what its critics look through: a
generator that learnt to fool those has not been trained against this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from mot_anon.vision import lite
from mot_anon.vision.lite import FEATURES, Lite

_KEPT = 3


class AttackerNetwork(nn.Module):
    """Crops in, embeddings out.

    ``forward`` takes (N, 3, 160, 80) float32 RGB in −1…1 and returns (N, 1280) float32, not normalised: averages over
    the last maps and a batch norm without shift (the 'BNNeck' of Luo et al., 2019).
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Lite(lite.LITE0)
        self.neck = nn.BatchNorm1d(FEATURES)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, 160, 80) float32 in −1…1 → (N, 1280) float32."""
        maps = self.backbone(crops)
        with torch.autocast(crops.device.type, enabled=False):
            return cast(Tensor, self.neck(maps.float().mean((2, 3))))


def learnable(network: AttackerNetwork) -> list[nn.Parameter]:
    """What a training changes: all but the first layers, which ImageNet has taught enough and which cost most."""
    network.requires_grad_(True)
    network.neck.bias.requires_grad_(False)
    for layer in (network.backbone._conv_stem, network.backbone._bn0, *network.backbone._blocks[:_KEPT]):
        layer.requires_grad_(False)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def imagenet_weights() -> Path:
    """The weight file that a strong attacker starts from; raises :class:`MissingExtraError` where it is missing."""
    return lite.imagenet_weights(lite.LITE0)


def pretrained() -> AttackerNetwork:
    """The network with ImageNet weights below an untrained neck."""
    network = AttackerNetwork()
    network.backbone = lite.pretrained(lite.LITE0)
    return network
