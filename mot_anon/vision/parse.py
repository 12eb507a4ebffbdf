"""Reading a person: silhouette, body parts, and whether there is a person at all.

A box means one person.  The parser sees the box with a margin round it (its *window*) and says which pixels are that
person's, in front of and behind others; nobody whom the box does not mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.data.frames import Frame
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.layers import Residual, convolution
from mot_anon.vision.lite import LITE1, Lite, width
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision

SIZE = (128, 64)
"""Height and width of windows and maps."""
MARGIN = 1.15
"""A window's sides over its box's."""
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "parser.safetensors"
FORMAT = "mot_anon parser 3"
EYES = LITE1
"""What the parser begins with."""
_STAGES = (0, 1, 2, 4)  # of it: at a half, a quarter, an eighth and a sixteenth of the size
_DEEP = 128
_BATCH = 64
_OUTSIDE = 127


@dataclass(frozen=True)
class Parsed:
    """What the parser saw in N boxes of a frame.

    Attributes
    ----------
    silhouettes:
        (N, 128, 64) float32 in 0…1: the visible pixels of the person whom the box means.
    parts:
        (N, 4, 128, 64) float32 in 0…1: visible head (brighter where the face is), torso, arms, legs.
    scores:
        (N,) float32 in 0…1: how sure it is that the box means a person.
    windows:
        (N, 4) float64, x1, y1, x2, y2 in pixels of the frame: what the maps cover; may leave the frame.
    """

    silhouettes: NDArray[np.float32]
    parts: NDArray[np.float32]
    scores: NDArray[np.float32]
    windows: NDArray[np.float64]


class ParserNetwork(nn.Module):
    """A U-Net whose way down is EfficientNet-Lite's, and whose coarsest maps also see the mean of the whole window."""

    def __init__(self) -> None:
        super().__init__()
        fine, quarter, eighth, deep = (width(stage) for stage in _STAGES)
        self.eyes = Lite(EYES, 1 + _STAGES[-1])
        self.context = nn.Linear(deep, deep)
        self.deep = nn.Sequential(convolution(deep, _DEEP), Residual(_DEEP))
        before, ups = _DEEP, []
        for skip, after in ((eighth, 80), (quarter, 48), (fine, 32)):
            ups.append(convolution(before + skip, after))
            before = after
        self.up = nn.ModuleList(ups)
        self.edge = convolution(3, 8)
        self.last = convolution(before + 8, 12)
        self.maps = nn.Conv2d(12, 1 + len(PARTS), 3, 1, 1)
        self.score = nn.Linear(_DEEP, 1)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, 128, 64) RGB in −1…1 → logits of silhouette and parts (N, 5, 128, 64), and of the score (N,)."""
        *skips, maps = self.eyes.maps(windows, _STAGES)
        maps = self.deep(maps + self.context(maps.mean((2, 3)))[:, :, None, None])
        score = self.score(maps.mean((2, 3)))[:, 0]
        for layer, skip in zip(self.up, reversed(skips), strict=True):
            maps = layer(torch.cat([_twice(maps), skip], 1))
        maps = self.last(torch.cat([_twice(maps), self.edge(windows)], 1))
        return self.maps(maps), score


def _twice(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


class Parser:
    """The parser with the weights that ship (``weights/parser.md`` is the model card)."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_parser(weights)
        self.fingerprint = f"parser-3-{content_digest(weights)}"

    def __call__(self, frame: Frame, boxes: NDArray[np.float64]) -> Parsed:
        """Parse the people of a frame.

        Parameters
        ----------
        frame:
            (H, W, 3) uint8 BGR.
        boxes:
            (N, 4) x1, y1, x2, y2 in pixels; may leave the frame.
        """
        windows = widen(boxes)
        maps = [np.zeros((0, 1 + len(PARTS), *SIZE), np.float32)]
        scores = [np.zeros(0, np.float32)]
        for start in range(0, len(windows), _BATCH):
            crops = np.stack([cut_window(frame, window) for window in windows[start : start + _BATCH]])
            some_maps, some_scores = self.read(crops)
            maps.append(some_maps)
            scores.append(some_scores)
        joined = np.concatenate(maps)
        return Parsed(joined[:, 0], joined[:, 1:], np.concatenate(scores), windows)

    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows (N, 128, 64, 3) uint8 BGR → maps (N, 5, 128, 64), silhouette first, and scores (N,), in 0…1."""
        images = torch.from_numpy(crops).flip(-1).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        with torch.inference_mode(), reduced_precision():
            maps, scores = self._network(images.contiguous(memory_format=torch.channels_last))
        return torch.sigmoid(maps.float()).numpy(), torch.sigmoid(scores.float()).numpy()


def widen(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The windows (N, 4) of boxes (N, 4) xyxy: the same centres, sides :data:`MARGIN` times as long."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * MARGIN / 2
    return np.concatenate([centres - halves, centres + halves], 1)


def cut_window(frame: Frame, window: NDArray[np.float64], size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """The pixels of a window (x1, y1, x2, y2), resized to ``size`` (height, width); grey beyond the frame."""
    x1, y1 = (int(v) for v in np.floor(window[:2]))
    x2, y2 = (max(1 + low, int(v)) for low, v in zip((x1, y1), np.ceil(window[2:]), strict=True))
    height, width = frame.shape[:2]
    crop = np.full((y2 - y1, x2 - x1, 3), _OUTSIDE, np.uint8)
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    if a2 > a1 and b2 > b1:
        crop[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1] = frame[b1:b2, a1:a2]
    shrinks = crop.shape[0] > size[0]
    resized = cv2.resize(crop, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


@lru_cache(maxsize=4)
def load_parser(weights: Path = WEIGHTS) -> ParserNetwork:
    """The trained network, frozen."""
    return load_weights(ParserNetwork, weights, FORMAT)
