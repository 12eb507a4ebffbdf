"""Faces as attacks look at them: found in the originals, turned upright, and cut out of both trees at the same place.

Attackers are given the place, as they are given the outline of a body; they never see which pixels are the original's.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data import sequence as seq
from mot_anon.data.frames import Frame, read_frame
from mot_anon.errors import OptionError
from mot_anon.measure.audit.faces import searched
from mot_anon.measure.face_judges import JUDGES
from mot_anon.measure.privacy.attackers import Remembering
from mot_anon.measure.privacy.trees import Part, seen_people, spread
from mot_anon.plan.regions import head_box
from mot_anon.vision.face_data import FACE_SIZE
from mot_anon.vision.face_detectors import AUTO, make_face_detector
from mot_anon.vision.faces import TILE, search_windows
from mot_anon.vision.landmarks import (
    MIRRORED,
    POINTS,
    SIZE,
    USABLE,
    LandmarkReader,
    draw_holes,
    face_windows,
    reading_windows,
)
from mot_anon.vision.parse import cut_window

_LOOKED_AT = 24  # moments of a track in which a face is looked for


class FaceAttacker(Remembering):
    """A face embedder on crops that are upright; see :data:`mot_anon.measure.face_judges.JUDGES`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in JUDGES:
            raise OptionError(f"no embedder {name!r}; there is: {', '.join(JUDGES)}")
        self._judge = JUDGES[name]

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 112, 112, 3) uint8 BGR → (N, 128) float32."""
        return self._judge(pixels, np.repeat(usual_landmarks()[None], len(pixels), axis=0))


@lru_cache(maxsize=1)
def usual_landmarks() -> NDArray[np.float32]:
    """Where (68, 2) landmarks are in an upright crop, as fractions: of the face that the reader thinks of unseen."""
    points = LandmarkReader()(np.full((1, *SIZE, 3), 127, np.uint8))[0][0]
    points = (points + points[list(MIRRORED)] * (-1, 1) + (1, 0)) / 2
    low, high = face_windows(points[None])[0].reshape(2, 2)
    return np.asarray((points - low) / (high - low), np.float32)


def seen_faces(sequence: seq.Sequence) -> pd.DataFrame:
    """Rows of pedestrians whose face has landmarks: x, y, w, h are the face's, ``points`` (68, 2) pixels of the frame.

    At most 24 moments of a track are looked at.
    """
    detector, read = make_face_detector(AUTO), LandmarkReader()
    assert detector is not None
    people = seen_people(sequence)
    some = [track.sort_values("frame").iloc[spread(len(track), _LOOKED_AT)] for _, track in people.groupby("id")]
    rows = []
    for number, here in pd.concat(some).groupby("frame") if some else ():
        frame = read_frame(sequence.frames[int(number) - 1])
        for _, row in here.iterrows():
            box = row[["x", "y", "w", "h"]].to_numpy(np.float64)
            window = search_windows(box[None])[0]
            face = _face_of(searched(frame, window, (2 * TILE, 2 * TILE), detector, alone=False), box)
            if face is None:
                continue
            window = reading_windows(face[None])[0]
            points, sure = read(cut_window(frame, window, SIZE)[None])
            if sure[0] < USABLE:
                continue
            low = np.floor(window[:2])
            places = low + points[0] * (np.ceil(window[2:]) - low)
            rows.append(row.to_dict() | dict(zip(("x", "y", "w", "h"), face, strict=True)) | {"points": places})
    return pd.DataFrame(rows, columns=[*people.columns, "points"]).astype({"frame": "int64", "id": "int64"})


def upright(frame: Frame, row: pd.Series) -> NDArray[np.uint8]:
    """The face of a row, turned and scaled so that its landmarks are where they usually are, (112, 112, 3)."""
    way = cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(frame, _turn(row["points"]), (FACE_SIZE, FACE_SIZE), None, way, cv2.BORDER_REPLICATE), np.uint8
    )


def outlines(rows: pd.DataFrame) -> NDArray[np.uint8]:
    """What is replaced of the faces of rows, (N, 56, 56) uint8, 0…255."""
    places = [points @ turn[:, :2].T + turn[:, 2] for points in rows["points"] for turn in [_turn(points)]]
    points = (np.array(places).reshape(-1, POINTS, 2) / FACE_SIZE).astype(np.float32)
    holes = draw_holes(points, (FACE_SIZE // 2, FACE_SIZE // 2))
    return np.rint(255 * holes[:, 0]).astype(np.uint8)


FACE = Part("face", seen_faces, upright, outlines)


def _turn(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the similarity that brings landmarks (68, 2) nearest to where they usually are (Umeyama, 1991)."""
    wanted = usual_landmarks().astype(np.float64) * FACE_SIZE
    one, two = points - points.mean(0), wanted - wanted.mean(0)
    u, values, v = np.linalg.svd(two.T @ one)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ v))])
    turn = (values @ signs) / (one**2).sum() * (u * signs) @ v
    return np.column_stack([turn, wanted.mean(0) - turn @ points.mean(0)])


def _face_of(found: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The best of the faces (N, 5) whose middle is on the head of somebody's box (x, y, w, h)."""
    x, y, w, h = head_box(box)
    middle = found[:, :2] + found[:, 2:4] / 2
    inside = ((middle >= (x, y)) & (middle <= (x + w, y + h))).all(1)
    return found[inside][found[inside][:, 4].argmax(), :4] if inside.any() else None
