"""What a camera that stands still sees where nobody is: the background plate.

A pixel of the plate is the median of sampled frames in which the pixel was in nobody's box, nor near one, and it is
known only where enough frames say so.  So it shows nothing that is not published as it is in those very frames.  Where
detections without a track keep coming, somebody may stand whom the detector often misses: there nothing is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.plan.regions import clip
from mot_anon.vision.cache import Tick, frames_digest, kept

_SAMPLES = 40
_LEAST_FRAMES, _LEAST_SHARE = 5, 0.125
_OFTEN = 0.1  # share of all frames in which a pixel is in boxes without a track
_STILL = 9.0  # grey levels: median difference of a frame to the plate, above which the camera has moved
_ACROSS, _DOWN = 0.12, 0.05  # how far beyond a box its person's pixels, shadow and blur may reach
_STRIP = 64


@dataclass(frozen=True)
class Plate:
    """``pixels`` (H, W, 3) uint8 BGR, ``known`` (H, W)."""

    pixels: Frame = field(repr=False)
    known: NDArray[np.bool_] = field(repr=False)

    def shows(self, frame: Frame, outside: NDArray[np.bool_]) -> bool:
        """Whether a frame was taken where the plate was, judged by its pixels ``outside`` (H, W) all regions."""
        some = (self.known & outside)[::4, ::4]
        if some.sum() < 50:
            return False
        difference = cv2.absdiff(frame[::4, ::4][some], self.pixels[::4, ::4][some])
        return float(np.median(difference)) <= _STILL


def make_plate(
    frames: Sequence[Path], regions: pd.DataFrame, size: tuple[int, int], tick: Tick | None = None
) -> Plate | None:
    """The plate of a recording; None where the camera moves, or where hardly anything is ever free.

    Parameters
    ----------
    regions:
        Everybody, also those who count as hidden; ``loose`` says who may be there in more frames than are known,
        because no track holds the detections together.
    size:
        (width, height) in pixels.
    tick:
        Called once a sampled frame (:func:`sampled`).
    """
    numbers = sampled(len(frames))
    boxes = regions[["x", "y", "w", "h"]].to_numpy(np.float64)
    said = regions["frame"].to_numpy(np.int64)
    loose = regions["loose"].to_numpy(bool)
    what = hashlib.sha256(boxes.tobytes() + said.tobytes() + loose.tobytes()).hexdigest()
    name = f"plate 3 {numbers} {frames_digest([frames[number - 1] for number in numbers])} {what}"

    def compute() -> NDArray[np.uint8]:
        often = _often(boxes[loose], said[loose], len(frames), size)
        stack, free = [], []
        for number in numbers:
            stack.append(read_frame(frames[number - 1]))
            free.append(~(_covered(boxes[said == number], size) | often))
            if tick:
                tick()
        return _median(np.stack(stack), np.stack(free))

    both = kept(name, compute, tick, len(numbers), small=True)
    plate = Plate(np.ascontiguousarray(both[..., :3]), both[..., 3] > 0)
    if not plate.known.any():
        return None
    still = [
        plate.shows(read_frame(frames[number - 1]), ~_covered(boxes[said == number], size))
        for number in numbers[:: max(1, len(numbers) // 8)]
    ]
    return plate if sum(still) >= 0.75 * len(still) else None


def sampled(n_frames: int) -> list[int]:
    """Numbers of the frames, evenly spread, that a plate is made of."""
    return sorted({int(number) for number in np.rint(np.linspace(1, n_frames, min(n_frames, _SAMPLES)))})


def _covered(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    covered = np.zeros((size[1], size[0]), bool)
    for x, y, w, h in boxes:
        more, above = max(4.0, _ACROSS * w), max(4.0, _DOWN * h)
        x1, y1, x2, y2 = clip(np.array([x - more, y - above, w + 2 * more, h + 2 * above]), size)
        covered[y1:y2, x1:x2] = True
    return covered


def _often(
    boxes: NDArray[np.float64], numbers: NDArray[np.int64], n_frames: int, size: tuple[int, int]
) -> NDArray[np.bool_]:
    count = np.zeros((size[1], size[0]), np.int64)
    for number in sorted(set(numbers.tolist())):
        count += _covered(boxes[numbers == number], size)
    return count >= max(2, _OFTEN * n_frames)


def _median(stack: NDArray[np.uint8], free: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 4) uint8: the lower median of the free ones of (N, H, W, 3) pixels, and 255 where it is known."""
    count = free.sum(0)
    least = max(_LEAST_FRAMES, _LEAST_SHARE * len(stack))
    result = np.zeros((*count.shape, 4), np.uint8)
    for top in range(0, len(count), _STRIP):
        rows = slice(top, top + _STRIP)
        # Those that do not count are sorted to the end.
        values = np.where(free[:, rows, :, None], stack[:, rows], 255)
        values = np.sort(np.moveaxis(values, 0, -1), axis=-1)
        middle = np.maximum(count[rows] - 1, 0)[..., None, None] // 2
        result[rows, :, :3] = np.take_along_axis(values, np.broadcast_to(middle, (*values.shape[:3], 1)), -1)[..., 0]
    result[..., 3] = np.where(count >= least, 255, 0)
    result[count < least] = 0
    return result
