"""The re-ID network: OSNet x0.25 (Zhou et al., ICCV 2019) as torchreid has it, under a normalised head of our own."""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch
from torch import Tensor, nn

INPUT_SIZE = (128, 64)
"""Height and width of a crop in pixels."""
FEATURES = 256
"""Length of an embedding."""


class ReidNetwork(nn.Module):
    """Crops in, embeddings out.

    ``forward`` takes (N, 3, 128, 64) float32 RGB in −1…1 and returns (N, 256) float32, not normalised: averages and
    maxima over the last feature maps, a linear layer and a batch norm (the 'BNNeck' of Luo et al. 2019).
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _osnet()
        self.project = nn.Linear(128, FEATURES, bias=False)
        self.neck = nn.BatchNorm1d(FEATURES)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, 128, 64) float32 in −1…1 → (N, 256) float32."""
        maps = cast(Any, self.backbone).featuremaps(crops)
        with torch.autocast(crops.device.type, enabled=False):
            maps = maps.float()
            return cast(Tensor, self.neck(self.project(maps.mean((2, 3)) + maps.amax((2, 3)))))


def _osnet() -> nn.Module:
    with warnings.catch_warnings():
        # torchreid asks for a Cython extension that only its own evaluation uses.
        warnings.simplefilter("ignore")
        from torchreid.reid.models.osnet import osnet_x0_25
    # pretrained=True would download from a drive at construction.
    model = osnet_x0_25(num_classes=1, pretrained=False)
    # Crops are half as large as OSNet's 256×128: without its last pooling the last maps are 16×8, as there.
    model.conv3[-1][1] = nn.Identity()
    model.fc = nn.Identity()
    model.classifier = nn.Identity()
    return cast(nn.Module, model)


def to_input(crops: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 BGR → (N, 3, H, W) float32 RGB in −1…1, channels last in memory (2.5 times as fast on CPU)."""
    return crops.flip(-1).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
