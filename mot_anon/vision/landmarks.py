"""Landmarks of faces: where the jaw, the nose and the mouth are, and whether there is a face to be seen at all."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.vision.layers import Residual, convolution
from mot_anon.vision.weights import content_digest, load_weights, reduced_precision

POINTS = 68
KEPT = (*range(17), *range(27, 31), *range(60, 68))
"""What a generator is told of a face: jaw, bridge of the nose and inner mouth (CIAGAN, CVPR 2020, section 3.1).

Eyes, brows, the tip of the nose and the lips' outline say who somebody is, and are left out.
"""
MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
)
"""Which point of the original each point of its mirror image is."""
USABLE = 0.5
"""Confidence from which a face can be drawn after its landmarks."""
SIZE = (64, 64)
"""Height and width of the crops that the network sees."""
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "landmarks.safetensors"
FORMAT = "mot_anon landmarks 1"
WIDTHS = (16, 32, 64, 64)
_LINES = ((tuple(range(17)), False), (tuple(range(27, 31)), False), (tuple(range(60, 68)), True))
_FINE = 4  # drawn so many times larger, then shrunk
_BROW = (*range(17, 27),)
_RAISED = 0.22  # of the face's height from brows to chin, by which a hole reaches above the brows
_GROWN = 0.06  # of the face's size, by which it is wider than the landmarks
_WINDOW = 1.4  # side of a face's window by the longer side of its landmarks
_ABOVE = 0.1  # of that side: how much further up than the middle of the landmarks its middle lies
_BATCH = 128


class LandmarkNetwork(nn.Module):
    """Residual convolutions down to 4×4 cells, then one linear layer over all of them: shape is where things are."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.features = nn.Sequential(
            convolution(3, a, stride=2, size=5),
            Residual(a),
            convolution(a, b, stride=2),
            Residual(b),
            convolution(b, c, stride=2),
            Residual(c),
            convolution(c, d, stride=2),
            Residual(d),
        )
        self.whole = nn.Linear(d * 16, 128)
        self.points = nn.Linear(128, 2 * POINTS)
        self.confidence = nn.Linear(128, 1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, 64, 64) RGB in −1…1 → points (N, 68, 2) as fractions of the crop, and logits (N,) of confidence."""
        whole = F.relu(self.whole(self.features(crops).flatten(1)))
        return self.points(whole).view(-1, POINTS, 2).float() + 0.5, self.confidence(whole)[:, 0].float()


class LandmarkReader:
    """The network with the weights that ship (``weights/landmarks.md`` is the model card)."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._network = load_landmarks(weights)
        self.fingerprint = f"landmarks-1-{content_digest(weights)}"

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Crops round faces (:func:`reading_windows`) → where the landmarks are, and how sure that is.

        Parameters
        ----------
        crops:
            (N, H, W, 3) uint8 BGR, of any size.

        Returns
        -------
        points:
            (N, 68, 2) float32: x, y as fractions of the crop, in the usual order; may lie outside 0…1.
        confidence:
            (N,) float32 in 0…1: near 0 where no face is to be seen, or nothing can be told of its landmarks; from
            :data:`USABLE` a face can be drawn after them.
        """
        points, confidence = [np.zeros((0, POINTS, 2), np.float32)], [np.zeros(0, np.float32)]
        for start in range(0, len(crops), _BATCH):
            small = np.stack([resized(crop) for crop in crops[start : start + _BATCH]])
            images = torch.from_numpy(small).flip(-1).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
            with torch.inference_mode(), reduced_precision():
                found, sure = self._network(images.contiguous(memory_format=torch.channels_last))
            points.append(found.numpy())
            confidence.append(torch.sigmoid(sure).numpy())
        return np.concatenate(points), np.concatenate(confidence)


def resized(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop (H, W, 3) at the network's size."""
    way = cv2.INTER_AREA if crop.shape[0] > SIZE[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, SIZE[::-1], interpolation=way), np.uint8)


def reading_windows(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the reader wants to see of detected faces: (N, 4) x, y, w, h → squares (N, 4) x1, y1, x2, y2."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    halves = 0.65 * boxes[:, 2:].max(1, keepdims=True)
    return np.concatenate([centres - halves, centres + halves], 1)


def face_windows(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """The square windows in which faces are drawn, (N, 4) x1, y1, x2, y2 in the unit of ``points`` (N, 68, 2).

    Upright, and 1.4 times as large as the landmarks: forehead, some hair and a little of the neck are inside.
    """
    places = np.asarray(points, np.float64).reshape(-1, POINTS, 2)
    low, high = places.min(1), places.max(1)
    side = _WINDOW * (high - low).max(1, keepdims=True)
    centres = (low + high) / 2 - side * np.array([0.0, _ABOVE])
    return np.concatenate([centres - side / 2, centres + side / 2], 1)


def draw_landmarks(points: NDArray[np.float32], size: tuple[int, int] = SIZE) -> NDArray[np.float32]:
    """What a generator sees of faces: :data:`KEPT` as thin lines.

    Parameters
    ----------
    points:
        (N, 68, 2): x, y as fractions of the picture to draw.
    size:
        Its height and width.

    Returns
    -------
    (N, 1, height, width) float32 in 0…1.
    """
    drawn = np.zeros((len(points), 1, *size), np.float32)
    for row, place in enumerate(_scaled(points, size)):
        canvas = np.zeros((size[0] * _FINE, size[1] * _FINE), np.uint8)
        for line, closed in _LINES:
            cv2.polylines(canvas, [place[list(line)]], closed, 255, _FINE + 1, cv2.LINE_AA, 4)
        drawn[row, 0] = cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return drawn


def draw_holes(points: NDArray[np.float32], size: tuple[int, int] = SIZE) -> NDArray[np.float32]:
    """Which part of a face is taken out and drawn anew: from jaw to jaw, from the chin to the middle of the forehead.

    As :func:`draw_landmarks`: (N, 68, 2) → (N, 1, height, width) float32 in 0…1, with an edge one cell wide.
    """
    points = np.asarray(points, np.float32).reshape(-1, POINTS, 2)
    brow, chin = points[:, _BROW].mean(1), points[:, 8]
    up = _RAISED * (brow - chin)
    middle = points.mean(1, keepdims=True)
    outline = np.concatenate([points, points[:, _BROW] + up[:, None]], 1)
    outline = middle + (1 + _GROWN) * (outline - middle)
    drawn = np.zeros((len(points), 1, *size), np.float32)
    for row, place in enumerate(_scaled(outline, size)):
        canvas = np.zeros((size[0] * _FINE, size[1] * _FINE), np.uint8)
        cv2.fillConvexPoly(canvas, cv2.convexHull(place), 255, cv2.LINE_AA, 4)
        drawn[row, 0] = cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return drawn


def _scaled(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.int32]:
    # In sixteenths of a fine pixel, counted from the middle of the first one.
    fine = np.asarray(points, np.float64) * (size[1] * _FINE, size[0] * _FINE) - 0.5
    return np.rint(fine.clip(-4096, 8192) * 16).astype(np.int32)


@lru_cache(maxsize=4)
def load_landmarks(weights: Path = WEIGHTS) -> LandmarkNetwork:
    """The trained network, frozen."""
    return load_weights(LandmarkNetwork, weights, FORMAT)
