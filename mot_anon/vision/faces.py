"""Finding faces: a detector is run over the frame and, closer, over the heads of everybody who is known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.data.motchallenge import DETECTION_COLUMNS
from mot_anon.vision.cache import Tick, each_frame, frames_digest, kept
from mot_anon.vision.detect import Detections, suppress
from mot_anon.vision.face_detectors import OVERLAP, FaceDetector
from mot_anon.vision.landmarks import POINTS, SIZE, LandmarkReader, reading_windows
from mot_anon.vision.parse import cut_window

TILE = 160
"""Side in pixels that the surroundings of a head are scaled to: a head is 35 to 40 of them."""
_INSIDE = 0.5  # of the smaller of two finds inside the other: one face
_SEARCHED = 0.5  # side of a tile by the height of a standing person


def search_windows(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the head of everybody is looked for: boxes (N, 4) x, y, w, h → squares (N, 4) x1, y1, x2, y2.

    Half as high as a standing person, round the top of the box; wider boxes are searched over their whole width.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    standing = np.maximum(boxes[:, 3], boxes[:, 2] / 0.45)
    halves = np.maximum(_SEARCHED * standing, 1.1 * np.minimum(boxes[:, 2], 0.6 * standing)) / 2
    x, y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + 0.1 * standing
    return np.stack([x - halves, y - halves, x + halves, y + halves], 1)


def find_faces(frame: Frame, boxes: NDArray[np.float64], detector: FaceDetector) -> Detections:
    """All faces of a frame (N, 5), best first: of people with boxes (M, 4) x, y, w, h, and of whoever else is there."""
    scale = min(detector.enlarged, detector.longest / max(frame.shape[:2]))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    whole = frame if scale == 1 else cv2.resize(frame, None, fx=scale, fy=scale, interpolation=way)
    found = [_placed(detector(np.asarray(whole, np.uint8), alone=True), 0.0, 0.0, 1 / scale)]
    for window in search_windows(boxes):
        x1, y1, x2, y2 = window.tolist()
        if x2 <= 0 or y2 <= 0 or x1 >= frame.shape[1] or y1 >= frame.shape[0]:
            continue
        tile = cut_window(frame, window, (TILE, TILE))
        cell = (np.ceil(x2) - np.floor(x1)) / TILE
        found.append(_placed(detector(tile, alone=False), np.floor(x1), np.floor(y1), cell))
    return one_each(np.concatenate(found))


def one_each(found: Detections) -> Detections:
    """Faces (N, 5), best first, of which none lies mostly inside a better one, as finds at different scales do."""
    rest = suppress(found, OVERLAP)
    kept: list[NDArray[np.float64]] = []
    for face in rest:
        low, high = face[:2], face[:2] + face[2:4]
        shared = [
            np.clip(np.minimum(high, other[:2] + other[2:4]) - np.maximum(low, other[:2]), 0, None).prod()
            / min(face[2:4].prod(), other[2:4].prod())
            for other in kept
        ]
        if max(shared, default=0.0) < _INSIDE:
            kept.append(face)
    return np.array(kept).reshape(-1, 5)


def face_sequence(
    frames: Sequence[Path], boxes: pd.DataFrame, detector: FaceDetector, tick: Tick | None = None
) -> pd.DataFrame:
    """:func:`find_faces` over the frames, kept by content.

    Parameters
    ----------
    boxes:
        Columns frame (from 1), x, y, w, h: where people are known to be.

    Returns
    -------
    A table of :data:`~mot_anon.data.motchallenge.DETECTION_COLUMNS`.
    """
    places = boxes[["x", "y", "w", "h"]].to_numpy(np.float64)
    numbers = boxes["frame"].to_numpy(np.int64)

    def compute() -> NDArray[np.float64]:
        rows = [np.zeros((0, 6))]
        for index, path in enumerate(frames, start=1):
            found = find_faces(read_frame(path), places[numbers == index], detector)
            rows.append(np.column_stack([np.full(len(found), index), found]))
            if tick:
                tick()
        return np.concatenate(rows)

    name = f"faces 3 {detector.fingerprint} {frames_digest(frames)} {_digest(places, numbers)}"
    table = kept(name, compute, tick, len(frames))
    return pd.DataFrame(table, columns=DETECTION_COLUMNS).astype({"frame": "int64"})


def landmark_sequence(
    frames: Sequence[Path], faces: pd.DataFrame, reader: LandmarkReader, tick: Tick | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Landmarks of every row of ``faces`` (columns frame, x, y, w, h), in its order, kept by content.

    Returns points (N, 68, 2) float32 in pixels of the frame, and confidences (N,) float32 in 0…1.
    """
    places = faces[["x", "y", "w", "h"]].to_numpy(np.float64)
    numbers = faces["frame"].to_numpy(np.int64)
    windows = reading_windows(places)

    def look(frame: Frame, here: NDArray[np.int64]) -> NDArray[np.float32]:
        points, sure = reader(np.stack([cut_window(frame, windows[row], SIZE) for row in here]))
        low = np.floor(windows[here, :2])
        side = np.ceil(windows[here, 2:]) - low
        points = points * side[:, None] + low[:, None]
        return np.column_stack([points.reshape(len(here), -1), sure]).astype(np.float32)

    def compute() -> NDArray[np.float32]:
        read = np.zeros((len(places), 2 * POINTS + 1), np.float32)
        for here, found in each_frame(frames, numbers, look, tick):
            read[here] = found
        return read

    name = f"landmarks 1 {reader.fingerprint} {frames_digest(frames)} {_digest(places, numbers)}"
    result = kept(name, compute, tick, len(frames))
    return result[:, :-1].reshape(-1, POINTS, 2), result[:, -1]


def _digest(places: NDArray[np.float64], numbers: NDArray[np.int64]) -> str:
    return hashlib.sha256(places.tobytes() + numbers.tobytes()).hexdigest()


def _placed(found: Detections, left: float, top: float, scale: float) -> Detections:
    moved = found.copy()
    moved[:, :4] *= scale
    moved[:, :2] += (left, top)
    return moved
