"""Layers that the parser and the landmark reader are built of."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Residual(nn.Module):
    """Two convolutions whose result is added to what went in, (N, width, H, W) → the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, width, H, W) → (N, width, H, W)."""
        return F.relu(maps + self.norm(self.body(maps)))


def convolution(before: int, after: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """A convolution of ``size`` × ``size``, a batch norm and a ReLU."""
    layer = nn.Conv2d(before, after, size, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
