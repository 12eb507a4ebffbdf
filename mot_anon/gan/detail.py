"""The second stage: people who were drawn, seen from nearer.

A generator's cells are several pixels wide on people who are near a camera, and what it makes up in single cells is
mottled.  This network sees a picture at half the size at which it answers, where mottles have been averaged away, and
where somebody stands at the full one; it has learnt on people of flesh and blood what such a picture looked like
before it was halved.  Laid over the generator's own pictures once they are halved, it draws their detail anew; laid
over those, it doubles them.  That it has not learnt: it weaves what is mottled into the cloth, which is smoothed away.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.gan.cloth import levelled, plain
from mot_anon.gan.networks import SHAPE_CHANNELS
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "detail.safetensors"
FORMAT = "mot_anon detail 1"
# How faint a pattern is that cloth does not have (of 1, in all colours together), how far round about it is looked for
# (in cells of the doubled picture), and how often.
_FAINT, _WIDE, _TIMES = 0.1, 2.0, 2
_MOTTLED = (0.2, 3.0, 2)  # the same for what the generator draws of cloth
_HEAD = 1  # of the maps of a shape: the first part
_HEADED, _RIM, _SOFT = (0.2, 0.6), 3.0, 1.4  # of a head's map: where its head begins and is whole; cells of blurs

Pixels = NDArray[np.float32]


class DetailNetwork(nn.Module):
    """A picture and a shape of twice its size in, a picture of that size out; any even size will do.

    Parameters
    ----------
    width, deep, fine:
        Channels at the size of the picture that comes in, at half of it, and at twice it.
    """

    def __init__(self, width: int = 48, deep: int = 96, fine: int = 24) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 + 4 * SHAPE_CHANNELS, width, 3, 1, 1)
        self.near = _Residual(width)
        self.down = nn.Conv2d(width, deep, 3, 2, 1)
        self.deep = nn.Sequential(*(_Residual(deep) for _ in range(4)))
        self.narrow = nn.Conv2d(deep, width, 1)
        self.after = nn.Sequential(*(_Residual(width) for _ in range(2)))
        self.thin = nn.Conv2d(width, fine, 1)
        self.large = nn.Conv2d(fine + SHAPE_CHANNELS, fine, 3, 1, 1)
        self.last = nn.Conv2d(fine, 3, 3, 1, 1)

    def forward(self, small: Tensor, shape: Tensor) -> Tensor:
        """(N, 3, h, w) in −1…1 and (N, 5, 2h, 2w) in 0…1 → (N, 3, 2h, 2w), about −1…1."""
        maps = F.leaky_relu(self.first(torch.cat([small, F.pixel_unshuffle(shape, 2)], 1)), 0.2)
        maps = self.near(maps)
        deep = self.deep(F.leaky_relu(self.down(maps), 0.2))
        maps = self.after(maps + _doubled(self.narrow(deep)))
        maps = F.leaky_relu(self.large(torch.cat([_doubled(self.thin(maps)), shape], 1)), 0.2)
        return _doubled(small).float() + self.last(maps).float()


class Detail:
    """The second stage with its weights (``weights/detail.md`` is the model card).  Pure."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_detail(weights)
        self.fingerprint = f"detail-4-{content_digest(weights)}"

    def nearer(self, drawn: Pixels, shape: Pixels) -> Pixels:
        """The generator's pictures (N, h, w, 3) after shapes (N, 5, h, w): detail drawn anew, then doubled.

        Returns
        -------
        (N, 2h, 2w, 3) float32 RGB in 0…1.
        """
        if not len(drawn):
            return np.zeros((0, 2 * drawn.shape[1], 2 * drawn.shape[2], 3), np.float32)
        height, width = drawn.shape[1:3]
        calm = [calmed(picture, maps) for picture, maps in zip(drawn, shape, strict=True)]
        size = (width // 2, height // 2)
        halves = [np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32) for picture in calm]
        large = [
            [cv2.resize(part, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC).clip(0, 1) for part in maps]
            for maps in shape
        ]
        doubled = [
            plain(picture, _FAINT, _WIDE, _TIMES)
            for picture in self(self(np.stack(halves), shape), np.array(large, np.float32))
        ]
        heads = [maps[_HEAD] for maps in large]
        return np.stack([_soft_head(*three) for three in zip(doubled, halves, heads, strict=True)])

    def __call__(self, small: Pixels, shape: Pixels) -> Pixels:
        """Double pictures.

        Parameters
        ----------
        small:
            (N, h, w, 3) RGB in 0…1; h and w are even.
        shape:
            (N, 5, 2h, 2w) in 0…1: silhouettes and parts.

        Returns
        -------
        (N, 2h, 2w, 3) float32 RGB in 0…1.
        """
        pictures = torch.from_numpy(np.ascontiguousarray(small, np.float32)).permute(0, 3, 1, 2) * 2 - 1
        maps = torch.from_numpy(np.ascontiguousarray(shape, np.float32))
        if maps.shape != (len(pictures), SHAPE_CHANNELS, 2 * pictures.shape[2], 2 * pictures.shape[3]):
            raise ValueError(f"shapes are {tuple(maps.shape)} for pictures {tuple(pictures.shape)}")
        if not len(pictures):
            return np.zeros((0, *maps.shape[2:], 3), np.float32)
        with torch.inference_mode(), reduced_precision():
            # Processors convolve half again as fast with the channels of a pixel side by side.
            drawn = self._network(*(part.contiguous(memory_format=torch.channels_last) for part in (pictures, maps)))
        return np.asarray(((drawn.float() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).numpy(), np.float32)


@lru_cache(maxsize=2)
def load_detail(weights: Path = WEIGHTS) -> DetailNetwork:
    """The trained network, frozen."""
    return load_weights(DetailNetwork, weights, FORMAT)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, 1, 1) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + 0.3 * self.second(F.leaky_relu(self.first(maps), 0.2))


def calmed(drawn: Pixels, shape: Pixels) -> Pixels:
    """A picture (h, w, 3) in 0…1 after a shape (5, h, w) whose clothes are plainer than a generator makes them."""
    calm = plain(levelled(drawn, shape[0], shape[1:]), *_MOTTLED)
    return np.asarray(calm + shape[_HEAD][..., None] * (drawn - calm), np.float32)


def _soft_head(near: Pixels, far: Pixels, head: Pixels) -> Pixels:
    """The doubled picture with the head as it was before, softly: of a dozen cells, the network makes stripes."""
    height, width = head.shape
    low, high = _HEADED
    share = ((cv2.GaussianBlur(head, (0, 0), _RIM) - low) / (high - low)).clip(0, 1)[..., None]
    soft = cv2.GaussianBlur(cv2.resize(far, (width, height), interpolation=cv2.INTER_CUBIC), (0, 0), _SOFT)
    return np.asarray(near + share * (soft.clip(0, 1) - near), np.float32)


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
